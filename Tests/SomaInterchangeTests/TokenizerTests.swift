import Foundation
import SomaData
import Testing

@testable import SomaInterchange

/// Small tokenizers that the reference library trained, with its own tokens of mixed texts
/// (`Tests/Golden/make_pretrained_golden.py`); `scripts/check-tokenizers.py` compares 10,000 lines.
@Suite struct TokenizerTests {
  private struct Case: Decodable {
    var text: String
    var ids: [Int]
    var decoded: String
  }

  private static func cases(_ name: String) throws -> [Case] {
    let all = try JSONDecoder().decode([String: [Case]].self, from: Data(try Resource.bytes("tokenizers.json")))
    return try #require(all[name])
  }

  private static func tokenizer(_ name: String) throws -> Tokenizer {
    try Tokenizer.read(Resource.path("tokenizer-\(name).json"))
  }

  @Test(arguments: ["wordpiece", "bpe", "unigram"]) func tokensEqualTheReference(_ name: String) throws {
    let tokenizer = try Self.tokenizer(name)
    let cases = try Self.cases(name)
    #expect(cases.count > 30)
    for entry in cases {
      #expect(tokenizer.encode(entry.text).ids == entry.ids, "\(entry.text.debugDescription)")
    }
  }

  @Test(arguments: ["wordpiece", "bpe", "unigram"]) func decodedTextEqualsTheReference(_ name: String) throws {
    let tokenizer = try Self.tokenizer(name)
    for entry in try Self.cases(name) {
      #expect(tokenizer.decode(entry.ids) == entry.decoded, "\(entry.text.debugDescription)")
    }
  }

  @Test func byteLevelTokensRoundTripAnyText() throws {
    let tokenizer = try Self.tokenizer("bpe")
    for text in [
      "", " ", "tabs\tand\n\nlines ", "é ß 中 🤗", "\u{0}\u{1}\u{7F}\u{FFFD}", "'s 't",
      String(repeating: "ab ", count: 500),
    ] {
      #expect(tokenizer.decode(tokenizer.encode(text).ids) == text)
    }
  }

  @Test func pairsHaveTheirTypesAndFitTheirLimit() throws {
    let tokenizer = try Self.tokenizer("wordpiece")
    let first = tokenizer.encode("hello", addsSpecialTokens: false).ids
    let second = tokenizer.encode("one two three", addsSpecialTokens: false).ids
    let pair = tokenizer.encode("hello", with: "one two three")
    #expect(pair.ids == [2] + first + [3] + second + [3])
    #expect(
      pair.types == [Int](repeating: 0, count: first.count + 2) + [Int](repeating: 1, count: second.count + 1))
    let cut = tokenizer.encode("hello", with: "one two three", limit: 8)
    #expect(cut.ids.count == 8 && cut.ids.first == 2 && cut.ids.last == 3)
    #expect(tokenizer.encode("one two three", limit: 4).ids == [2] + second.prefix(2) + [3])
    #expect(tokenizer.encode("one two three", limit: 0).ids == [2, 3])
  }

  @Test func tokensHaveNumbersAndNames() throws {
    let tokenizer = try Self.tokenizer("wordpiece")
    #expect(tokenizer.count == 600)
    #expect(tokenizer.id(of: "[CLS]") == 2 && tokenizer.token(2) == "[CLS]")
    #expect(tokenizer.id(of: "no such token") == nil && tokenizer.token(600) == nil && tokenizer.token(-1) == nil)
    #expect(tokenizer.decode([-5, 2, 1_000_000]) == "")
  }

  /// What Unicode calls equivalent is not the same token, and a mark belongs to no prefix before it.
  @Test func tokensAreToldApartByTheirScalars() throws {
    let text =
      #"{"model": {"type": "WordPiece", "unk_token": "u", "vocab": {"u": 0, "\u00e9": 1, "e\u0301": 2, "e": 3, "#
      + ###" "##\u0301": 4, "##\u093f": 5, "\u092e": 6}}, "pre_tokenizer": {"type": "WhitespaceSplit"}}"###
    let tokenizer = try Tokenizer.decode(Array(text.utf8), file: "x")
    #expect(tokenizer.encode("\u{E9} e\u{301} e e\u{301}\u{301} \u{92E}\u{93F}").ids == [1, 2, 3, 2, 4, 6, 5])
    #expect(tokenizer.id(of: "\u{E9}") == 1 && tokenizer.id(of: "e\u{301}") == 2 && tokenizer.count == 7)
    let pair =
      #"{"model": {"type": "BPE", "vocab": {"a": 0, "\u0301": 1, "a\u0301": 2, "\u00e1": 3}, "merges": ["a \u0301"]}}"#
    let joined = try Tokenizer.decode(Array(pair.utf8), file: "x")
    #expect(joined.encode("a\u{301}\u{E1}a").ids == [2, 3, 0])
  }

  /// Hangul composes within its ranges and not with the letters next to them (The Unicode Standard, 3.12).
  @Test func compositionOfHangul() {
    let normalizer = TextNormalizer.composed(compatible: true)
    let cases: [([UInt32], [UInt32])] = [
      ([0x1100, 0x1161], [0xAC00]), ([0x1112, 0x1175, 0x11C2], [0xD7A3]), ([0x1113, 0x116B], [0x1113, 0x116B]),
      ([0x1112, 0x1176], [0x1112, 0x1176]), ([0x1112, 0x1175, 0x11A7], [0xD788, 0x11A7]),
      ([0xAC00, 0x11C3], [0xAC00, 0x11C3]), ([0xAC00, 0x11A8], [0xAC01]), ([0x65, 0x301], [0xE9]),
      ([0x1113, 0x301], [0x1113, 0x301]), ([0x2460, 0x1176, 0x1161], [0x31, 0x1176, 0x1161]),
    ]
    for (text, expected) in cases {
      #expect(normalizer.apply(text.compactMap { Unicode.Scalar($0) }).map(\.value) == expected)
    }
  }

  // MARK: Damage

  private static let texts = [
    "Hello, wörld! 12\u{0301}", "", "[CLS] <s> \u{200D}中文 x's", String(repeating: "a", count: 300),
  ]

  private static func use(_ bytes: [UInt8]) throws {
    let tokenizer = try Tokenizer.decode(bytes, file: "x")
    for text in texts { _ = tokenizer.decode(tokenizer.encode(text, with: "b", limit: 9).ids) }
  }

  @Test(arguments: ["wordpiece", "bpe", "unigram"]) func damagedFiles(_ name: String) throws {
    let errors = Resource.errors(try Resource.bytes("tokenizer-\(name).json"), Self.use)
    #expect(errors.count >= 40)
    for error in errors { #expect(!error.contains("\n") && error.count < 400, "\(error)") }
  }

  /// Files that are well-formed JSON, but wrong; each must be refused with one line.
  @Test func hostileFiles() throws {
    let model = #""model": {"type": "WordPiece", "vocab": {"[UNK]": 0, "a": 1}, "unk_token": "[UNK]"}"#
    let refused: [(String, String)] = [
      ("[]", "is no JSON object"), ("{}", "model is missing"), (#"{"model": 3}"#, "model is no object"),
      (#"{"model": {"type": "Magic"}}"#, "Magic"),
      (#"{"model": {"type": "WordPiece", "vocab": []}}"#, "vocab"),
      (#"{"model": {"type": "WordPiece", "vocab": {"a": -1}}}"#, "number of the token"),
      (#"{"model": {"type": "WordPiece", "vocab": {"a": 99999999999999}}}"#, "number of the token"),
      (#"{"model": {"type": "WordPiece", "vocab": {"a": 1.5}}}"#, "number of the token"),
      (#"{"model": {"type": "WordPiece", "vocab": {"a": 1}}}"#, "[UNK]"),
      (#"{"model": {"type": "BPE", "vocab": {"a": 1}}}"#, "merges"),
      (#"{"model": {"type": "BPE", "vocab": {"a": 1}, "merges": ["a b"]}}"#, "merge 0"),
      (#"{"model": {"type": "BPE", "vocab": {"a": 1, "b": 2}, "merges": ["a b"]}}"#, "merge 0"),
      (#"{"model": {"type": "BPE", "vocab": {"a": 1}, "merges": [["a"]]}}"#, "merge 0"),
      (#"{"model": {"type": "BPE", "vocab": {"a": 1}, "merges": [], "byte_fallback": true}}"#, "<0x00>"),
      (#"{"model": {"type": "BPE", "vocab": {"a": 1}, "merges": [], "unk_token": "?"}}"#, "\"?\""),
      (#"{"model": {"type": "Unigram", "vocab": {}}}"#, "vocab"),
      (#"{"model": {"type": "Unigram", "vocab": [["a"]]}}"#, "token 0"),
      (#"{"model": {"type": "Unigram", "vocab": [["a", "b"]]}}"#, "token 0"),
      (#"{"model": {"type": "Unigram", "vocab": [["a", 1]], "unk_id": 7}}"#, "unk_id"),
      ("{\(model), \"added_tokens\": [3]}", "added_tokens"),
      ("{\(model), \"added_tokens\": [{\"id\": -4, \"content\": \"x\"}]}", "added token"),
      ("{\(model), \"added_tokens\": [{\"id\": 1e300, \"content\": \"x\"}]}", "whole number"),
      ("{\(model), \"normalizer\": {\"type\": \"Upper\"}}", "Upper"),
      ("{\(model), \"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"!\"}}", "base64"),
      ("{\(model), \"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"/////w==\"}}", "trie"),
      (
        "{\(model), \"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"Regex\": \"(\"}, \"content\": \"\"}}",
        "not understood"
      ),
      ("{\(model), \"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"ab\"}}", "single letter"),
      ("{\(model), \"pre_tokenizer\": {\"type\": \"CharDelimiterSplit\", \"delimiter\": \"\"}}", "delimiter"),
      ("{\(model), \"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"String\": \"\"}}}", "empty"),
      (
        "{\(model), \"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"String\": \"a\"}, \"behavior\": \"Odd\"}}",
        "Odd"
      ),
      (
        "{\(model), \"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"x\"}}]}}",
        "no numbers"
      ),
      ("{\(model), \"post_processor\": {\"type\": \"BertProcessing\"}}", "cls"),
      (
        "{\(model), \"post_processor\": {\"type\": \"BertProcessing\", \"cls\": [\"a\", -1], \"sep\": [\"a\", 1]}}",
        "cls"
      ),
      (
        "{\(model), \"decoder\": {\"type\": \"Replace\", \"pattern\": {\"String\": \"\"}, \"content\": \"x\"}}", "empty"
      ),
      ("{\(model), \"truncation\": {\"max_length\": \"long\"}}", "max_length"),
      ("{\(model), \"truncation\": {\"max_length\": -2}}", "max_length"),
    ]
    for (text, message) in refused {
      do {
        try Self.use(Array(text.utf8))
        Issue.record("accepted: \(text)")
      } catch {
        let line = "\(error)"
        #expect(line.hasPrefix("x: ") && line.contains(message), "\(text): \(line)")
        #expect(!line.contains("\n") && line.count < 400)
      }
    }
  }

  @Test func deepNestingIsRefused() throws {
    let depth = 3000
    let open = String(repeating: #"{"type": "Sequence", "normalizers": ["#, count: depth)
    let text =
      #"{"model": {"type": "WordPiece", "vocab": {"[UNK]": 0}}, "normalizer": "# + open + #"{"type": "NFC"}"#
      + String(repeating: "]}", count: depth) + "}"
    #expect(throws: DataError.self) { try Self.use(Array(text.utf8)) }
  }

  /// A trie whose units lead in circles or outside ends each lookup.
  @Test func hostileCharsmaps() throws {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<300 {
      let size = 4 * (1 + generator.below(64))
      var blob = (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) }
      blob += (0..<size + generator.below(20)).map { _ in UInt8(generator.below(256)) }
      let json = JSONReader(JSONObject(), file: "x", path: "")
      let map = try PrecompiledCharsmap(blob, json)
      _ = map.apply(Array("é中🤗e\u{301}\u{0}".unicodeScalars))
    }
  }

  /// A pattern that backtracks without end must not hang a reader: the expression is given up.
  @Test func patternsThatBacktrackForever() throws {
    let text =
      #"{"model": {"type": "WordPiece", "vocab": {"[UNK]": 0}}, "pre_tokenizer": {"type": "Split", "pattern": "#
      + #"{"Regex": "(a+)+$"}, "behavior": "Isolated"}}"#
    let tokenizer = try Tokenizer.decode(Array(text.utf8), file: "x")
    let start = ContinuousClock.now
    _ = tokenizer.encode(String(repeating: "a", count: 40) + "b")
    #expect(ContinuousClock.now - start < .seconds(20))
  }
}
