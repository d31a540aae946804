import Foundation
import SomaData

/// What happens to a text before it is split.
indirect enum TextNormalizer: Sendable {
  case identity
  case sequence([TextNormalizer])
  case bert(cleans: Bool, spacesChinese: Bool, stripsAccents: Bool, lowercases: Bool)
  case composed(compatible: Bool)
  case decomposed(compatible: Bool)
  case lowercase
  case stripAccents
  case strip(left: Bool, right: Bool)
  case prepend([Unicode.Scalar])
  case replace(TextPattern, [Unicode.Scalar])
  case charsmap(PrecompiledCharsmap)
  case nmt
  case byteLevel

  init(_ json: JSONReader?) throws {
    guard let json else {
      self = .identity
      return
    }
    switch json.type {
    case "Sequence": self = .sequence(try json.parts("normalizers").map { try TextNormalizer($0) })
    case "BertNormalizer":
      let lowercases = json.flag("lowercase", true)
      self = .bert(
        cleans: json.flag("clean_text", true), spacesChinese: json.flag("handle_chinese_chars", true),
        stripsAccents: json.flag("strip_accents", lowercases), lowercases: lowercases)
    case "NFC": self = .composed(compatible: false)
    case "NFKC": self = .composed(compatible: true)
    case "NFD": self = .decomposed(compatible: false)
    case "NFKD": self = .decomposed(compatible: true)
    case "Lowercase": self = .lowercase
    case "StripAccents": self = .stripAccents
    case "Strip": self = .strip(left: json.flag("strip_left", true), right: json.flag("strip_right", true))
    case "Prepend": self = .prepend(Array(try json.text("prepend").unicodeScalars))
    case "Replace":
      guard let pattern = try json.part("pattern") else { throw json.fault("pattern is missing") }
      self = .replace(try TextPattern(pattern), Array(try json.text("content").unicodeScalars))
    case "Precompiled":
      guard let blob = Data(base64Encoded: try json.text("precompiled_charsmap")) else {
        throw json.fault("precompiled_charsmap is no base64")
      }
      self = .charsmap(try PrecompiledCharsmap([UInt8](blob), json))
    case "Nmt": self = .nmt
    case "ByteLevel": self = .byteLevel
    default: throw json.fault("the normalizer \(quoted(json.type)) is not known here")
    }
  }

  func apply(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    switch self {
    case .identity: return text
    case .sequence(let parts): return parts.reduce(text) { $1.apply($0) }
    case .bert(let cleans, let spacesChinese, let stripsAccents, let lowercases):
      var result = cleans ? Self.cleaned(text) : text
      if spacesChinese, result.contains(where: \.isChinese) {
        result = result.flatMap { $0.isChinese ? [" ", $0, " "] : [$0] }
      }
      if stripsAccents, !result.allSatisfy(\.isASCII) {
        result = Self.foundation(result) { $0.decomposedStringWithCanonicalMapping }
          .filter { $0.properties.generalCategory != .nonspacingMark }
      }
      return lowercases ? Self.lowercased(result) : result
    case .composed(let compatible):
      if text.allSatisfy(\.isASCII) { return text }
      let parts = Self.betweenHangulEdges(text).flatMap { part in
        Self.foundation(part) {
          compatible ? $0.precomposedStringWithCompatibilityMapping : $0.precomposedStringWithCanonicalMapping
        }
      }
      return Self.withFinalsJoined(parts)
    case .decomposed(let compatible):
      if text.allSatisfy(\.isASCII) { return text }
      return Self.foundation(text) {
        compatible ? $0.decomposedStringWithCompatibilityMapping : $0.decomposedStringWithCanonicalMapping
      }
    case .lowercase: return Self.lowercased(text)
    case .stripAccents: return text.filter { !$0.isMark }
    case .strip(let left, let right):
      var slice = text[...]
      if left { slice = slice.drop { $0.properties.isWhitespace } }
      if right { while let last = slice.last, last.properties.isWhitespace { slice.removeLast() } }
      return Array(slice)
    case .prepend(let lead): return text.isEmpty ? text : lead + text
    case .replace(let pattern, let content):
      return pattern.pieces(text).flatMap { $0.isMatch ? content : Array($0.text) }
    case .charsmap(let map): return map.apply(text)
    case .nmt: return Self.translated(text)
    case .byteLevel: return ByteAlphabet.letters(text)
    }
  }

  private static func foundation(_ text: [Unicode.Scalar], _ body: (String) -> String) -> [Unicode.Scalar] {
    Array(body(String(String.UnicodeScalarView(text))).unicodeScalars)
  }

  /// The text cut around the letters next to the ranges of Hangul's modern ones: Swift's library (6.3) composes them as if they
  /// belonged to the ranges. By the standard they compose with nothing, so the parts can be normalized alone.
  private static func betweenHangulEdges(_ text: [Unicode.Scalar]) -> [[Unicode.Scalar]] {
    var parts: [[Unicode.Scalar]] = [[]]
    for scalar in text {
      if [0x1176, 0x11A7, 0x11C3].contains(scalar.value) { parts.append([]) }
      parts[parts.count - 1].append(scalar)
      if scalar.value == 0x1113 { parts.append([]) }
    }
    return parts
  }

  /// Syllables of Hangul without a final letter, joined with the one that follows (The Unicode Standard, 3.12): Swift's library
  /// (6.3) does so only if the syllable was composed of letters itself.
  private static func withFinalsJoined(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result = [Unicode.Scalar]()
    result.reserveCapacity(text.count)
    for scalar in text {
      if (0x11A8...0x11C2).contains(scalar.value), let last = result.last, (0xAC00...0xD7A3).contains(last.value),
        (last.value - 0xAC00) % 28 == 0, let joined = Unicode.Scalar(last.value + scalar.value - 0x11A7)
      {
        result[result.count - 1] = joined
      } else {
        result.append(scalar)
      }
    }
    return result
  }

  private static func lowercased(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result = [Unicode.Scalar]()
    result.reserveCapacity(text.count)
    for scalar in text {
      if scalar.isASCII {
        result.append(scalar.value >= 65 && scalar.value <= 90 ? Unicode.Scalar(UInt8(scalar.value + 32)) : scalar)
      } else {
        result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
      }
    }
    return result
  }

  private static func cleaned(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    text.compactMap { scalar in
      if scalar.isASCII {
        if scalar.value == 9 || scalar.value == 10 || scalar.value == 13 { return " " }
        return scalar.value < 32 || scalar.value == 127 ? nil : scalar
      }
      if scalar.value == 0xFFFD { return nil }
      switch scalar.properties.generalCategory {
      case .control, .format, .privateUse, .surrogate: return nil
      default: return scalar.properties.isWhitespace ? " " : scalar
      }
    }
  }

  /// SentencePiece's rules for translation: some marks go away, others become spaces.
  private static func translated(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    text.compactMap { scalar in
      switch scalar.value {
      case 1...8, 0xB, 0xE...0x1F, 0x7F, 0x8F, 0x9F: return nil
      case 9, 0xA, 0xC, 0xD, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD: return " "
      default: return scalar
      }
    }
  }
}

extension Unicode.Scalar {
  /// Whether BERT sets the character apart: the ideographs of the unified blocks.
  var isChinese: Bool {
    switch value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F, 0x2B920...0x2CEAF,
      0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }

  var isMark: Bool {
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: true
    default: false
    }
  }

  /// General category P, or a sign of ASCII that is neither letter, digit nor space.
  var isBERTPunctuation: Bool {
    if isASCII {
      switch value {
      case 33...47, 58...64, 91...96, 123...126: return true
      default: return false
      }
    }
    switch properties.generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
      .finalPunctuation, .otherPunctuation:
      return true
    default: return false
    }
  }

  var isLetter: Bool {
    if isASCII { return (value | 32) >= 97 && (value | 32) <= 122 }
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return true
    default: return false
    }
  }

  var isNumber: Bool {
    if isASCII { return value >= 48 && value <= 57 }
    switch properties.generalCategory {
    case .decimalNumber, .letterNumber, .otherNumber: return true
    default: return false
    }
  }
}
