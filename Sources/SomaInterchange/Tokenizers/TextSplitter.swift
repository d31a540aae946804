import Foundation
import SomaData

/// How a text is cut into words before the model sees them.
indirect enum TextSplitter: Sendable {
  enum Behavior: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"
  }

  case whole
  case sequence([TextSplitter])
  case bert
  case byteLevel(addsSpace: Bool, splits: Bool)
  case whitespace
  case words
  case metaspace(mark: Unicode.Scalar, scheme: String, splits: Bool)
  case pattern(TextPattern, Behavior, inverts: Bool)

  init(_ json: JSONReader?) throws {
    guard let json else {
      self = .whole
      return
    }
    func behavior(_ standard: Behavior) throws -> Behavior {
      guard let text = json.object["behavior"]?.text else { return standard }
      guard let behavior = Behavior(rawValue: text) else { throw json.fault("the behavior \(quoted(text))") }
      return behavior
    }
    switch json.type {
    case "Sequence": self = .sequence(try json.parts("pretokenizers").map { try TextSplitter($0) })
    case "BertPreTokenizer": self = .bert
    case "ByteLevel":
      self = .byteLevel(addsSpace: json.flag("add_prefix_space", true), splits: json.flag("use_regex", true))
    case "WhitespaceSplit": self = .whitespace
    case "Whitespace": self = .words
    case "Metaspace":
      let text = try json.text("replacement", "▁")
      guard let mark = text.unicodeScalars.first, text.unicodeScalars.count == 1 else {
        throw json.fault("the replacement is no single letter")
      }
      let scheme = try json.text("prepend_scheme", json.flag("add_prefix_space", true) ? "always" : "never")
      guard ["always", "first", "never"].contains(scheme) else { throw json.fault("prepend_scheme \(quoted(scheme))") }
      self = .metaspace(mark: mark, scheme: scheme, splits: json.flag("split", true))
    case "Split":
      guard let pattern = try json.part("pattern") else { throw json.fault("pattern is missing") }
      self = .pattern(try TextPattern(pattern), try behavior(.removed), inverts: json.flag("invert", false))
    case "CharDelimiterSplit":
      let delimiter = Array(try json.text("delimiter").unicodeScalars)
      guard !delimiter.isEmpty else { throw json.fault("the delimiter is empty") }
      self = .pattern(.letters(delimiter), .removed, inverts: false)
    case "Punctuation":
      self = .pattern(.predicate { $0.isBERTPunctuation }, try behavior(.isolated), inverts: false)
    case "Digits":
      self = .pattern(
        .predicate { $0.properties.numericType != nil || $0.isNumber },
        json.flag("individual_digits", false) ? .isolated : .contiguous, inverts: false)
    default: throw json.fault("the splitter \(quoted(json.type)) is not known here")
    }
  }

  /// - Parameter isStart: whether the text begins what was given, and not behind a special token.
  func split(_ text: [Unicode.Scalar], isStart: Bool) -> [[Unicode.Scalar]] {
    if text.isEmpty { return [] }
    switch self {
    case .whole: return [text]
    case .sequence(let parts):
      return parts.reduce([text]) { words, part in
        words.enumerated().flatMap { part.split($1, isStart: isStart && $0 == 0) }
      }
    case .bert: return Self.atSpacesAndSigns(text)
    case .whitespace:
      return text.split { $0.properties.isWhitespace }.map { Array($0) }
    case .words: return Self.wordsAndSigns(text)
    case .byteLevel(let addsSpace, let splits):
      var text = text
      if addsSpace, text.first != " " { text.insert(" ", at: 0) }
      return (splits ? Self.contractionsAndRuns(text) : [text]).map { ByteAlphabet.letters($0) }
    case .metaspace(let mark, let scheme, let splits):
      var marked = text.map { $0 == " " ? mark : $0 }
      if scheme == "always" || (scheme == "first" && isStart), marked.first != mark { marked.insert(mark, at: 0) }
      guard splits else { return [marked] }
      var words = [[Unicode.Scalar]]()
      for scalar in marked {
        if scalar == mark || words.isEmpty { words.append([scalar]) } else { words[words.count - 1].append(scalar) }
      }
      return words
    case .pattern(let pattern, let behavior, let inverts):
      var pieces = pattern.pieces(text)
      if inverts { pieces = pieces.map { .init(text: $0.text, isMatch: !$0.isMatch) } }
      return Self.joined(pieces, behavior)
    }
  }

  private static func joined(_ pieces: [TextPattern.Piece], _ behavior: Behavior) -> [[Unicode.Scalar]] {
    var words = [[Unicode.Scalar]]()
    var joinsNext = false
    var wasMatch: Bool?
    for piece in pieces {
      switch behavior {
      case .removed: if !piece.isMatch { words.append(Array(piece.text)) }
      case .isolated: words.append(Array(piece.text))
      case .contiguous:
        if wasMatch == piece.isMatch, !words.isEmpty {
          words[words.count - 1] += piece.text
        } else {
          words.append(Array(piece.text))
        }
      case .mergedWithPrevious:
        if piece.isMatch, wasMatch == false, !words.isEmpty {
          words[words.count - 1] += piece.text
        } else {
          words.append(Array(piece.text))
        }
      case .mergedWithNext:
        if joinsNext, !piece.isMatch { words[words.count - 1] += piece.text } else { words.append(Array(piece.text)) }
        joinsNext = piece.isMatch
      }
      wasMatch = piece.isMatch
    }
    return words
  }

  private static func atSpacesAndSigns(_ text: [Unicode.Scalar]) -> [[Unicode.Scalar]] {
    var words = [[Unicode.Scalar]]()
    var word = [Unicode.Scalar]()
    func end() {
      if !word.isEmpty { words.append(word) }
      word = []
    }
    for scalar in text {
      if scalar.isASCII
        ? scalar.value == 32 || (scalar.value >= 9 && scalar.value <= 13) : scalar.properties.isWhitespace
      {
        end()
      } else if scalar.isBERTPunctuation {
        end()
        words.append([scalar])
      } else {
        word.append(scalar)
      }
    }
    end()
    return words
  }

  /// Runs of word characters, and runs of others, without spaces.
  private static func wordsAndSigns(_ text: [Unicode.Scalar]) -> [[Unicode.Scalar]] {
    func isWord(_ s: Unicode.Scalar) -> Bool {
      s.properties.isAlphabetic || s.isMark || s.properties.generalCategory == .decimalNumber
        || s.properties.generalCategory == .connectorPunctuation || s.properties.isJoinControl
    }
    var words = [[Unicode.Scalar]]()
    var kind = 0
    for scalar in text {
      let next = scalar.properties.isWhitespace ? 0 : isWord(scalar) ? 1 : 2
      if next != 0 {
        if next == kind { words[words.count - 1].append(scalar) } else { words.append([scalar]) }
      }
      kind = next
    }
    return words
  }

  /// GPT-2's expression: contractions, letters, numbers and signs with at most one space before them, and spaces, the last
  /// of which stays with what follows. (Radford et al. 2019)
  private static func contractionsAndRuns(_ text: [Unicode.Scalar]) -> [[Unicode.Scalar]] {
    enum Kind { case space, letter, number, other }
    func kind(_ s: Unicode.Scalar) -> Kind {
      s.isLetter ? .letter : s.isNumber ? .number : s.properties.isWhitespace ? .space : .other
    }
    let contractions: [[Unicode.Scalar]] = [["s"], ["t"], ["r", "e"], ["v", "e"], ["m"], ["l", "l"], ["d"]]
    var words = [[Unicode.Scalar]]()
    var i = 0
    while i < text.count {
      if text[i] == "'", let tail = contractions.first(where: { text[(i + 1)...].starts(with: $0) }) {
        words.append(["'"] + tail)
        i += 1 + tail.count
        continue
      }
      let lead = text[i] == " " && i + 1 < text.count && kind(text[i + 1]) != .space ? 1 : 0
      let first = kind(text[i + lead])
      var end = i + lead
      while end < text.count, kind(text[end]) == first { end += 1 }
      if first == .space, end < text.count, end - i > 1 { end -= 1 }
      words.append(Array(text[i..<end]))
      i = end
    }
    return words
  }
}

/// The letters that stand for bytes in byte-level models: printable ones for themselves, others from U+0100 on.
enum ByteAlphabet {
  static let letter: [Unicode.Scalar] = {
    var next: UInt32 = 256
    return (0..<256).map { byte -> Unicode.Scalar in
      switch byte {
      case 33...126, 161...172, 174...255: return Unicode.Scalar(UInt8(byte))
      default:
        defer { next += 1 }
        return Unicode.Scalar(next) ?? " "
      }
    }
  }()

  static let byte: [Unicode.Scalar: UInt8] = Dictionary(
    uniqueKeysWithValues: letter.enumerated().map { ($1, UInt8($0)) })

  static func letters(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result = [Unicode.Scalar]()
    result.reserveCapacity(text.count)
    for scalar in text {
      if scalar.isASCII {
        result.append(letter[Int(scalar.value)])
      } else {
        for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { result.append(letter[Int(byte)]) }
      }
    }
    return result
  }
}
