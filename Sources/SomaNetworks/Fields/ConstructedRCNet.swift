import Foundation
import Soma

/// What keeps a repeated composition from being constructed.
public struct CompositionError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
}

extension RepeatedComposition {
  /// How the signs of a function's steps are written into the digits of two numbers.
  public enum DigitBase: Int, Sendable, Hashable {
    /// One bit a digit, read by a steep ramp of slope `2ʳ`.
    case two = 2
    /// Two bits a digit, read by a ramp of slope 6: weights stay bounded.
    case four = 4

    /// Digits that double precision holds exactly.
    public var limit: Int { self == .two ? 50 : 26 }
  }

  /// A network of fixed size that, repeated `compositions` times, follows a continuous function on `[0, 1]`, within
  /// `ω(1/r) + ε/2` with `ε` the largest step between neighbouring samples: the signs of the steps stand in the digits of two numbers,
  /// of which one digit is read each time. After the idea of Zhang, Lu & Zhao 2023 (arXiv 2301.12353); this construction is simpler.
  /// - Throws: `CompositionError` if the samples are not finite, or need more digits than double precision has.
  public static func constructed(
    _ f: (Double) -> Double, compositions r: Int, base: DigitBase = .two
  ) throws(CompositionError) -> (network: RepeatedComposition, parameters: Parameters) {
    guard r >= 1 else { throw CompositionError(description: "a construction takes at least one composition, not \(r)") }
    let samples = (0...r).map { f(Double($0) / Double(r)) }
    let (plus, minus, step) = try codes(samples, digits: r, base: base)
    // z, θ⁺, θ⁻, s
    var circuit = ReLUCircuit(inputs: 4, nonNegative: [1, 2])
    let (z, s) = (circuit.input(0), circuit.input(3))
    let inCell = circuit.clamp(z)
    let up = circuit.digit(circuit.input(1), digits: r, base: base)
    let down = circuit.digit(circuit.input(2), digits: r, base: base)
    let outputs = [
      z - 1, circuit.input(1) * Double(base.rawValue) - up, circuit.input(2) * Double(base.rawValue) - down,
      s + circuit.and(inCell, up) - circuit.and(inCell, down),
    ]
    let (g, inner) = circuit.layers(outputs, path: "g")
    var parameters = inner
    parameters["in/weight"] = Tensor([Double(r), 0, 0, 0], shape: [1, 4])
    parameters["in/bias"] = Tensor([0, plus, minus, 0])
    parameters["out/weight"] = Tensor([0, 0, 0, step], shape: [4, 1])
    parameters["out/bias"] = Tensor([samples[0]])
    return (RepeatedComposition(g, times: r, state: 4), parameters)
  }

  /// The same for a function on `[0, 1]²`: cells of a `K × K` grid are visited in snake order, so that neighbours in the order are
  /// neighbours in the plane. Between cells, in strips of total width `2 K η`, the error is bounded by the function's range only.
  /// - Throws: `CompositionError`
  public static func constructed(
    side k: Int, transition eta: Double = 1e-3, base: DigitBase = .two, _ f: (Double, Double) -> Double
  ) throws(CompositionError) -> (network: RepeatedComposition, parameters: Parameters) {
    guard k >= 2 else { throw CompositionError(description: "a grid has at least 2 cells a side, not \(k)") }
    let r = k * k
    let samples = (0..<r).map { rank in
      let row = rank / k
      let column = row % 2 == 0 ? rank % k : k - 1 - rank % k
      return f((Double(column) + 0.5) / Double(k), (Double(row) + 0.5) / Double(k))
    }
    let (plus, minus, step) = try codes(samples, digits: r - 1, base: base)
    // z₁, z₂, c₁, c₂, p, u, w, θ⁺, θ⁻, s
    var circuit = ReLUCircuit(inputs: 10, nonNegative: [2, 3, 4, 7, 8])
    let state = (0..<10).map { circuit.input($0) }
    let (z1, z2, c1, c2, p, u, w) = (state[0], state[1], state[2], state[3], state[4], state[5], state[6])
    let counts = circuit.clamp(u)
    let reads = circuit.clamp(u * -1)
    let indexes = circuit.relu(1 - circuit.relu(u) - circuit.relu(u * -1))
    let a1 = circuit.and(circuit.clamp(z1 * (1 / eta)), counts)
    let a2 = circuit.and(circuit.clamp(z2 * (1 / eta)), counts)
    let parity = circuit.relu(p - a2) + circuit.relu(a2 - p)
    let (cells, last) = (Double(k), Double(k - 1))
    let forward = circuit.relu(c1 - p * cells)
    let backward = circuit.relu(last - c1 - (1 - p) * cells)
    let rank = c2 * cells + forward + backward
    let rankNow = circuit.relu(rank - (1 - indexes) * Double(r))
    let isOn = circuit.clamp(w)
    var thetas: [ReLUCircuit.Term] = []
    var steps: [ReLUCircuit.Term] = []
    for i in [7, 8] {
      let digit = circuit.digit(state[i], digits: r, base: base)
      steps.append(circuit.and(isOn, digit, reads))
      // Shifted on while reading, kept otherwise.
      let change = state[i] * Double(base.rawValue - 1) - digit
      let gate = (1 - reads) * Double(base.rawValue)
      thetas.append(state[i] + circuit.relu(change - gate) - circuit.relu(change * -1 - gate))
    }
    let outputs = [
      z1 - 1, z2 - 1, c1 + a1, c2 + a2, parity, u - 1, w - reads + rankNow, thetas[0], thetas[1],
      state[9] + steps[0] - steps[1],
    ]
    let (g, inner) = circuit.layers(outputs, path: "g")
    var parameters = inner
    var weight = [Double](repeating: 0, count: 20)
    weight[0] = cells
    weight[11] = cells
    parameters["in/weight"] = Tensor(weight, shape: [2, 10])
    parameters["in/bias"] = Tensor([-1, -1, 0, 0, 0, last, 0, plus, minus, 0])
    var out = [Double](repeating: 0, count: 10)
    out[9] = step
    parameters["out/weight"] = Tensor(out, shape: [10, 1])
    parameters["out/bias"] = Tensor([samples[0]])
    return (RepeatedComposition(g, times: (k - 1) + 1 + (r - 1), state: 10), parameters)
  }

  /// The two codes of a sequence: where its rounded values rise and where they fall; and the size of a step.
  static func codes(
    _ samples: [Double], digits: Int, base: DigitBase
  ) throws(CompositionError) -> (plus: Double, minus: Double, step: Double) {
    guard digits <= base.limit else {
      throw CompositionError(
        description:
          "\(digits) digits of base \(base.rawValue) do not fit double precision, which holds \(base.limit) exactly")
    }
    guard samples.allSatisfy(\.isFinite) else { throw CompositionError(description: "a sample is not finite") }
    let step = zip(samples, samples.dropFirst()).map { abs($1 - $0) }.max() ?? 0
    guard step > 0 else { return (0, 0, 0) }
    let rounded = samples.map { (($0 - samples[0]) / step).rounded() }
    var (plus, minus) = (0.0, 0.0)
    for k in 0..<digits {
      let place = Foundation.pow(Double(base.rawValue), -Double(k + 1))
      let change = rounded[k + 1] - rounded[k]
      require(abs(change) <= 1, "neighbouring samples differ by at most a step")
      if change > 0 { plus += place }
      if change < 0 { minus += place }
    }
    return (plus, minus, step)
  }
}

extension ReLUCircuit {
  /// The first digit of a number below 1: 0 or 1.
  mutating func digit(_ theta: Term, digits: Int, base: RepeatedComposition.DigitBase) -> Term {
    switch base {
    case .two:
      let steep = Foundation.pow(2, Double(digits))
      return clamp((theta - 0.5) * steep + 1)
    case .four: return clamp(theta * 6 - 0.5)
    }
  }
}
