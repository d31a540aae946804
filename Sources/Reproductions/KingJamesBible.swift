import Foundation
import SomaData

/// The King James Bible as Debian's package `bible-kjv` prints it, by characters.
/// - Throws: `DataError` if neither the program `bible` nor `king-james-bible.txt` in the folder `$SOMA_DATA` is there.
func kingJamesBible() throws -> TextCorpus {
  let name = "king-james-bible"
  if let folder = ProcessInfo.processInfo.environment["SOMA_DATA"],
    FileManager.default.fileExists(atPath: "\(folder)/\(name).txt")
  {
    return try TextCorpus.read("\(folder)/\(name).txt")
  }
  let program = "/usr/bin/bible"
  guard FileManager.default.isExecutableFile(atPath: program) else {
    throw DataError(name, "Debian's package bible-kjv is not installed, and SOMA_DATA names no folder with \(name).txt")
  }
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = ["-f", "Gen1:1-Rev22:21"]
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  do { try process.run() } catch { throw DataError(name, "\(program) cannot be run") }
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  guard process.terminationStatus == 0, data.count > 4_000_000, let text = String(data: data, encoding: .utf8) else {
    throw DataError(name, "\(program) printed no Bible")
  }
  return try TextCorpus(name: name, text: text)
}
