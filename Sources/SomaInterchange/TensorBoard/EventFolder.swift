import Foundation
import Synchronization

/// A folder for `tensorboard --logdir`: a subfolder for each run, with its event file.
public final class EventFolder: Sendable {
  public let path: String
  private let files = Mutex<[String: EventFile]>([:])

  /// - Throws: `EventFileError` if the folder cannot be made.
  public init(_ path: String) throws {
    self.path = path
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue {
      throw EventFileError(path, "is a file; --tensorboard wants a folder")
    }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw EventFileError(path, "cannot be made")
    }
  }

  /// The event file of a run, begun when it is first asked for.
  /// - Parameters:
  ///   - run: names of nested folders; any text will do
  ///   - replacesEarlier: whether what this library wrote of the run before is removed
  /// - Throws: `EventFileError`
  public func run(_ run: [String], replacesEarlier: Bool = false) throws -> EventFile {
    let folder = folder(of: run)
    return try files.withLock { files in
      if let file = files[folder], !replacesEarlier { return file }
      if replacesEarlier {
        for name in Self.eventFiles(in: folder) { try? FileManager.default.removeItem(atPath: folder + "/" + name) }
      }
      let file = try EventFile(in: folder)
      files[folder] = file
      return file
    }
  }

  /// Whether events of a run were written before this folder was opened.
  public func hasEarlier(_ run: [String]) -> Bool {
    let folder = folder(of: run)
    return files.withLock { $0[folder] == nil } && !Self.eventFiles(in: folder).isEmpty
  }

  private func folder(of run: [String]) -> String { ([path] + run.map(Self.folderName)).joined(separator: "/") }

  private static func eventFiles(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter(EventFile.isOwn)
  }

  /// The text without what means something in paths, as `%2F`; different texts stay different.
  static func folderName(_ text: String) -> String {
    var name = ""
    for (i, scalar) in text.unicodeScalars.enumerated() {
      let isSpecial = "/\\%".unicodeScalars.contains(scalar) || scalar.value < 32 || scalar.value == 127
      if isSpecial || (i == 0 && scalar == ".") {
        name += String(format: "%%%02X", scalar.value)
      } else {
        name.unicodeScalars.append(scalar)
      }
    }
    return name.isEmpty ? "%" : name
  }
}
