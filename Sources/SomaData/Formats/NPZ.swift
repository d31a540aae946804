import Soma

/// NumPy's archive of named arrays: a zip file with one `.npy` file for each.
public enum NPZ {
  /// - Parameter limit: the largest content of all arrays together, in bytes.
  /// - Throws: `DataError` if the archive is damaged or contradicts itself, or an entry is not a readable array.
  public static func read(_ path: String, limit: Int = 16 << 30) throws -> [String: Tensor] {
    try decode(try readFile(path), file: path, limit: limit)
  }

  public static func decode(_ bytes: [UInt8], file: String, limit: Int = 16 << 30) throws -> [String: Tensor] {
    var arrays = [String: Tensor]()
    for entry in try Zip.read(bytes, file: file, limit: limit) {
      guard entry.name.hasSuffix(".npy") else {
        throw DataError(file, at: .entry(entry.name, byte: nil), "is not an array: its name does not end in .npy")
      }
      do {
        arrays[String(entry.name.dropLast(4))] = try NPY.decode(entry.bytes, file: file)
      } catch let error as DataError {
        guard case .byte(let offset) = error.place else { throw error }
        throw DataError(file, at: .entry(entry.name, byte: offset), error.problem)
      }
    }
    return arrays
  }

  /// Writes atomically. The arrays are stored as they are unless `compressed`.
  public static func write(_ arrays: [String: Tensor], to path: String, compressed: Bool = false) throws {
    try writeFile(try encode(arrays, compressed: compressed, file: path), to: path)
  }

  /// The archive's bytes, the arrays in the order of their names.
  public static func encode(
    _ arrays: [String: Tensor], compressed: Bool = false, file: String = "archive"
  ) throws -> [UInt8] {
    let entries = arrays.sorted { $0.key < $1.key }.map {
      Zip.Entry(name: $0.key + ".npy", bytes: NPY.encode($0.value))
    }
    return try Zip.write(entries, compressed: compressed, file: file)
  }
}
