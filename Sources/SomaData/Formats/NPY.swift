import Soma

/// NumPy's file format for one array (NEP 1; `numpy.lib.format`, versions 1.0 to 3.0).
///
/// Element types: `f4 f8 i1 i4 i8 u1 b1` are `Tensor`'s own; `f2` widens to `float32`, `i2` and `u2` to `int32`, `u4`
/// and `u8` to `int64`; two-byte void (`V2`, what `bfloat16` arrays are written as) is `bfloat16`. Both byte orders and
/// both memory orders are read; little-endian C order is written.
public enum NPY {
  /// - Throws: `DataError` if the header is malformed, the element type is none of the above, or the elements are fewer
  ///   or more than the header says.
  public static func read(_ path: String) throws -> Tensor {
    try decode(try readFile(path), file: path)
  }

  /// Writes atomically.
  public static func write(_ tensor: Tensor, to path: String) throws {
    try writeFile(encode(tensor), to: path)
  }

  public static func decode(_ bytes: [UInt8], file: String) throws -> Tensor {
    let (header, start) = try header(bytes, file: file)
    var reader = ByteReader(bytes, file: file, offset: start)
    guard let size = byteCount(ofShape: header.shape, width: header.element.width), size == reader.remaining else {
      let claim = byteCount(ofShape: header.shape, width: header.element.width).map { "\($0) bytes" }
      throw DataError(
        file, at: .byte(reader.offset),
        "\(reader.remaining) bytes follow the header; shape \(header.shape) means \(claim ?? "too many bytes")")
    }
    let dataStart = reader.offset
    var content = Array(try reader.take(size, "the elements"))
    if header.bigEndian { content = byteSwapped(content, width: header.element.width) }
    if header.fortranOrder && header.shape.count > 1 {
      content = rowMajor(content, shape: header.shape, width: header.element.width)
    }
    return try header.element.tensor(content, shape: Shape(header.shape), file: file, start: dataStart)
  }

  /// The header of a file, and where the elements start.
  static func header(_ bytes: [UInt8], file: String) throws -> (header: NPYHeader, start: Int) {
    var reader = ByteReader(bytes, file: file)
    guard Array(try reader.take(6, "the magic number")) == magic else {
      throw DataError(file, at: .byte(0), "is not a .npy file: it does not start with \\x93NUMPY")
    }
    let major = try reader.littleEndian(UInt8.self, "the version")
    let minor = try reader.littleEndian(UInt8.self, "the version")
    guard (1...3).contains(major), minor == 0 else {
      throw DataError(file, at: .byte(6), "version \(major).\(minor) is none of 1.0, 2.0 and 3.0")
    }
    let length =
      major == 1
      ? Int(try reader.littleEndian(UInt16.self, "the header's length"))
      : Int(try reader.littleEndian(UInt32.self, "the header's length"))
    let start = reader.offset
    let header = try NPYHeader(try reader.take(length, "the header"), file: file, start: start)
    return (header, reader.offset)
  }

  public static func encode(_ tensor: Tensor) -> [UInt8] {
    let dimensions = tensor.shape.map(String.init).joined(separator: ", ") + (tensor.rank == 1 ? "," : "")
    let descriptor = NPYElement.descriptor(of: tensor.dtype)
    var header = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(dimensions)), }"
    // The elements start at a multiple of 64, so that they can be mapped.
    let prefix = header.utf8.count + 1 + 10 <= 65535 ? 10 : 12
    header += String(repeating: " ", count: 63 - (prefix + header.utf8.count) % 64) + "\n"
    var bytes = magic + [prefix == 10 ? 1 : 2, 0]
    let length = UInt32(header.utf8.count)
    for shift in stride(from: 0, to: prefix == 10 ? 16 : 32, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: length >> UInt32(shift)))
    }
    return bytes + header.utf8 + tensor.bytes
  }

  private static let magic: [UInt8] = [0x93] + "NUMPY".utf8

  /// Column-major elements in row-major order.
  private static func rowMajor(_ bytes: [UInt8], shape: [Int], width: Int) -> [UInt8] {
    guard !bytes.isEmpty else { return bytes }
    var strides = [Int](repeating: width, count: shape.count)
    for axis in 1..<shape.count { strides[axis] = strides[axis - 1] * shape[axis - 1] }
    var result = [UInt8]()
    result.reserveCapacity(bytes.count)
    var index = [Int](repeating: 0, count: shape.count)
    var source = 0
    while true {
      result.append(contentsOf: bytes[source..<source + width])
      var axis = shape.count - 1
      while axis >= 0 {
        index[axis] += 1
        source += strides[axis]
        if index[axis] < shape[axis] { break }
        source -= strides[axis] * shape[axis]
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return result }
    }
  }
}
