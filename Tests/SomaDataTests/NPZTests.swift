import Foundation
import Soma
import SomaData
import Testing

@Suite struct NPZTests {
  @Test func readsWhatNumPyWrote() throws {
    let stored = try NPZ.read(Golden.path("stored.npz"))
    #expect(stored.keys.sorted() == ["a", "b", "c"])
    #expect(stored["a"]?.doubles == Array(stride(from: -2.5, to: 9.5, by: 0.5)))
    #expect(stored["b"]?.ints == Array(-5...1))
    #expect(stored["c"]?.bools == [true] && stored["c"]?.shape == [])
    let deflated = try NPZ.read(Golden.path("deflated.npz"))
    #expect(deflated["x"]?.shape == [40, 3] && deflated["x"]?.doubles.last == 57)
    #expect(try NPZ.read(Golden.path("streamed.npz"))["a"]?.shape == [2, 3, 4])
  }

  @Test func roundTrips() throws {
    try withTemporaryDirectory { directory in
      let arrays = [
        "layer/weight": Tensor([Float(1), 2, 3, 4], shape: [2, 2]), "größe": Tensor([Int32(7)]),
        "empty": Tensor([Bool]()),
      ]
      for compressed in [false, true] {
        let path = "\(directory)/a.npz"
        try NPZ.write(arrays, to: path, compressed: compressed)
        let back = try NPZ.read(path)
        #expect(back.keys.sorted() == arrays.keys.sorted())
        for (name, tensor) in arrays {
          #expect(back[name]?.bytes == tensor.bytes && back[name]?.shape == tensor.shape)
          #expect(back[name]?.dtype == tensor.dtype)
        }
      }
      #expect(try NPZ.decode(try NPZ.encode([:]), file: "f").isEmpty)
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["a.npz"])
    }
  }

  @Test func labelsComeFromTwoArrays() throws {
    let data = try LabeledData.readNPZ(Golden.path("deflated.npz"))
    #expect(data.count == 40 && data.sampleShape == [3] && data.classNames == ["0", "1", "2", "3"])
    try withTemporaryDirectory { directory in
      let path = "\(directory)/a.npz"
      let x = Tensor([Float](repeating: 1, count: 6), shape: [3, 2])
      try NPZ.write(["x": x, "y": Tensor([Float(1), 2, 3])], to: path)
      #expect(try LabeledData.readNPZ(path).target == .values([1, 2, 3], names: ["y"]))
      for (arrays, message) in [
        (["x": x], "has no array \"y\""), (["x": x, "y": Tensor([Float(1)])], "do not fit"),
        (["x": Tensor([Float(1)]), "y": Tensor([Float(1)])], "features are [n, …]"),
        (["x": x, "y": Tensor([Int](repeating: 1, count: 6), shape: [3, 2])], "labels are [n]"),
      ] {
        try NPZ.write(arrays, to: path)
        let error = #expect(throws: DataError.self) { try LabeledData.readNPZ(path) }
        #expect(error?.description.contains(message) == true, "\(error!)")
      }
    }
  }

  @Test func refusesDamage() throws {
    let stored = try NPZ.encode(["a": Tensor([Float(1), 2]), "b": Tensor([Float(3)])])
    let deflated = try NPZ.encode(["a": Tensor([Float](repeating: 1, count: 500))], compressed: true)
    let end = stored.count - 22
    let central = stored.position(of: [0x50, 0x4B, 1, 2])
    let deflatedCentral = deflated.position(of: [0x50, 0x4B, 1, 2])
    let data = 30 + 5
    let huge = littleEndian(UInt32(0xFFFF_FFF0))
    // The directory's first record: 16 CRC, 20 compressed size, 24 size, 28 name length, 42 offset, 46 name.
    var damages = truncations(stored) + truncations(deflated)
    damages += [
      Damage("empty", [UInt8](), "is not a zip archive"),
      Damage("text", "no archive at all, but long enough to be one", "is not a zip archive"),
      Damage("no end", Array(stored[..<end]), "the archive is cut off: it has no end record"),
      Damage("rest after it", stored + [1], "no end record"),
      Damage("two disks", stored.patched(end + 4, [1]), "split over several files"),
      Damage("counts differ", stored.patched(end + 8, [9]), "split over several files"),
      Damage("3 entries", stored.patched(end + 8, [3, 0, 3, 0]), "impossible here"),
      Damage("1 entry", stored.patched(end + 8, [1, 0, 1, 0]), "not as long as"),
      Damage("65534 entries", stored.patched(end + 8, [254, 255, 254, 255]), "impossible here"),
      Damage("65535 entries", stored.patched(end + 8, [255, 255, 255, 255]), "lacks the 64-bit end record"),
      Damage("directory of 4 GiB", stored.patched(end + 12, huge), "past the archive's end"),
      Damage("directory elsewhere", stored.patched(end + 16, huge), "past the archive's end"),
      Damage("directory one early", stored.patched(end + 16, littleEndian(UInt32(central - 1))), "does not start here"),
      Damage("directory at 0", stored.patched(end + 16, [0, 0, 0, 0]), "does not start here"),
      Damage("CRC", stored.patched(central + 16, [1, 2, 3, 4]), "its checksum is wrong"),
      Damage("content", stored.patched(data + 70, [9]), "entry \"a.npy\": its checksum is wrong"),
      Damage("size", stored.patched(central + 24, [1, 0, 0, 0]), "not credible"),
      Damage("4 GiB", stored.patched(central + 20, huge + huge), "disagree about its size"),
      Damage("size in 64 bits that are absent", stored.patched(central + 24, [255, 255, 255, 255]), "64-bit size"),
      Damage("header elsewhere", stored.patched(central + 42, huge), "past the end"),
      Damage("header one late", stored.patched(central + 42, [1, 0, 0, 0]), "no entry starts at byte 1"),
      Damage("same entry twice", stored.patched(central + 46 + 5 + 46, [97]), "two entries are named \"a.npy\""),
      Damage("name not UTF-8", stored.patched(central + 46, [0xFF]), "not UTF-8"),
      Damage("another name", stored.patched(central + 46, [120]), "contradicts the directory"),
      Damage("name too long", stored.patched(central + 28, [255, 255]), "the file ends in an entry's name"),
      Damage("no name", stored.patched(central + 28, [0, 0]), "not UTF-8"),
      Damage(
        "not an array", stored.patched(data - 5, [97, 46, 116, 120, 116]).patched(central + 46, Array("a.txt".utf8)),
        "its name does not end in .npy"),
      Damage("encrypted", stored.patched(central + 8, [1]), "is encrypted"),
      Damage("encrypted locally", stored.patched(6, [1]), "is encrypted"),
      Damage("method 12", stored.patched(central + 10, [12]), "compression method 12"),
      Damage("method lies", stored.patched(central + 10, [8]), "contradicts the directory"),
      Damage("method lies twice", stored.patched(central + 10, [8]).patched(8, [8]), "a.npy"),
      Damage("bomb", deflated.patched(deflatedCentral + 24, huge), "not credible"),
      Damage("size one short", deflated.patched(deflatedCentral + 24, littleEndian(UInt32(2127))), "disagree"),
      Damage(
        "both sizes one short",
        deflated.patched(deflatedCentral + 24, littleEndian(UInt32(2127))).patched(22, littleEndian(UInt32(2127))),
        "does not expand to the 2127 bytes"),
      Damage("deflated content", deflated.patched(40, [0xFF, 0xFF, 0xFF]), "a.npy"),
    ]
    let array = NPYTests.damages.filter { $0.bytes.count > 12 }[20]
    damages.append(
      Damage("a damaged array inside", Self.zip("a.npy", array.bytes), "entry \"a.npy\", byte"))
    expectRefused(damages, as: "f.npz") { try NPZ.decode($0, file: "f.npz") }
    fuzz(stored, rounds: 3000) { try NPZ.decode($0, file: "f.npz") }
    fuzz(deflated, rounds: 3000) { try NPZ.decode($0, file: "f.npz") }
  }

  @Test func readsSizesOf64Bits() throws {
    let wide = try Golden.bytes("wide.npz")
    let arrays = try NPZ.decode(wide, file: "f")
    #expect(arrays["a"]?.shape == [2, 3, 4] && arrays["b"]?.ints == Array(-5...1))
    let record = wide.position(of: [0x50, 0x4B, 6, 6])
    let locator = wide.position(of: [0x50, 0x4B, 6, 7])
    let all = [UInt8](repeating: 255, count: 8)
    let central = wide.position(of: [0x50, 0x4B, 1, 2])
    var damages = [
      Damage("record elsewhere", wide.patched(locator + 8, all), "absurd"),
      Damage("record past the end", wide.patched(locator + 8, littleEndian(Int64.max)), "past the end"),
      Damage("record one late", wide.patched(locator + 8, littleEndian(Int64(record + 1))), "does not start here"),
      Damage("no locator", wide.patched(locator, [0]), "lacks the 64-bit end record"),
      Damage("no record", wide.patched(record, [0]), "does not start here"),
      Damage("count", wide.patched(record + 32, all), "absurd"),
      Damage("2^62 entries", wide.patched(record + 32, littleEndian(Int64(1) << 62)), "impossible here"),
      Damage("directory's size", wide.patched(record + 40, littleEndian(Int64.max)), "absurd"),
      Damage("directory's offset", wide.patched(record + 48, littleEndian(Int64.max)), "absurd"),
      Damage("entry's size", wide.patched(central + 46 + 5 + 4, littleEndian(Int64.max)), "not credible"),
      Damage("entry's negative size", wide.patched(central + 46 + 5 + 4, all), "is absurd"),
      Damage("field cut off", wide.patched(central + 46 + 5 + 2, [255, 255]), "extra field is cut off"),
      Damage("field absent", wide.patched(central + 46 + 5, [9]), "64-bit size"),
    ]
    damages += truncations(wide)
    expectRefused(damages, as: "f.npz") { try NPZ.decode($0, file: "f.npz") }
    fuzz(wide, rounds: 2000) { try NPZ.decode($0, file: "f.npz") }
  }

  @Test func overlappingEntriesAreRefused() throws {
    // Both directory records point to the first entry.
    let bytes = try NPZ.encode(["a": Tensor([Float(1)]), "b": Tensor([Float(1)])])
    let first = bytes.position(of: [0x50, 0x4B, 1, 2])
    let second = first + 46 + 5
    var twice = bytes.patched(second + 42, [0, 0, 0, 0])
    #expect(throws: DataError.self) { try NPZ.decode(twice, file: "f") }
    twice = twice.patched(second + 46, Array("a.npy".utf8))
    #expect(throws: DataError.self) { try NPZ.decode(twice, file: "f") }
  }

  /// An archive of one stored entry, its checksum right.
  private static func zip(_ name: String, _ content: [UInt8]) -> [UInt8] {
    let crc = content.reduce(UInt32.max) { crc, byte in
      (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }
    let size = littleEndian(UInt32(content.count))
    var common: [UInt8] = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    common += littleEndian(~crc)
    common += size + size
    common += littleEndian(UInt16(name.utf8.count)) + [0, 0]
    var local: [UInt8] = [0x50, 0x4B, 3, 4]
    local += common
    local += Array(name.utf8) + content
    var record: [UInt8] = [0x50, 0x4B, 1, 2, 20, 0]
    record += common
    record += [UInt8](repeating: 0, count: 14) + Array(name.utf8)
    var end: [UInt8] = [0x50, 0x4B, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0]
    end += littleEndian(UInt32(record.count))
    end += littleEndian(UInt32(local.count)) + [0, 0]
    return local + record + end
  }
}
