import Foundation

/// The bytes of a regular file.
/// - Throws: `DataError` if it is missing, is no regular file, is larger than `limit` bytes or cannot be read.
package func readFile(_ path: String, limit: Int = 64 << 30) throws -> [UInt8] {
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
package func writeFile(_ bytes: [UInt8], to path: String) throws {
  do {
    try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
  } catch {
    throw DataError(path, "cannot be written (\(error.localizedDescription))")
  }
}

package func isDirectory(_ path: String) -> Bool {
  var answer: ObjCBool = false
  return FileManager.default.fileExists(atPath: path, isDirectory: &answer) && answer.boolValue
}

package func fileExists(_ path: String) -> Bool {
  FileManager.default.fileExists(atPath: path)
}

/// The names in a directory that do not start with a dot, sorted.
package func directoryEntries(_ path: String) throws -> [String] {
  guard isDirectory(path) else { throw DataError(path, "no such directory") }
  do {
    return try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix(".") }.sorted()
  } catch {
    throw DataError(path, "cannot be listed (\(error.localizedDescription))")
  }
}

/// The first of `names` that exists in `directory`, plain or with `.gz`.
package func firstExisting(_ names: [String], in directory: String) -> String? {
  for name in names {
    for candidate in [name, name + ".gz"] where fileExists("\(directory)/\(candidate)") {
      return "\(directory)/\(candidate)"
    }
  }
  return nil
}

/// The length of a regular file, in bytes.
package func fileSize(_ path: String) throws -> Int {
  let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
  guard let attributes = try? FileManager.default.attributesOfItem(atPath: url.path),
    attributes[.type] as? FileAttributeType == .typeRegular, let size = attributes[.size] as? NSNumber
  else { throw DataError(path, "is missing or no regular file") }
  return size.intValue
}

/// Some bytes of a file.
/// - Throws: `DataError` if it cannot be read or ends before.
package func readBytes(_ path: String, from offset: Int, count: Int) throws -> [UInt8] {
  guard let handle = FileHandle(forReadingAtPath: path) else { throw DataError(path, "cannot be read") }
  defer { try? handle.close() }
  do {
    try handle.seek(toOffset: UInt64(offset))
    guard count > 0 else { return [] }
    let data = try handle.read(upToCount: count) ?? Data()
    guard data.count == count else { throw DataError(path, at: .byte(offset), "the file ends within \(count) bytes") }
    return [UInt8](data)
  } catch let error as DataError {
    throw error
  } catch {
    throw DataError(path, "cannot be read (\(error.localizedDescription))")
  }
}
