import Soma

/// A gate between 0 and 1 that multiplies its own input.
public enum SelfGate: String, Sendable, Hashable, CaseIterable {
  /// `arctan(x)/π + ½`
  case arctan
  /// The standard normal distribution function
  case normal
  /// `σ(x)`
  case sigmoid

  /// The gate in the grammar of activations. The arctan's left half is written without the difference that would cancel.
  var formula: String {
    switch self {
    case .arctan: "where(x<-1, -atan(1/min(x,-1))/pi, atan(x)/pi+0.5)"
    case .normal: "normcdf(x)"
    case .sigmoid: "sigmoid(x)"
    }
  }

  /// `x g(x)`
  var gated: String { "x*(\(formula))" }
  /// `x (g(x)(1 + 2α) - α)`, `α` being `range`
  var expanded: String { "x*((\(formula))*(1+2*range)-range)" }

  fileprivate var name: String {
    switch self {
    case .arctan: "atlu"
    case .normal: "gelu"
    case .sigmoid: "silu"
    }
  }
}

extension Activation {
  /// `x (arctan(x)/π + ½)`; it tends to -1/π on the left (Huang 2024, arXiv 2405.20768).
  public static let atlu = selfGated(.arctan)
  /// `atlu` with an expanded gate.
  public static let xatlu = expanded(SelfGate.arctan)
  /// GELU with an expanded gate.
  public static let xgelu = expanded(SelfGate.normal)
  /// SiLU with an expanded gate.
  public static let xsilu = expanded(SelfGate.sigmoid)

  /// `x g(x)`
  public static func selfGated(_ gate: SelfGate) -> Activation {
    try! parse(gate.gated, name: gate.name)
  }

  /// `x (g(x)(1 + 2α) - α)`: the gate's range widened to `(-α, 1 + α)`, with one trained `α` for each layer (Huang 2024, arXiv
  /// 2405.20768). `α = 0` is the activation itself, `α = -½` is `x/2`.
  public static func expanded(_ gate: SelfGate, by alpha: Double = 0, isTrained: Bool = true) -> Activation {
    try! parse(
      gate.expanded, "range=\(alpha):\(isTrained ? "trained:per-layer" : "fixed")",
      name: "x" + gate.name)
  }

  /// The gate alone, `g(x)(1 + 2α) - α`.
  public static func gate(_ gate: SelfGate, expandedBy alpha: Double = 0, isTrained: Bool = false) -> Activation {
    try! parse(
      "(\(gate.formula))*(1+2*range)-range", "range=\(alpha):\(isTrained ? "trained:per-layer" : "fixed")",
      name: "gate-\(gate.rawValue)")
  }

  /// The expanded form of a self-gated activation.
  /// - Throws: `ActivationError` if it is none of `atlu`, `gelu`, `silu` and their like.
  public static func expanded(_ activation: Activation) throws(ActivationError) -> Activation {
    for gate in SelfGate.allCases where activation.name == gate.name { return expanded(gate, by: 0) }
    throw .unsuitableKind(
      activation.name,
      wanted: "one of the self-gated activations \(SelfGate.allCases.map(\.name).joined(separator: ", "))")
  }
}

extension GatedFeedForward {
  /// A gated layer with one of the self-gates: of first order `g(a) ⊙ u`, of second order `a g(a) ⊙ u`; expanded or not (Huang
  /// 2024, arXiv 2405.20768). Take two thirds of a plain layer's width for equal parameters.
  public init(hidden: Int, gate: SelfGate, order: Int, isExpanded: Bool, usesBias: Bool = false) {
    require(order == 1 || order == 2, "a gated layer is of first or second order, not \(order)")
    let activation: Activation =
      switch (order, isExpanded) {
      case (1, false): .gate(gate)
      case (1, _): .gate(gate, isTrained: true)
      case (_, false): .selfGated(gate)
      default: .expanded(gate)
      }
    self.init(hidden: hidden, gate: activation, usesBias: usesBias)
  }
}
