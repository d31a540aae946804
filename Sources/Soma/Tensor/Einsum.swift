extension Tensor {
  /// Einstein summation, NumPy's notation: `einsum("bij,bjk->bik", a, b)`. Without `->` the output has the letters that
  /// occur once, in alphabetical order. `...` stands for broadcast batch axes.
  public static func einsum(_ equation: String, _ operands: Tensor...) -> Tensor { einsum(equation, operands) }

  public static func einsum(_ equation: String, _ operands: [Tensor]) -> Tensor {
    let text = equation.filter { $0 != " " }
    let sides = text.components(around: "->")
    var terms = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    require(terms.count == operands.count, "einsum \(equation): \(terms.count) terms, \(operands.count) operands")

    // Digits stand for the axes of an ellipsis, aligned at the right.
    var ellipsisRank = 0
    for (term, operand) in zip(terms, operands) where term.contains("...") {
      ellipsisRank = Swift.max(ellipsisRank, operand.rank - (term.count - 3))
    }
    let names = (0..<ellipsisRank).map { Character(UnicodeScalar(UInt8(48 + $0))) }
    for i in terms.indices where terms[i].contains("...") {
      let own = operands[i].rank - (terms[i].count - 3)
      require(own >= 0, "einsum \(equation): operand \(i) has too few axes")
      terms[i] = terms[i].replacingEllipsis(with: String(names.suffix(own)))
    }
    let output: [Character]
    if sides.count > 1 {
      output = Array(sides[1].replacingEllipsis(with: String(names)))
    } else {
      let letters = terms.joined()
      let once = Set(letters).filter { letter in !letter.isNumber && letters.filter { $0 == letter }.count == 1 }
      output = names + once.sorted()
    }

    var factors: [(tensor: Tensor, letters: [Character])] = []
    for (i, (term, operand)) in zip(terms, operands).enumerated() {
      require(term.count == operand.rank, "einsum \(equation): operand \(i) has shape \(operand.shape)")
      factors.append(takingDiagonals(operand, Array(term)))
    }
    var result = factors[0]
    for i in 1..<Swift.max(1, factors.count) where i < factors.count {
      let later = Set(factors[(i + 1)...].flatMap(\.letters)).union(output)
      result = contract(result, factors[i], keeping: later)
    }
    let summed = result.letters.indices.filter { !output.contains(result.letters[$0]) }
    if !summed.isEmpty {
      result = (result.tensor.sum(summed), result.letters.filter { output.contains($0) })
    }
    require(
      Set(output) == Set(result.letters) && output.count == result.letters.count,
      "einsum \(equation): the output names \(String(output)) from axes \(String(result.letters))")
    return result.tensor.transposed(output.map { result.letters.firstIndex(of: $0)! })
  }

  private static func takingDiagonals(_ tensor: Tensor, _ letters: [Character]) -> (Tensor, [Character]) {
    var (tensor, letters) = (tensor, letters)
    while let second = letters.indices.first(where: { letters[..<$0].contains(letters[$0]) }) {
      let first = letters.firstIndex(of: letters[second])!
      let letter = letters[second]
      tensor = tensor.movingAxis(second, to: -1)
      tensor = tensor.movingAxis(first, to: -2).diagonal()
      letters.remove(at: second)
      letters.remove(at: first)
      letters.append(letter)
    }
    return (tensor, letters)
  }

  private static func contract(
    _ a: (tensor: Tensor, letters: [Character]), _ b: (tensor: Tensor, letters: [Character]), keeping: Set<Character>
  ) -> (Tensor, [Character]) {
    let dtype = DType.promote(a.tensor.dtype, b.tensor.dtype)
    var (x, y) = (a, b)
    // Letters that occur here alone and nowhere later are summed first.
    for (own, other) in [(0, y.letters), (1, x.letters)] {
      let side = own == 0 ? x : y
      let lonely = side.letters.indices.filter {
        !other.contains(side.letters[$0]) && !keeping.contains(side.letters[$0])
      }
      guard !lonely.isEmpty else { continue }
      let rest = side.letters.indices.filter { !lonely.contains($0) }.map { side.letters[$0] }
      if own == 0 { x = (x.tensor.sum(lonely), rest) } else { y = (y.tensor.sum(lonely), rest) }
    }
    let shared = x.letters.filter { y.letters.contains($0) }
    // An axis of length 1 against a longer one broadcasts, which a product cannot express: stretch it.
    for letter in shared {
      let (i, j) = (x.letters.firstIndex(of: letter)!, y.letters.firstIndex(of: letter)!)
      let n = Swift.max(x.tensor.shape[i], y.tensor.shape[j])
      x.tensor = x.tensor.broadcast(to: x.tensor.shape.replacing(axis: i, with: n))
      y.tensor = y.tensor.broadcast(to: y.tensor.shape.replacing(axis: j, with: n))
    }
    let batch = shared.filter { keeping.contains($0) }
    let contracted = shared.filter { !keeping.contains($0) }
    let dot = Dot(
      leftBatch: batch.map { x.letters.firstIndex(of: $0)! }, rightBatch: batch.map { y.letters.firstIndex(of: $0)! },
      leftContracted: contracted.map { x.letters.firstIndex(of: $0)! },
      rightContracted: contracted.map { y.letters.firstIndex(of: $0)! })
    let inner = dtype.forProducts
    let result = emit(.dot(dot), x.tensor.cast(to: inner), y.tensor.cast(to: inner)).cast(to: dtype)
    return (result, batch + x.letters.filter { !shared.contains($0) } + y.letters.filter { !shared.contains($0) })
  }
}

extension String {
  fileprivate func components(around separator: String) -> [String] {
    guard let range = firstRange(of: separator) else { return [self] }
    return [String(self[..<range.lowerBound]), String(self[range.upperBound...])]
  }

  fileprivate func replacingEllipsis(with text: String) -> String {
    components(around: "...").joined(separator: text)
  }
}
