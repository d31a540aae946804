import Foundation
import SomaData
import Testing

@testable import SomaInterchange

@Suite struct JSONTests {
  private func decode(_ text: String) throws -> JSONValue { try JSONValue.decode(Array(text.utf8), file: "x") }

  @Test func valuesAreRead() throws {
    let value = try decode(
      #" {"a": [1, -2.5, 1e3, 12345678901234567168], "b": {"c": null, "d": true}, "e": false, "f": "", "g": 2.0} "#)
    let object = try #require(value.object)
    let list = try #require(object["a"]?.list)
    #expect(list.map(\.number) == [1, -2.5, 1000, 12_345_678_901_234_567_168])
    #expect(list[0].int == 1 && list[1].int == nil && list[2].int == 1000 && object["g"]?.int == 2)
    #expect(object["b"]?.object?["c"]?.isNull ?? false)
    #expect(object["b"]?.object?["d"]?.flag == true && object["e"]?.flag == false)
    #expect(object["f"]?.text == "" && object["h"] == nil)
    #expect(try decode("[]").list?.isEmpty ?? false)
    #expect(try decode("{}").object?.pairs.isEmpty ?? false)
    #expect(try decode("\u{FEFF}7").int == 7)
  }

  @Test func textsKeepTheirScalars() throws {
    let value = try decode(#"["\u00e9", "e\u0301", "é", "\ud83e\udd17", "\"\\\/\b\f\n\r\t", "\u0000"]"#)
    let texts = try #require(value.list).map { Array(($0.text ?? "?").unicodeScalars.map(\.value)) }
    #expect(texts == [[0xE9], [0x65, 0x301], [0xE9], [0x1F917], [34, 92, 47, 8, 12, 10, 13, 9], [0]])
    let object = try #require(decode(#"{"\u00e9": 1, "e\u0301": 2, "a": 3, "a": 4}"#).object)
    #expect(object.pairs.count == 4)
    #expect(object["\u{E9}"]?.int == 1 && object["e\u{301}"]?.int == 2 && object["a"]?.int == 4)
  }

  @Test(
    arguments: [
      "", " ", "{", "[", "[1", "[1,", "[1,]", "{\"a\"", "{\"a\":", "{\"a\":1,}", "{a:1}", "tru", "nul", "+1", ".5",
      "1e999",
      "--1", "1-1", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\n\"",
      "1 2",
      "{} {}", "NaN", "Infinity", "0x10", "'a'", "[1 2]", "\"\\u+123\"",
    ]) func whatIsNoJSONIsRefused(_ text: String)
  {
    let error = #expect(throws: DataError.self) { try decode(text) }
    #expect(error.map { !$0.description.contains("\n") && $0.description.hasPrefix("x") } ?? false)
  }

  @Test func depthAndEncodingAreChecked() {
    #expect(throws: DataError.self) { try decode(String(repeating: "[", count: 1_000_000)) }
    #expect(throws: Never.self) {
      try decode(String(repeating: "[", count: 256) + String(repeating: "]", count: 256))
    }
    #expect(throws: DataError.self) { try JSONValue.decode([0x22, 0xFF, 0x22], file: "x") }
  }
}
