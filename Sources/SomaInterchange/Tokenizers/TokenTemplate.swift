import SomaData

/// What stands around the tokens of one text or of a pair.
struct TokenTemplate: Sendable {
  private enum Part: Sendable {
    case text(second: Bool, type: Int)
    case special([Int], type: Int)
  }

  private var single: [Part]
  private var pair: [Part]

  init(_ json: JSONReader?, added: AddedTokens) throws {
    single = [.text(second: false, type: 0)]
    pair = [.text(second: false, type: 0), .text(second: true, type: 1)]
    guard let json else { return }
    func isToken(_ id: Int?) -> Bool { id.map { (0..<1 << 31).contains($0) } ?? false }
    switch json.type {
    case "ByteLevel": return
    case "Sequence":
      for part in try json.parts("processors") where part.type != "ByteLevel" {
        self = try TokenTemplate(part, added: added)
      }
    case "TemplateProcessing":
      let special = try json.part("special_tokens")
      func parts(_ key: String) throws -> [Part] {
        try json.parts(key).map { part in
          if let text = try part.part("Sequence") {
            let name = try text.text("id")
            guard name == "A" || name == "B" else { throw json.fault("the text \(quoted(name)) in its template") }
            return .text(second: name == "B", type: try text.int("type_id", 0))
          }
          guard let token = try part.part("SpecialToken") else { throw json.fault("a part of its template") }
          let name = try token.text("id")
          guard let list = try special?.part(name)?.object["ids"]?.list, list.allSatisfy({ isToken($0.int) }) else {
            throw json.fault("the special token \(quoted(name)) has no numbers")
          }
          return .special(list.compactMap(\.int), type: try token.int("type_id", 0))
        }
      }
      single = try parts("single")
      pair = try parts("pair")
    case "BertProcessing", "RobertaProcessing":
      func id(_ key: String) throws -> [Int] {
        guard let list = json.object[key]?.list, list.count == 2, let id = list[1].int, isToken(id) else {
          throw json.fault("\(key) is no token with its number")
        }
        return [id]
      }
      let (start, end) = (try id("cls"), try id("sep"))
      let isBERT = json.type == "BertProcessing"
      single = [.special(start, type: 0), .text(second: false, type: 0), .special(end, type: 0)]
      pair =
        isBERT
        ? single + [.text(second: true, type: 1), .special(end, type: 1)]
        : single + [.special(end, type: 0), .text(second: true, type: 0), .special(end, type: 0)]
    default: throw json.fault("the processor \(quoted(json.type)) is not known here")
    }
  }

  func specialCount(isPair: Bool) -> Int {
    (isPair ? pair : single).reduce(0) { if case .special(let ids, _) = $1 { $0 + ids.count } else { $0 } }
  }

  func around(_ first: [Int], _ second: [Int]?, addsSpecialTokens: Bool) -> Tokenizer.Encoding {
    var encoding = Tokenizer.Encoding(ids: [], types: [])
    func append(_ ids: [Int], _ type: Int) {
      encoding.ids += ids
      encoding.types += [Int](repeating: type, count: ids.count)
    }
    for part in second == nil ? single : pair {
      switch part {
      case .text(let isSecond, let type): append(isSecond ? second ?? [] : first, type)
      case .special(let ids, let type): if addsSpecialTokens { append(ids, type) }
      }
    }
    return encoding
  }
}

/// How tokens become text again.
indirect enum TokenJoiner: Sendable {
  case spaces
  case sequence([TokenJoiner])
  case wordPiece(prefix: String, cleans: Bool)
  case byteLevel
  case metaspace(Unicode.Scalar, dropsFirst: Bool)
  case byteFallback
  case fuse
  case replace(String, String)
  case strip(Unicode.Scalar, start: Int, stop: Int)
  case bpe(suffix: String)

  init(_ json: JSONReader?) throws {
    guard let json else {
      self = .spaces
      return
    }
    switch json.type {
    case "Sequence": self = .sequence(try json.parts("decoders").map { try TokenJoiner($0) })
    case "WordPiece": self = .wordPiece(prefix: try json.text("prefix", "##"), cleans: json.flag("cleanup", true))
    case "ByteLevel": self = .byteLevel
    case "Metaspace":
      let scheme = try json.text("prepend_scheme", json.flag("add_prefix_space", true) ? "always" : "never")
      self = .metaspace(try json.text("replacement", "▁").unicodeScalars.first ?? "▁", dropsFirst: scheme != "never")
    case "ByteFallback": self = .byteFallback
    case "Fuse": self = .fuse
    case "Replace":
      guard let pattern = try json.part("pattern") else { throw json.fault("pattern is missing") }
      let old = try pattern.text("String")
      guard !old.isEmpty else { throw json.fault("the pattern is empty") }
      self = .replace(old, try json.text("content"))
    case "Strip":
      guard let content = try json.text("content").unicodeScalars.first else { throw json.fault("content is empty") }
      self = .strip(content, start: try json.int("start", 0), stop: try json.int("stop", 0))
    case "BPEDecoder": self = .bpe(suffix: try json.text("suffix", "</w>"))
    default: throw json.fault("the decoder \(quoted(json.type)) is not known here")
    }
  }

  func join(_ tokens: [String]) -> String {
    if case .spaces = self { return tokens.joined(separator: " ") }
    return apply(tokens).joined()
  }

  private func apply(_ tokens: [String]) -> [String] {
    switch self {
    case .spaces: return tokens.enumerated().map { $0 == 0 ? $1 : " " + $1 }
    case .sequence(let parts): return parts.reduce(tokens) { $1.apply($0) }
    case .wordPiece(let prefix, let cleans):
      return tokens.enumerated().map { i, token in
        let text =
          i == 0 ? token : token.utf8.starts(with: prefix.utf8) ? token.withoutPrefix(prefix) : " " + token
        return cleans ? Self.cleaned(text) : text
      }
    case .byteLevel:
      let bytes = tokens.flatMap { token -> [UInt8] in
        let known = token.unicodeScalars.map { ByteAlphabet.byte[$0] }
        return known.contains { $0 == nil } ? Array(token.utf8) : known.compactMap { $0 }
      }
      return [String(decoding: bytes, as: UTF8.self)]
    case .metaspace(let mark, let dropsFirst):
      return tokens.enumerated().map { i, token in
        let scalars = token.unicodeScalars.enumerated().compactMap { j, scalar -> Unicode.Scalar? in
          scalar != mark ? scalar : i == 0 && j == 0 && dropsFirst ? nil : " "
        }
        return String(String.UnicodeScalarView(scalars))
      }
    case .byteFallback:
      var (result, bytes) = ([String](), [UInt8]())
      func end() {
        guard !bytes.isEmpty else { return }
        if let text = String(validating: bytes, as: UTF8.self) {
          result.append(text)
        } else {
          result += bytes.map { _ in "\u{FFFD}" }
        }
        bytes = []
      }
      for token in tokens {
        if token.utf8.count == 6, token.hasPrefix("<0x"), token.hasSuffix(">"),
          let byte = UInt8(token.dropFirst(3).dropLast(), radix: 16)
        {
          bytes.append(byte)
        } else {
          end()
          result.append(token)
        }
      }
      end()
      return result
    case .fuse: return [tokens.joined()]
    case .replace(let old, let new):
      return tokens.map { Self.replaced($0, old, new) }
    case .strip(let content, let start, let stop):
      return tokens.map { token in
        var text = token.unicodeScalars[...]
        for _ in 0..<Swift.min(Swift.max(0, start), text.count) where text.first == content { text = text.dropFirst() }
        for _ in 0..<Swift.min(Swift.max(0, stop), text.count) where text.last == content { text = text.dropLast() }
        return String(text)
      }
    case .bpe(let suffix):
      return tokens.enumerated().map { i, token in
        Self.replaced(token, suffix, i == tokens.count - 1 ? "" : " ")
      }
    }
  }

  /// English without the spaces that splitting left.
  private static func cleaned(_ text: String) -> String {
    let pairs = [
      (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
      (" do not", " don't"),
      (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ]
    return pairs.reduce(text) { replaced($0, $1.0, $1.1) }
  }

  /// Replaces by scalars: as characters, a letter with a mark behind it would not be found.
  private static func replaced(_ text: String, _ old: String, _ new: String) -> String {
    let (scalars, letters) = (Array(text.unicodeScalars), Array(old.unicodeScalars))
    guard !letters.isEmpty, scalars.count >= letters.count else { return text }
    return TextPattern.letters(letters).pieces(scalars).reduce(into: "") { result, piece in
      if piece.isMatch { result += new } else { result.unicodeScalars.append(contentsOf: piece.text) }
    }
  }
}
