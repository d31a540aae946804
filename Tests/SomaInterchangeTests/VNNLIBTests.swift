import Foundation
import Soma
import SomaData
import Testing

@testable import SomaInterchange

@Suite struct VNNLIBTests {
  private func decode(_ text: String) throws -> VerificationProperty {
    try VNNLIB.decode(Array(text.utf8), file: "p.vnnlib")
  }

  private let declarations = """
    ; a network with two inputs and three outputs
    (declare-const X_0 Real)
    (declare-const X_1 Real)
    (declare-const Y_0 Real)
    (declare-const Y_1 Real)
    (declare-fun Y_2 () Real)

    """

  @Test func boxesAndConditionsAreRead() throws {
    let property = try decode(
      declarations + """
        (assert (>= X_0 -0.5)) (assert (<= X_0 5e-1))
        (assert (and (>= X_1 0.25) (<= X_1 0.75))) ; both
        ; unsafe if Y_0 is not the largest
        (assert (or (and (<= Y_0 Y_1)) (and (<= Y_0 Y_2))))
        """)
    #expect(property.inputCount == 2 && property.outputCount == 3)
    let cases = try property.cases()
    #expect(cases.count == 2)
    for (i, part) in cases.enumerated() {
      #expect(part.box.map(\.low) == [-0.5, 0.25] && part.box.map(\.high) == [0.5, 0.75])
      #expect(part.conditions.count == 1 && part.conditions[0].outputs == [0: 1, i + 1: -1])
    }
    #expect(property.isViolated(input: [0, 0.5], output: [1, 2, 0]))
    #expect(property.isViolated(input: [0, 0.5], output: [1, 0, 1]))
    #expect(!property.isViolated(input: [0, 0.5], output: [3, 2, 1]))
    #expect(!property.isViolated(input: [0.6, 0.5], output: [1, 2, 0]))
  }

  @Test func severalBoxesAreCases() throws {
    let property = try decode(
      declarations + """
        (assert (or
          (and (>= X_0 0) (<= X_0 1) (>= X_1 0) (<= X_1 1) (>= Y_0 10))
          (and (>= X_0 2) (<= X_0 3) (>= X_1 2) (<= X_1 3) (<= Y_0 -10))
          (and (>= X_0 5) (<= X_0 4) (>= X_1 2) (<= X_1 3) (<= Y_0 -10))))
        """)
    let cases = try property.cases()
    // The third box is empty.
    #expect(cases.map { $0.box[0].low } == [0, 2])
    #expect(cases[0].conditions[0].outputs == [0: -1] && cases[0].conditions[0].constant == 10)
  }

  @Test func linearTermsAndNegation() throws {
    let property = try decode(
      declarations + """
        (assert (<= (+ (* 2.0 Y_0) (- Y_1) 1 (* -0.5 2)) (- 3 Y_2)))
        (assert (not (> X_0 1.0)))
        (assert (= X_1 2))
        (assert (>= X_0 (- 1)))
        """)
    for (y, holds) in [([1.0, 0, 1], true), ([1, 0, 1.5], false), ([2, 1, 0], true), ([2, 0.9, 0], false)] {
      // 2 y0 - y1 + y2 <= 3
      #expect(property.isViolated(input: [1, 2], output: y) == holds, "\(y)")
    }
    #expect(!property.isViolated(input: [1.1, 2], output: [0, 0, 0]))
    #expect(!property.isViolated(input: [1, 2.1], output: [0, 0, 0]))
    let cases = try property.cases()
    #expect(cases.count == 1)
    #expect(cases[0].box.map(\.low) == [-1, 2] && cases[0].box.map(\.high) == [1, 2])
  }

  @Test func damagedFiles() {
    let refused: [(String, String)] = [
      ("(", "line 7: a parenthesis is not closed"), (")", "closes nothing"), ("X_0", "no command"),
      ("(())", "no command"),
      ("(check)", "not known"), ("(assert)", "one condition"), ("(assert X_0)", "parentheses"),
      ("(assert (<= X_0))", "two terms"), ("(assert (<= X_0 1 2))", "two terms"), ("(assert (<= X_0 nan))", "nan"),
      ("(assert (<= X_0 inf))", "inf"), ("(assert (<= X_0 0x1p3))", "0x1p3"), ("(assert (<= X_0 X_7))", "X_7"),
      ("(assert (<= X_0 (* X_0 X_1)))", "not linear"), ("(assert (<= X_0 (sin X_1)))", "sin"),
      ("(assert (<= X_0 ()))", "term is expected"), ("(assert (xor (<= X_0 1)))", "xor"),
      ("(assert (not))", "one condition"),
      ("(declare-const X_0 Real)", "twice"), ("(declare-const Z_0 Real)", "neither"),
      ("(declare-const X_a Real)", "neither"),
      ("(declare-const X_-1 Real)", "neither"), ("(declare-const X_99999999999999999999 Real)", "neither"),
      ("(declare-const X_5 Real)", "gaps"), ("(declare-const Y_3 Int)", "Real"),
      ("(declare-fun Y_3 (Real) Real)", "Real"),
      ("\u{0}", "control character"), ("(set-info \"open", "does not end"),
      (String(repeating: "(", count: 100_000), "too deep"),
    ]
    for (text, message) in refused {
      let error = #expect(throws: DataError.self) { try decode(declarations + text) }
      let line = error.map(\.description) ?? ""
      #expect(line.hasPrefix("p.vnnlib") && line.contains(message), "\(text.prefix(60)): \(line)")
      #expect(!line.contains("\n") && line.count < 300)
    }
  }

  @Test func casesAreBounded() throws {
    let open = try decode(declarations + "(assert (<= X_0 1))")
    let error = #expect(throws: DataError.self) { try open.cases() }
    #expect(error?.description.contains("X_0 has no finite limits") ?? false)
    // Two to the power of 40 cases.
    let choice = "(assert (or (<= Y_0 1) (<= Y_1 1)))"
    let many = try decode(declarations + String(repeating: choice, count: 40))
    #expect(throws: DataError.self) { try many.cases() }
    #expect(many.isViolated(input: [0, 0], output: [0, 5, 5]))
  }

  @Test func changedBytes() {
    let text =
      declarations + "(assert (or (and (>= X_0 0) (<= X_0 1) (>= X_1 0) (<= X_1 (+ 1 (* 2 3)))) (not (< Y_0 (- Y_1)))))"
    var errors: [String] = []
    for _ in 0..<5 {
      errors += Resource.errors(Array(text.utf8)) { bytes in _ = try VNNLIB.decode(bytes, file: "x").cases() }
    }
    #expect(errors.count > 200)
    for error in errors { #expect(!error.contains("\n") && error.count < 300, "\(error)") }
  }
}
