import Soma

/// The rows of an array in a `.npy` file, read when they are wanted.
public struct NPYRows: Sendable {
  public let path: String
  public let count: Int
  public let rowShape: Shape
  private let header: NPYHeader
  private let start: Int
  private let rowSize: Int

  /// - Throws: `DataError` if the file is no `.npy` file of at least one axis, in C order, with all its elements.
  public init(_ path: String) throws {
    let size = try fileSize(path)
    // Headers longer than this do not occur: structured types are not read.
    let head = try readBytes(path, from: 0, count: Swift.min(size, 1 << 16))
    (header, start) = try NPY.header(head, file: path)
    guard let lead = header.shape.first else { throw DataError(path, "holds a single number, no rows") }
    guard !header.fortranOrder || header.shape.count == 1 else {
      throw DataError(path, "keeps its columns together (Fortran order), so that rows cannot be read alone")
    }
    let row = Array(header.shape.dropFirst())
    guard let rowSize = byteCount(ofShape: row, width: header.element.width),
      let whole = byteCount(ofShape: header.shape, width: header.element.width), whole == size - start
    else { throw DataError(path, at: .byte(start), "\(size - start) bytes follow the header of shape \(header.shape)") }
    self.path = path
    self.rowSize = rowSize
    count = lead
    rowShape = Shape(row)
  }

  /// - Shape: `[rows.count] + rowShape`
  public func read(_ rows: Range<Int>) throws -> Tensor {
    require(rows.lowerBound >= 0 && rows.upperBound <= count, "rows \(rows) of \(count)")
    let offset = start + rows.lowerBound * rowSize
    var bytes = try readBytes(path, from: offset, count: rows.count * rowSize)
    if header.bigEndian { bytes = byteSwapped(bytes, width: header.element.width) }
    return try header.element.tensor(bytes, shape: [rows.count] + rowShape, file: path, start: offset)
  }
}
