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

  /// The first `count` elements as an array.
  func array<Element: BitwiseCopyable>(of type: Element.Type, count: Int) -> [Element] {
    precondition(count * MemoryLayout<Element>.stride <= byteCount)
    return [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      if count > 0 { memcpy(buffer.baseAddress!, pointer, count * MemoryLayout<Element>.stride) }
      initialized = count
    }
  }

  func hasSameBytes(as other: Storage) -> Bool {
    self === other || (byteCount == other.byteCount && memcmp(pointer, other.pointer, byteCount) == 0)
  }
}
