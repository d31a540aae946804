/// Files compressed by gzip (RFC 1952), of one member or several.
public enum Gzip {
  package static func isCompressed(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1F, 0x8B]) }

  /// The expanded content.
  /// - Parameter limit: the largest content accepted, in bytes.
  /// - Throws: `DataError` at the byte where the stream is damaged, cut off, followed by something else, or exceeds
  ///   the limit.
  public static func decompress(_ bytes: [UInt8], file: String, limit: Int = 16 << 30) throws -> [UInt8] {
    guard isCompressed(bytes) else {
      throw DataError(file, at: .byte(0), "is not compressed by gzip: it does not start with 1f 8b")
    }
    var result = [UInt8]()
    var offset = 0
    while offset < bytes.count {
      guard Array(bytes[offset...].prefix(2)) == [0x1F, 0x8B] else {
        throw DataError(file, at: .byte(offset), "something else follows the compressed data")
      }
      let part: Deflate.Output
      do {
        part = try Deflate.inflate(bytes[offset...], .gzip, limit: limit - result.count)
      } catch {
        throw DataError(file, at: .byte(offset + error.offset), error.problem)
      }
      guard part.ended else {
        throw DataError(file, at: .byte(offset + part.consumed), "expands to more than the expected \(limit) bytes")
      }
      if result.isEmpty { result = part.bytes } else { result += part.bytes }
      offset += part.consumed
    }
    return result
  }

  /// The first bytes of the expanded content, at most `count`.
  static func prefix(_ count: Int, of bytes: [UInt8], file: String) throws -> [UInt8] {
    do {
      return try Deflate.inflate(bytes[...], .gzip, limit: count).bytes
    } catch {
      throw DataError(file, at: .byte(error.offset), error.problem)
    }
  }

  public static func compress(_ bytes: [UInt8]) -> [UInt8] {
    do {
      return try Deflate.deflate(bytes, .gzip)
    } catch {
      preconditionFailure(error.problem)
    }
  }
}
