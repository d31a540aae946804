import Soma
import SomaData
import Testing

@Suite struct TextTests {
  static let text = "In the beginning\nwas the Wörd 🙂.\n"

  @Test func characterVocabularyIsTheSortedScalars() throws {
    let corpus = try TextCorpus(name: "t", text: "banana ö")
    #expect(corpus.vocabulary == .characters([" ", "a", "b", "n", "ö"]))
    #expect(corpus.tokens == [2, 1, 3, 1, 3, 1, 0, 4])
    #expect(try corpus.text() == "banana ö")
  }

  @Test func bothLevelsRoundTrip() throws {
    for level in [TextCorpus.Level.character, .byte] {
      let corpus = try TextCorpus.decode(Array(Self.text.utf8), file: "f", level: level)
      #expect(try corpus.text() == Self.text)
      #expect(corpus.tokens.count == (level == .byte ? Self.text.utf8.count : Self.text.unicodeScalars.count))
    }
    #expect(try TextCorpus.decode([0xEF, 0xBB, 0xBF] + Array("a".utf8), file: "f").text() == "a")
    #expect(try TextCorpus.decode([0xFF, 0, 3], file: "f", level: .byte).tokens == [255, 0, 3])
    try withTemporaryDirectory { directory in
      try write(Gzip.compress(Array(Self.text.utf8)), "\(directory)/t.txt.gz")
      #expect(try TextCorpus.read("\(directory)/t.txt.gz").text() == Self.text)
    }
  }

  @Test func aGivenVocabularyIsKept() throws {
    let train = try TextCorpus(name: "t", text: "abc\nabc")
    let other = try TextCorpus.decode(Array("cab".utf8), file: "f", vocabulary: train.vocabulary)
    #expect(other.tokens == [3, 1, 2])
    let error = #expect(throws: DataError.self) {
      try TextCorpus.decode(Array("ab\ncd".utf8), file: "f", vocabulary: train.vocabulary)
    }
    #expect(error?.description == "f, line 2: the character \"d\" is not in the vocabulary")
    #expect(throws: DataError.self) { try train.vocabulary.decode([4]) }
    #expect(throws: DataError.self) { try Vocabulary.bytes.decode([256]) }
    #expect(throws: DataError.self) { try Vocabulary.bytes.decode([-1]) }
    #expect(throws: DataError.self) { try Vocabulary.characters(["a", "a"]).encode("a") }
    #expect(throws: DataError.self) { try Vocabulary.characters(["ab"]).encode("a") }
  }

  @Test func windowsPredictTheNextToken() throws {
    let corpus = TextCorpus(name: "t", tokens: (0..<20).map { Int32($0) }, vocabulary: .bytes)
    let windows = try corpus.windows(length: 6)
    #expect(windows.count == 3)
    let batch = try windows.batch(of: [2, 0])
    #expect(batch.features.shape == [2, 6] && batch.features.dtype == .int32)
    #expect(batch.features.ints == [12, 13, 14, 15, 16, 17, 0, 1, 2, 3, 4, 5])
    #expect(batch.targets.ints == [13, 14, 15, 16, 17, 18, 1, 2, 3, 4, 5, 6])
    #expect(try corpus.windows(length: 19).count == 1)
    #expect(try corpus.windows(length: 5, stride: 1).count == 15)
    #expect(throws: DataError.self) { try corpus.windows(length: 20) }
    let (train, test) = corpus.split(test: 0.1)
    #expect(train.tokens.count == 18 && test.tokens == [18, 19])
  }

  @Test func streamsContinueRowByRow() throws {
    let corpus = TextCorpus(name: "t", tokens: (0..<23).map { Int32($0) }, vocabulary: .bytes)
    let loader = DataLoader(try corpus.streams(rows: 2, length: 4), batchSize: 2)
    let batches = loader.epoch(0)
    let first = try #require(try batches.next())
    let second = try #require(try batches.next())
    #expect(first.features.ints == [0, 1, 2, 3, 11, 12, 13, 14])
    #expect(second.features.ints == [4, 5, 6, 7, 15, 16, 17, 18])
    #expect(second.targets.ints == [5, 6, 7, 8, 16, 17, 18, 19])
    #expect(try batches.next() == nil)
    #expect(throws: DataError.self) { try corpus.streams(rows: 6, length: 4) }
  }

  @Test func refusesDamage() throws {
    let good = Array("line one\nline two with ö\n".utf8)
    let broken = good.position(of: "ö")
    let gz = Gzip.compress(Array(Self.text.utf8))
    let damages =
      [
        Damage("empty", [UInt8](), "is empty"),
        Damage("only a mark", [0xEF, 0xBB, 0xBF], "is empty"),
        Damage("UTF-16 LE", [0xFF, 0xFE, 0x41, 0], "byte 0: is UTF-16"),
        Damage("UTF-16 BE", [0xFE, 0xFF, 0, 0x41], "byte 0: is UTF-16"),
        Damage("UTF-32", [0, 0, 0xFE, 0xFF, 0, 0, 0, 0x41], "byte 0: is UTF-16 or UTF-32"),
        Damage("UTF-16 without mark", [0x41, 0, 0x42, 0], "line 1: holds a zero byte at offset 1"),
        Damage("Latin-1", good[..<broken] + [0xF6] + good[(broken + 2)...], "line 2: is not UTF-8 text: byte 0xF6"),
        Damage("cut character", Array(good[...broken]), "line 2: is not UTF-8 text: byte 0xC3 at offset \(broken)"),
        Damage("lone continuation", good.patched(3, [0x80]), "line 1: is not UTF-8 text: byte 0x80 at offset 3"),
        Damage("overlong", good.patched(3, [0xC0, 0xAF]), "byte 0xC0"),
        Damage("overlong three", good.patched(3, [0xE0, 0x80, 0xAF]), "byte 0xE0"),
        Damage("surrogate", good.patched(3, [0xED, 0xA0, 0x80]), "byte 0xED"),
        Damage("beyond Unicode", good.patched(3, [0xF4, 0x90, 0x80, 0x80]), "byte 0xF4"),
        Damage("five bytes", good.patched(3, [0xF8, 0x88, 0x80, 0x80, 0x80]), "byte 0xF8"),
        Damage("0xFE", good.patched(3, [0xFE]), "byte 0xFE"),
        Damage("0xFF at the end", good + [0xFF], "line 3: is not UTF-8 text: byte 0xFF at offset \(good.count)"),
        Damage("zero byte", good.patched(12, [0]), "line 2: holds a zero byte at offset 12"),
        Damage("PNG", try Golden.bytes("rgb.png"), "byte 0x89 at offset 0"),
        Damage("JPEG", try Golden.bytes("rgb.jpg"), "byte 0xFF at offset 0"),
        Damage("npy", try Golden.bytes("scalar.npy"), "byte 0x93 at offset 0"),
        Damage("gz checksum", gz.patched(gz.count - 8, [0]), "incorrect data check"),
        Damage("gz of Latin-1", Gzip.compress([0xF6, 0x41]), "byte 0xF6"),
        Damage("gz of nothing", Gzip.compress([]), "is empty"),
      ] + truncations(gz).dropFirst(2)
    try withTemporaryDirectory { directory in
      let path = "\(directory)/t.txt"
      expectRefused(damages, as: path) { bytes in
        try write(bytes, path)
        return try TextCorpus.read(path)
      }
    }
    fuzz(Array(Self.text.utf8), rounds: 1000) { try TextCorpus.decode($0, file: "f") }
  }
}
