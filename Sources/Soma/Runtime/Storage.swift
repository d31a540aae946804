#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A block of memory, aligned to a cache line, that a tensor's elements live in. Written once while it is made, or by
/// the runtime that owns it alone; shared by value afterwards.
final class Storage: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer
  let byteCount: Int

  init(byteCount: Int) {
    self.byteCount = byteCount
    pointer = .allocate(byteCount: Swift.max(byteCount, 1), alignment: 64)
  }

  static func zeros(byteCount: Int) -> Storage {
    let storage = Storage(byteCount: byteCount)
    memset(storage.pointer, 0, byteCount)
    return storage
  }

  deinit { pointer.deallocate() }

  /// A storage with the bytes of `values`.
  convenience init<Element: BitwiseCopyable>(_ values: [Element]) {
    self.init(byteCount: values.count * MemoryLayout<Element>.stride)
    values.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { memcpy(pointer, base, bytes.count) }
    }
  }

  /// A storage with the bytes of a part of a file, copied once.
  convenience init(copying bytes: some Collection<UInt8>) {
    self.init(byteCount: bytes.count)
    let copied: Void? = bytes.withContiguousStorageIfAvailable { bytes in
      if let base = bytes.baseAddress { memcpy(pointer, base, bytes.count) }
    }
    if copied == nil {
      for (i, byte) in bytes.enumerated() { pointer.storeBytes(of: byte, toByteOffset: i, as: UInt8.self) }
    }
  }

  /// The first `count` elements as an array.
  func array<Element: BitwiseCopyable>(of type: Element.Type, count: Int) -> [Element] {
    require(count * MemoryLayout<Element>.stride <= byteCount, "\(count) elements in \(byteCount) bytes")
    return [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      if count > 0 { memcpy(buffer.baseAddress!, pointer, count * MemoryLayout<Element>.stride) }
      initialized = count
    }
  }

  func hasSameBytes(as other: Storage) -> Bool {
    self === other || (byteCount == other.byteCount && memcmp(pointer, other.pointer, byteCount) == 0)
  }

  /// Feeds the length and up to 256 leading bytes, enough to tell constants apart quickly.
  func hash(into hasher: inout Hasher) {
    hasher.combine(byteCount)
    hasher.combine(bytes: UnsafeRawBufferPointer(start: pointer, count: Swift.min(byteCount, 256)))
  }

  /// One element.
  convenience init(scalar: some TensorScalar, dtype: DType) {
    switch dtype {
    case .float32: self.init([Float(scalar.doubleValue)])
    case .float64: self.init([scalar.doubleValue])
    case .int32: self.init([Int32(truncatingIfNeeded: scalar.int64Value)])
    case .int64: self.init([scalar.int64Value])
    case .bool: self.init([scalar.doubleValue != 0])
    case .int8: self.init([Int8(truncatingIfNeeded: scalar.int64Value)])
    case .uint8: self.init([UInt8(truncatingIfNeeded: scalar.int64Value)])
    case .bfloat16: self.init([BFloat16.bits(of: Float(scalar.doubleValue))])
    }
  }
}

/// The upper half of a `Float`, rounded to nearest even.
enum BFloat16 {
  static func bits(of value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(bits >> 16) | 0x40 }
    return UInt16((bits &+ 0x7fff &+ ((bits >> 16) & 1)) >> 16)
  }
}
