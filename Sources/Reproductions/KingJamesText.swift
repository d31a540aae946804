import Foundation
import SomaData
import SomaExperiments

/// The King James text, as the Debian package `bible-kjv` prints it, or from a file `king-james.txt` in the folder that
/// SOMA_DATA names. A smoke run takes the titles of the published systems, which are always there.
/// - Throws: `DataError` if it is nowhere
func kingJamesText(_ run: ReproductionRun, characters: Int) throws -> String {
  if run.isSmoke { return String(PublishedSystem.all.map(\.title).joined(separator: "\n").prefix(6000)) }
  let folders = (ProcessInfo.processInfo.environment["SOMA_DATA"].map { [$0] } ?? []) + ["data"]
  for folder in folders {
    if let text = try? String(contentsOfFile: "\(folder)/king-james.txt", encoding: .utf8) {
      return String(text.prefix(characters))
    }
  }
  let program = "/usr/bin/bible"
  guard FileManager.default.isExecutableFile(atPath: program) else {
    throw DataError(
      "king-james", "the text is not on this machine: install the package bible-kjv, or put king-james.txt into data")
  }
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = ["-f", "-l100000", "gen1:1-rev22:21"]
  let pipe = Pipe()
  process.standardOutput = pipe
  process.standardError = FileHandle.nullDevice
  do { try process.run() } catch {
    throw DataError("king-james", "\(program) cannot be run: \(error.localizedDescription)")
  }
  let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  guard bytes.count > 100_000, let text = String(data: bytes, encoding: .utf8) else {
    throw DataError("king-james", "\(program) printed no text")
  }
  // Each line is a verse behind its reference.
  let verses = text.split(separator: "\n").compactMap { $0.split(separator: " ", maxSplits: 1).last }
  return String(verses.joined(separator: "\n").prefix(characters))
}
