/// Zip archives (PKWARE APPNOTE 6.3), as far as `.npz` files use them: one disk, entries stored or deflated, 64-bit sizes
/// read. Every claim of the directory is checked against the local headers and the real content.
package enum Zip {
  package struct Entry {
    package var name: String
    package var bytes: [UInt8]

    package init(name: String, bytes: [UInt8]) {
      self.name = name
      self.bytes = bytes
    }
  }

  private struct Record {
    var name: String
    var method: UInt16
    var crc: UInt32
    var compressedSize: Int
    var size: Int
    var headerOffset: Int
    var place: Int
  }

  /// - Parameter limit: the largest content of all entries together, in bytes.
  package static func read(_ bytes: [UInt8], file: String, limit: Int) throws -> [Entry] {
    let records = try directory(bytes, file: file)
    var names = Set<String>()
    var total = 0
    var spans = [Range<Int>]()
    var entries = [Entry]()
    for record in records {
      guard names.insert(record.name).inserted else {
        throw DataError(file, at: .byte(record.place), "two entries are named \(quoted(record.name))")
      }
      // An entry cannot be larger than its compressed bytes allow, whatever it claims.
      guard record.size <= limit - total,
        record.method == 0
          ? record.size == record.compressedSize
          : record.size / Deflate.largestRatio <= record.compressedSize
      else {
        throw DataError(
          file, at: .entry(record.name, byte: nil),
          "a size of \(record.size) bytes is not credible for \(record.compressedSize) compressed bytes")
      }
      total += record.size
      let (content, span) = try self.content(of: record, bytes, file: file)
      spans.append(span)
      entries.append(Entry(name: record.name, bytes: content))
    }
    spans.sort { $0.lowerBound < $1.lowerBound }
    for (a, b) in zip(spans, spans.dropFirst()) where a.upperBound > b.lowerBound {
      throw DataError(file, at: .byte(b.lowerBound), "two entries overlap")
    }
    return entries
  }

  private static func content(
    of record: Record, _ bytes: [UInt8], file: String
  ) throws -> (content: [UInt8], span: Range<Int>) {
    let place = DataError.Place.entry(record.name, byte: nil)
    var reader = ByteReader(bytes, file: file)
    try reader.seek(to: record.headerOffset, "the header of entry \(quoted(record.name))")
    guard try reader.littleEndian(UInt32.self, "an entry's header") == 0x0403_4B50 else {
      throw DataError(file, at: place, "no entry starts at byte \(record.headerOffset), where the directory says")
    }
    _ = try reader.take(2, "an entry's header")
    let flags = try reader.littleEndian(UInt16.self, "an entry's header")
    let method = try reader.littleEndian(UInt16.self, "an entry's header")
    _ = try reader.take(8, "an entry's header")
    let localSizes = (
      try reader.littleEndian(UInt32.self, "an entry's header"),
      try reader.littleEndian(UInt32.self, "an entry's header")
    )
    let nameLength = Int(try reader.littleEndian(UInt16.self, "an entry's header"))
    let extraLength = Int(try reader.littleEndian(UInt16.self, "an entry's header"))
    let name = try reader.take(nameLength, "an entry's name")
    _ = try reader.take(extraLength, "an entry's extra field")
    guard flags & 1 == 0 else { throw DataError(file, at: place, "is encrypted") }
    guard name.elementsEqual(record.name.utf8), method == record.method else {
      throw DataError(file, at: place, "the entry's header contradicts the directory")
    }
    // With bit 3 the sizes follow the content; all ones mean that a 64-bit field has them.
    let deferred = flags & 8 != 0 || localSizes.0 == .max || localSizes.1 == .max
    guard deferred || (Int(localSizes.0) == record.compressedSize && Int(localSizes.1) == record.size) else {
      throw DataError(file, at: place, "the entry's header and the directory disagree about its size")
    }
    let packed = try reader.take(record.compressedSize, "entry \(quoted(record.name))")
    var content = [UInt8]()
    if record.method == 0 {
      content = Array(packed)
    } else {
      let output: Deflate.Output
      do {
        output = try Deflate.inflate(packed, .raw, limit: record.size)
      } catch {
        throw DataError(file, at: .entry(record.name, byte: error.offset), error.problem)
      }
      guard output.ended, output.consumed == packed.count, output.bytes.count == record.size else {
        throw DataError(file, at: place, "does not expand to the \(record.size) bytes that the directory says")
      }
      content = output.bytes
    }
    guard Deflate.crc32(content[...]) == record.crc else {
      throw DataError(file, at: place, "its checksum is wrong: the content is damaged")
    }
    return (content, record.headerOffset..<reader.offset)
  }

  private static func directory(_ bytes: [UInt8], file: String) throws -> [Record] {
    let end = try endRecord(bytes, file: file)
    var reader = ByteReader(bytes, file: file)
    try reader.seek(to: end.offset, "the directory")
    guard end.size <= reader.remaining, end.count <= end.size / 46 else {
      throw DataError(
        file, at: .byte(end.place), "a directory of \(end.count) entries in \(end.size) bytes is impossible here")
    }
    var records = [Record]()
    for _ in 0..<end.count {
      records.append(try record(&reader, file: file))
    }
    guard reader.offset == end.offset + end.size else {
      throw DataError(file, at: .byte(reader.offset), "the directory is not as long as the archive's end says")
    }
    return records
  }

  private static func record(_ reader: inout ByteReader, file: String) throws -> Record {
    let place = reader.offset
    let what = "the directory"
    guard try reader.littleEndian(UInt32.self, what) == 0x0201_4B50 else {
      throw DataError(file, at: .byte(place), "a directory entry does not start here")
    }
    _ = try reader.take(4, what)
    let flags = try reader.littleEndian(UInt16.self, what)
    let method = try reader.littleEndian(UInt16.self, what)
    _ = try reader.take(4, what)
    let crc = try reader.littleEndian(UInt32.self, what)
    let compressed = try reader.littleEndian(UInt32.self, what)
    let size = try reader.littleEndian(UInt32.self, what)
    let nameLength = Int(try reader.littleEndian(UInt16.self, what))
    let extraLength = Int(try reader.littleEndian(UInt16.self, what))
    let commentLength = Int(try reader.littleEndian(UInt16.self, what))
    _ = try reader.take(8, what)
    let offset = try reader.littleEndian(UInt32.self, what)
    let nameBytes = Array(try reader.take(nameLength, "an entry's name"))
    let extra = Array(try reader.take(extraLength, "an entry's extra field"))
    _ = try reader.take(commentLength, "an entry's comment")
    guard let name = String(validating: nameBytes, as: UTF8.self), !name.isEmpty, !name.contains("\0") else {
      throw DataError(file, at: .byte(place + 46), "an entry's name is not UTF-8 text")
    }
    guard flags & 1 == 0 else { throw DataError(file, at: .entry(name, byte: nil), "is encrypted") }
    guard method == 0 || method == 8 else {
      throw DataError(
        file, at: .entry(name, byte: nil), "compression method \(method) is neither 0 (stored) nor 8 (deflated)")
    }
    // Fields that are all ones stand, in this order, in the extra field of type 1.
    var wide = ByteReader(try zip64Field(extra, file: file, place: place), file: file)
    func value(_ short: UInt32, _ what: String) throws -> Int {
      guard short == .max else { return Int(short) }
      guard let long = Int(exactly: try wide.littleEndian(UInt64.self, "the 64-bit \(what)")) else {
        throw DataError(file, at: .byte(place), "the \(what) of \(quoted(name)) is absurd")
      }
      return long
    }
    let fullSize = try value(size, "size")
    let fullCompressed = try value(compressed, "compressed size")
    let fullOffset = try value(offset, "offset")
    return Record(
      name: name, method: method, crc: crc, compressedSize: fullCompressed, size: fullSize, headerOffset: fullOffset,
      place: place)
  }

  private static func zip64Field(_ extra: [UInt8], file: String, place: Int) throws -> [UInt8] {
    var reader = ByteReader(extra, file: file)
    while reader.remaining >= 4 {
      let kind = try reader.littleEndian(UInt16.self, "an extra field")
      let length = Int(try reader.littleEndian(UInt16.self, "an extra field"))
      guard length <= reader.remaining else {
        throw DataError(file, at: .byte(place), "an entry's extra field is cut off")
      }
      let content = try reader.take(length, "an extra field")
      if kind == 1 { return Array(content) }
    }
    return []
  }

  private static func endRecord(
    _ bytes: [UInt8], file: String
  ) throws -> (offset: Int, size: Int, count: Int, place: Int) {
    // The end record stands before a comment of at most 65535 bytes, which must reach exactly to the file's end.
    let lowest = Swift.max(0, bytes.count - 22 - 65535)
    for place in stride(from: bytes.count - 22, through: lowest, by: -1)
    where bytes[place...].starts(with: [0x50, 0x4B, 0x05, 0x06]) {
      var reader = ByteReader(bytes, file: file, offset: place + 4)
      let what = "the archive's end record"
      let disks = (try reader.littleEndian(UInt16.self, what), try reader.littleEndian(UInt16.self, what))
      let counts = (try reader.littleEndian(UInt16.self, what), try reader.littleEndian(UInt16.self, what))
      let size = try reader.littleEndian(UInt32.self, what)
      let offset = try reader.littleEndian(UInt32.self, what)
      let comment = Int(try reader.littleEndian(UInt16.self, what))
      guard comment == reader.remaining else { continue }
      if counts.1 == .max || size == .max || offset == .max {
        return try wideEndRecord(bytes, file: file, before: place)
      }
      guard disks == (0, 0), counts.0 == counts.1 else {
        throw DataError(file, at: .byte(place), "is one part of an archive split over several files")
      }
      guard Int(offset) + Int(size) <= place else {
        throw DataError(file, at: .byte(place), "the directory would reach past the archive's end record")
      }
      return (Int(offset), Int(size), Int(counts.1), place)
    }
    let starts = bytes.starts(with: [0x50, 0x4B])
    throw DataError(
      file, at: .byte(bytes.count), starts ? "the archive is cut off: it has no end record" : "is not a zip archive")
  }

  private static func wideEndRecord(
    _ bytes: [UInt8], file: String, before place: Int
  ) throws -> (offset: Int, size: Int, count: Int, place: Int) {
    let what = "the archive's 64-bit end record"
    var locator = ByteReader(bytes, file: file)
    try locator.seek(to: place - 20, what)
    guard try locator.littleEndian(UInt32.self, what) == 0x0706_4B50 else {
      throw DataError(file, at: .byte(place), "the archive lacks the 64-bit end record that it announces")
    }
    _ = try locator.take(4, what)
    guard let start = Int(exactly: try locator.littleEndian(UInt64.self, what)) else {
      throw DataError(file, at: .byte(place), "the 64-bit end record's offset is absurd")
    }
    try locator.seek(to: start, what)
    guard try locator.littleEndian(UInt32.self, what) == 0x0606_4B50 else {
      throw DataError(file, at: .byte(start), "the 64-bit end record does not start here")
    }
    _ = try locator.take(28, what)
    let numbers = [
      try locator.littleEndian(UInt64.self, what), try locator.littleEndian(UInt64.self, what),
      try locator.littleEndian(UInt64.self, what),
    ]
    guard let count = Int(exactly: numbers[0]), let size = Int(exactly: numbers[1]),
      let offset = Int(exactly: numbers[2]), offset <= start, size <= start - offset
    else {
      throw DataError(file, at: .byte(start), "the 64-bit end record's numbers are absurd")
    }
    return (offset, size, count, start)
  }

  /// An archive of `entries`; deflated, or stored if `compressed` is false.
  /// - Throws: `DataError` if an entry or the archive reaches 4 GiB, which needs the 64-bit format.
  package static func write(_ entries: [Entry], compressed: Bool, file: String) throws -> [UInt8] {
    var archive = [UInt8]()
    var directory = [UInt8]()
    func put<Number: FixedWidthInteger>(_ number: Number, _ target: inout [UInt8]) {
      for shift in 0..<MemoryLayout<Number>.size { target.append(UInt8(truncatingIfNeeded: number >> (8 * shift))) }
    }
    for entry in entries {
      var packed = entry.bytes
      if compressed {
        do {
          packed = try Deflate.deflate(entry.bytes, .raw)
        } catch {
          throw DataError(file, at: .entry(entry.name, byte: nil), error.problem)
        }
      }
      guard Swift.max(packed.count, entry.bytes.count) + archive.count < Int(UInt32.max), entries.count < 65535,
        entry.name.utf8.count < 65535
      else {
        throw DataError(
          file, at: .entry(entry.name, byte: nil), "the archive would reach 4 GiB, which cannot be written")
      }
      let offset = UInt32(archive.count)
      var common = [UInt8]()
      put(UInt16(20), &common)
      put(UInt16(0x0800), &common)  // names are UTF-8
      put(UInt16(compressed ? 8 : 0), &common)
      put(UInt32(0x0021_0000), &common)  // 1 January 1980: the same content gives the same bytes
      put(Deflate.crc32(entry.bytes[...]), &common)
      put(UInt32(packed.count), &common)
      put(UInt32(entry.bytes.count), &common)
      put(UInt16(entry.name.utf8.count), &common)
      put(UInt16(0), &common)
      put(UInt32(0x0403_4B50), &archive)
      archive += common + entry.name.utf8 + packed
      put(UInt32(0x0201_4B50), &directory)
      put(UInt16(20), &directory)
      directory += common
      directory += [UInt8](repeating: 0, count: 10)
      put(offset, &directory)
      directory += entry.name.utf8
    }
    let start = UInt32(archive.count)
    archive += directory
    put(UInt32(0x0605_4B50), &archive)
    put(UInt32(0), &archive)
    put(UInt16(entries.count), &archive)
    put(UInt16(entries.count), &archive)
    put(UInt32(directory.count), &archive)
    put(start, &archive)
    put(UInt16(0), &archive)
    return archive
  }
}
