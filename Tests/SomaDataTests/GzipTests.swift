import SomaData
import Testing

@Suite struct GzipTests {
  @Test func roundTrips() throws {
    var generator = SeededGenerator(seed: 3)
    for count in [0, 1, 1000, 1 << 18, (1 << 18) + 1, 700_000] {
      let noise = (0..<count).map { _ in UInt8(generator.below(4)) }
      #expect(try Gzip.decompress(Gzip.compress(noise), file: "f", limit: count) == noise)
    }
  }

  @Test func readsMembersOneAfterTheOther() throws {
    let text = try Gzip.decompress(try Golden.bytes("two-members.gz"), file: "f")
    #expect(String(decoding: text, as: UTF8.self) == "first member\nsecond\n")
  }

  @Test func stopsAtTheLimit() {
    let bomb = Gzip.compress([UInt8](repeating: 0, count: 50 << 20))
    #expect(bomb.count < 100_000)
    let error = #expect(throws: DataError.self) { try Gzip.decompress(bomb, file: "bomb.gz", limit: 1000) }
    #expect(error?.problem == "expands to more than the expected 1000 bytes")
  }

  @Test func refusesDamage() {
    let text = (0..<400).map { UInt8(($0 * $0) % 251) }
    let good = Gzip.compress(text)
    let damages =
      truncations(good) + [
        Damage("empty", [UInt8](), "byte 0: is not compressed by gzip"),
        Damage("wrong magic", good.patched(0, [0x1E]), "is not compressed by gzip"),
        Damage("plain text", Array("hello".utf8), "is not compressed by gzip"),
        Damage("zip", Array("PK\u{3}\u{4}".utf8), "is not compressed by gzip"),
        Damage("method 7", good.patched(2, [7]), "unknown compression method"),
        Damage("reserved flags", good.patched(3, [0xE0]), "unknown header flags"),
        Damage("bad block type", good.patched(10, [0xFF]), "damaged"),
        Damage("checksum", good.patched(good.count - 8, [0]), "incorrect data check"),
        Damage("checksum end", good.patched(good.count - 5, [good[good.count - 5] ^ 1]), "incorrect data check"),
        Damage("length", good.patched(good.count - 4, [0]), "incorrect length check"),
        Damage("huge length", good.patched(good.count - 4, [255, 255, 255, 255]), "incorrect length check"),
        Damage("trailing text", good + Array("tail".utf8), "byte \(good.count): something else follows"),
        Damage("trailing zeros", good + [0, 0, 0], "something else follows"),
        Damage("half a second member", good + good[..<20], "too early"),
        Damage("only a header", Array(good[..<10]), "too early"),
        Damage("damaged second member", good + good.patched(good.count - 8, [0]), "incorrect data check"),
        Damage("content changed", good.patched(40, [good[40] ^ 0x10]), "damaged"),
        Damage("content changed late", good.patched(good.count - 12, [good[good.count - 12] ^ 1]), "damaged"),
        Damage("a name that does not end", [0x1F, 0x8B, 8, 8, 0, 0, 0, 0, 0, 3, 65, 66], "too early"),
        Damage("header checksum", [0x1F, 0x8B, 8, 2, 0, 0, 0, 0, 0, 3, 1, 1, 3, 0], "header crc mismatch"),
      ]
    expectRefused(damages, as: "f.gz") { try Gzip.decompress($0, file: "f.gz") }
    fuzz(good, rounds: 1000) { try Gzip.decompress($0, file: "f.gz") }
  }
}
