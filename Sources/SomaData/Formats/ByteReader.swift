/// A cursor over a file's bytes that cannot leave them.
package struct ByteReader {
  package let bytes: [UInt8]
  package let file: String
  package private(set) var offset: Int

  package init(_ bytes: [UInt8], file: String, offset: Int = 0) {
    self.bytes = bytes
    self.file = file
    self.offset = offset
  }

  package var remaining: Int { bytes.count - offset }

  /// Moves to `offset`, which must lie inside the bytes or at their end.
  package mutating func seek(to offset: Int, _ what: String) throws {
    guard offset >= 0, offset <= bytes.count else {
      throw DataError(file, at: .byte(self.offset), "\(what) would be at byte \(offset), past the end (\(bytes.count))")
    }
    self.offset = offset
  }

  /// The next `count` bytes.
  package mutating func take(_ count: Int, _ what: String) throws -> ArraySlice<UInt8> {
    guard count >= 0, count <= remaining else {
      throw DataError(file, at: .byte(offset), "the file ends in \(what): \(count) bytes wanted, \(remaining) left")
    }
    defer { offset += count }
    return bytes[offset..<offset + count]
  }

  package mutating func littleEndian<Number: FixedWidthInteger>(_ type: Number.Type, _ what: String) throws -> Number {
    try take(MemoryLayout<Number>.size, what).reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
  }

  package mutating func bigEndian<Number: FixedWidthInteger>(_ type: Number.Type, _ what: String) throws -> Number {
    try take(MemoryLayout<Number>.size, what).reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
  }
}

/// The product of non-negative counts, or nil if it does not fit an `Int`.
package func checkedProduct(_ counts: some Sequence<Int>) -> Int? {
  var product = 1
  for count in counts {
    let (value, overflow) = product.multipliedReportingOverflow(by: count)
    guard !overflow else { return nil }
    product = value
  }
  return product
}

/// The bytes that elements of `width` bytes take in an array of the given shape, or nil if a shape like it, its empty axes
/// aside, is beyond any memory: strides must not overflow either.
package func byteCount(ofShape shape: [Int], width: Int) -> Int? {
  guard checkedProduct(shape.map { Swift.max($0, 1) } + [width]) != nil else { return nil }
  return shape.contains(0) ? 0 : checkedProduct(shape + [width])
}

/// The bytes with each group of `width` bytes reversed: the other byte order.
package func byteSwapped(_ bytes: [UInt8], width: Int) -> [UInt8] {
  guard width > 1 else { return bytes }
  var result = bytes
  for start in stride(from: 0, to: bytes.count - width + 1, by: width) {
    for i in 0..<width { result[start + i] = bytes[start + width - 1 - i] }
  }
  return result
}
