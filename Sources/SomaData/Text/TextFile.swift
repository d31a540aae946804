/// Plain text files.
public enum TextFile {
  /// The lines of a file of UTF-8 text, without their ends; a line end that closes the file begins no line.
  /// - Throws: `DataError` if the file cannot be read, or at the byte that is not UTF-8.
  public static func lines(_ path: String) throws -> [String] {
    try lines(of: try readFile(path, limit: 4 << 30), file: path)
  }

  /// The lines of a file's bytes.
  public static func lines(of bytes: [UInt8], file: String) throws -> [String] {
    let scalars = try decodeUTF8(bytes, file: file).unicodeScalars
    var lines = scalars.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      String(line.last == "\r" ? line.dropLast() : line)
    }
    if lines.last?.isEmpty ?? false { lines.removeLast() }
    return lines
  }
}
