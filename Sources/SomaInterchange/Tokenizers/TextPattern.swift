import Foundation
import SomaData

/// What a tokenizer looks for in a text: fixed letters or a regular expression.
enum TextPattern: @unchecked Sendable {
  case letters([Unicode.Scalar])
  // Immutable and safe to use from several threads, by its documentation.
  case expression(NSRegularExpression)
  case predicate(@Sendable (Unicode.Scalar) -> Bool)

  init(_ json: JSONReader) throws {
    if let text = json.object["String"]?.text {
      guard !text.isEmpty else { throw json.fault("the pattern is empty") }
      self = .letters(Array(text.unicodeScalars))
      return
    }
    let text = try json.text("Regex")
    guard text.utf8.count <= 4096, let expression = try? NSRegularExpression(pattern: text) else {
      throw json.fault("the regular expression \(quoted(text)) is not understood")
    }
    self = .expression(expression)
  }

  struct Piece {
    var text: ArraySlice<Unicode.Scalar>
    var isMatch: Bool
  }

  /// The text cut at matches; no piece is empty.
  func pieces(_ text: [Unicode.Scalar]) -> [Piece] {
    var pieces = [Piece]()
    var start = 0
    func cut(_ from: Int, _ to: Int) {
      if from > start { pieces.append(Piece(text: text[start..<from], isMatch: false)) }
      if to > from { pieces.append(Piece(text: text[from..<to], isMatch: true)) }
      start = to
    }
    switch self {
    case .letters(let letters):
      var i = 0
      while i + letters.count <= text.count {
        if text[i] == letters[0], text[i..<i + letters.count].elementsEqual(letters) {
          cut(i, i + letters.count)
          i += letters.count
        } else {
          i += 1
        }
      }
    case .predicate(let holds):
      for (i, scalar) in text.enumerated() where holds(scalar) { cut(i, i + 1) }
    case .expression(let expression):
      let string = String(String.UnicodeScalarView(text))
      // Places in UTF-16, in which the expression counts, as places of scalars.
      var places = [Int]()
      places.reserveCapacity(text.count + 1)
      for (i, scalar) in text.enumerated() {
        places.append(i)
        if scalar.value > 0xFFFF { places.append(i) }
      }
      places.append(text.count)
      // An expression that backtracks without end is given up; the rest of the text then has no match.
      let limit = ContinuousClock.now + .seconds(2)
      let whole = NSRange(location: 0, length: places.count - 1)
      expression.enumerateMatches(in: string, options: .reportProgress, range: whole) { match, _, stop in
        if let range = match?.range {
          cut(places[range.location], places[range.location + range.length])
        } else if ContinuousClock.now > limit {
          stop.pointee = true
        }
      }
    }
    cut(text.count, text.count)
    return pieces
  }
}
