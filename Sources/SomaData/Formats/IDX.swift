import Soma

/// The format of MNIST's files: a big-endian header (two zero bytes, element type, number of axes, their lengths),
/// then the elements; plain or gzipped. Specified with the MNIST data (LeCun, Cortes, Burges, 1998).
public enum IDX {
  /// Reads a file as a tensor: `uint8`, `int8`, `int32` (also from 16-bit elements), `float32` or `float64`.
  /// - Throws: `DataError` if the header is not IDX's, or the elements are fewer or more than it says.
  public static func read(_ path: String) throws -> Tensor {
    try decode(try readFile(path), file: path)
  }

  /// Decodes a file's content, plain or gzipped.
  public static func decode(_ bytes: [UInt8], file: String) throws -> Tensor {
    guard Gzip.isCompressed(bytes) else {
      let header = try Header(bytes, file: file)
      guard header.byteCount == bytes.count else {
        throw DataError(
          file, at: .byte(bytes.count),
          "has \(bytes.count) bytes; a header for shape \(header.dimensions) means \(header.byteCount)")
      }
      return header.tensor(bytes)
    }
    // The header, in the first bytes, bounds how much the rest may expand to.
    let header = try Header(try Gzip.prefix(4 + 4 * 8, of: bytes, file: file), file: file)
    guard header.byteCount <= bytes.count * Deflate.largestRatio else {
      throw DataError(
        file, at: .byte(4), "shape \(header.dimensions) means \(header.byteCount) bytes, more than the file can hold")
    }
    let content = try Gzip.decompress(bytes, file: file, limit: header.byteCount)
    guard content.count == header.byteCount else {
      throw DataError(
        file, at: .byte(bytes.count),
        "expands to \(content.count) bytes; a header for shape \(header.dimensions) means \(header.byteCount)")
    }
    return header.tensor(content)
  }

  private struct Header {
    var type: UInt8
    var dimensions: [Int]
    var width: Int
    var start: Int
    var byteCount: Int

    static let widths: [UInt8: Int] = [0x08: 1, 0x09: 1, 0x0B: 2, 0x0C: 4, 0x0D: 4, 0x0E: 8]

    init(_ bytes: [UInt8], file: String) throws {
      var reader = ByteReader(bytes, file: file)
      let magic = try reader.bigEndian(UInt16.self, "the magic number")
      guard magic == 0 else { throw DataError(file, at: .byte(0), "is not an IDX file: it does not start with 00 00") }
      type = try reader.bigEndian(UInt8.self, "the element type")
      guard let width = Self.widths[type] else {
        throw DataError(file, at: .byte(2), "\(type) is not an element type of IDX")
      }
      self.width = width
      let rank = Int(try reader.bigEndian(UInt8.self, "the number of axes"))
      guard (1...8).contains(rank) else { throw DataError(file, at: .byte(3), "\(rank) axes; 1 to 8 are accepted") }
      dimensions = []
      for axis in 0..<rank {
        dimensions.append(Int(try reader.bigEndian(UInt32.self, "the length of axis \(axis)")))
      }
      start = reader.offset
      guard let size = SomaData.byteCount(ofShape: dimensions, width: width), size < Int.max - start else {
        throw DataError(file, at: .byte(4), "shape \(dimensions) has more elements than a file can hold")
      }
      byteCount = start + size
    }

    func tensor(_ bytes: [UInt8]) -> Tensor {
      let content = Array(bytes[start...])
      let shape = Shape(dimensions)
      let native = byteSwapped(content, width: width)
      switch type {
      case 0x08: return Tensor(bytes: content, shape: shape, dtype: .uint8)
      case 0x09: return Tensor(bytes: content, shape: shape, dtype: .int8)
      case 0x0B:
        let values = stride(from: 0, to: content.count, by: 2).map {
          Int32(Int16(bitPattern: UInt16(content[$0]) << 8 | UInt16(content[$0 + 1])))
        }
        return Tensor(values, shape: shape)
      case 0x0C: return Tensor(bytes: native, shape: shape, dtype: .int32)
      case 0x0D: return Tensor(bytes: native, shape: shape, dtype: .float32)
      default: return Tensor(bytes: native, shape: shape, dtype: .float64)
      }
    }
  }
}
