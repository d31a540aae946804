import Foundation

/// The bytes of a regular file.
/// - Throws: `DataError` if it is missing, is no regular file, is larger than `limit` bytes or cannot be read.
func readFile(_ path: String, limit: Int = 64 << 30) throws -> [UInt8] {
  let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
  guard let attributes = try? FileManager.default.attributesOfItem(atPath: url.path) else {
    throw DataError(path, "no such file, or no permission to read it")
  }
  let type = attributes[.type] as? FileAttributeType
  guard type == .typeRegular else {
    throw DataError(path, type == .typeDirectory ? "is a directory, not a file" : "is not a regular file")
  }
  let size = (attributes[.size] as? NSNumber)?.intValue ?? 0
  guard size <= limit else { throw DataError(path, "has \(size) bytes, more than the \(limit) allowed here") }
  do {
    return [UInt8](try Data(contentsOf: url))
  } catch {
    throw DataError(path, "cannot be read (\(error.localizedDescription))")
  }
}

/// Writes a file so that readers see the old content or the whole new one, never a part.
func writeFile(_ bytes: [UInt8], to path: String) throws {
  do {
    try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
  } catch {
    throw DataError(path, "cannot be written (\(error.localizedDescription))")
  }
}

func isDirectory(_ path: String) -> Bool {
  var answer: ObjCBool = false
  return FileManager.default.fileExists(atPath: path, isDirectory: &answer) && answer.boolValue
}

func fileExists(_ path: String) -> Bool {
  FileManager.default.fileExists(atPath: path)
}

/// The names in a directory that do not start with a dot, sorted.
func directoryEntries(_ path: String) throws -> [String] {
  guard isDirectory(path) else { throw DataError(path, "no such directory") }
  do {
    return try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix(".") }.sorted()
  } catch {
    throw DataError(path, "cannot be listed (\(error.localizedDescription))")
  }
}

/// The first of `names` that exists in `directory`, plain or with `.gz`.
func firstExisting(_ names: [String], in directory: String) -> String? {
  for name in names {
    for candidate in [name, name + ".gz"] where fileExists("\(directory)/\(candidate)") {
      return "\(directory)/\(candidate)"
    }
  }
  return nil
}
