import Soma

/// Several families of edge functions side by side, of which every node learns one (activation-space-selectable KAN, Yang, Qin & Yu 2024,
/// arXiv 2408.08338): `Σ_s π_s Σ_r c_{s,r} b_{s,r}(x)` with weights π from trained logits.
///
/// In the phase `.full` the weights are the logits' softmax; in `.selective` one family is active in each pass, drawn by Gumbel noise with
/// a straight-through derivative in training and the likeliest otherwise. `FittedKAN.selectingFamilies` then keeps the likeliest.
public struct BasisPool: EdgeBasis {
  public enum Granularity: String, Sendable, Hashable, CaseIterable {
    /// One choice for each input of a layer, shared by its outgoing edges.
    case node
    case edge
    /// One choice for a whole layer.
    case layer
  }

  public enum Phase: Sendable, Hashable {
    case full
    case selective(temperature: Double)
    /// The likeliest family in every pass, without noise.
    case deterministic(temperature: Double)
    /// Selective, or deterministic, with temperatures that follow each other in equal parts of so many training steps: one training,
    /// whose optimizer keeps its state.
    case annealed(temperatures: [Double], steps: Int, isDeterministic: Bool)
  }

  public var families: [any EdgeBasis]
  public var granularity: Granularity
  public var phase: Phase

  /// B-splines, Gaussians, Chebyshev polynomials, Fourier terms, Mexican hats and powers, eight functions each.
  public static var standardFamilies: [any EdgeBasis] {
    [
      BSpline(range: -1.2...1.2), GaussianBasis(), ChebyshevBasis(), FourierBasis(), WaveletBasis(), TaylorBasis(),
    ]
  }

  public init(
    _ families: [any EdgeBasis] = BasisPool.standardFamilies, granularity: Granularity = .node, phase: Phase = .full
  ) {
    require(!families.isEmpty, "a pool has at least one family")
    self.families = families
    self.granularity = granularity
    self.phase = phase
  }

  public var name: String { families.map(\.name).joined(separator: ", ") }
  public var count: Int { families.reduce(0) { $0 + $1.count } }
  public var range: ClosedRange<Double> {
    families.map(\.range.lowerBound)
      .max()!...max(families.map(\.range.lowerBound).max()!, families.map(\.range.upperBound).min()!)
  }

  public func values(_ x: Tensor, _ scope: Scope) -> Tensor {
    .concatenate(families.enumerated().map { s, family in family.values(x, scope["family\(s)"]) }, axis: x.rank)
  }

  public func weighted(_ coefficients: Tensor, _ scope: Scope) -> Tensor {
    guard families.count > 1 else { return coefficients }
    let weights = weights(scope, inputs: coefficients.shape[0], outputs: coefficients.shape[2], coefficients.dtype)
    let family = families.enumerated().flatMap { s, family in [Int32](repeating: Int32(s), count: family.count) }
    return coefficients * weights.take(Tensor(family), axis: 1)
  }

  /// Families begin with deviation `0.3/√(inputs · count)` each.
  public var initializer: Initializer {
    let families = self.families
    return Initializer("pool") { shape, key, dtype in
      .concatenate(
        families.enumerated().map { s, family in
          Initializer.edgeCoefficients(0.3)(
            [shape[0], family.count, shape[2]], key: key.folding("family\(s)"), dtype: dtype)
        }, axis: 1)
    }
  }

  /// The logits' shape for a layer.
  func logitShape(inputs: Int, outputs: Int) -> Shape {
    switch granularity {
    case .node: [inputs, families.count]
    case .edge: [inputs, families.count, outputs]
    case .layer: [1, families.count]
    }
  }

  /// The weights of the families: `[i or 1, families, o or 1]`.
  private func weights(_ scope: Scope, inputs: Int, outputs: Int, _ dtype: DType) -> Tensor {
    let shape = logitShape(inputs: inputs, outputs: outputs)
    let logits = scope.parameter("selection", shape, .zeros, dtype: dtype)
    let all = logits.rank == 3 ? logits : logits.expandDimensions(at: 2)
    // Families last, as softmax wants them.
    let last = all.swappingAxes(1, 2)
    let chosen: Tensor
    // Training steps of an annealed selection so far.
    let taken = scope.state(Self.stepName, [1], .zeros, dtype: .float32)
    switch phase {
    case .full: chosen = last.softmax()
    case .selective(let temperature): chosen = drawn(last, Tensor(temperature, dtype: dtype), scope)
    case .deterministic(let temperature): chosen = Self.straightThrough(last * (1 / temperature))
    case .annealed(let temperatures, let steps, let isDeterministic):
      if scope.isTraining { scope.setState(Self.stepName, taken + 1) }
      let temperature = Self.temperature(taken.cast(to: dtype), temperatures, steps)
      chosen = isDeterministic ? Self.straightThrough(last / temperature) : drawn(last, temperature, scope)
    }
    return chosen.swappingAxes(1, 2)
  }

  /// The state that counts the steps of an annealed selection.
  public static let stepName = "selectionStep"

  /// One family, drawn by Gumbel noise in training, the likeliest otherwise.
  private func drawn(_ logits: Tensor, _ temperature: Tensor, _ scope: Scope) -> Tensor {
    guard scope.isTraining else { return Self.oneHot(logits) }
    let uniform = Tensor.uniform(logits.shape, low: 1e-7, high: 1, key: scope.key(), dtype: logits.dtype)
    return Self.straightThrough((logits - (-uniform.log()).log()) / temperature)
  }

  /// The temperature of a step: each for an equal part of the steps, the last one from then on.
  static func temperature(_ step: Tensor, _ temperatures: [Double], _ steps: Int) -> Tensor {
    temperatures.indices.dropFirst().reduce(Tensor.full(step.shape, temperatures[0], dtype: step.dtype)) { value, i in
      let begin = Double(steps * i) / Double(temperatures.count)
      return .select(step .>= begin, Tensor.full(step.shape, temperatures[i], dtype: step.dtype), value)
    }
  }

  static func oneHot(_ logits: Tensor) -> Tensor {
    logits.argMax(-1).oneHot(logits.shape.last, dtype: logits.dtype)
  }

  /// One-hot values with the softmax's derivative.
  static func straightThrough(_ logits: Tensor) -> Tensor {
    let soft = logits.softmax()
    return oneHot(logits).stopGradient() + soft - soft.stopGradient()
  }
}

/// A family of its own, or several, for each input of a layer: what is left of a `BasisPool` after the selection. Where edges chose for
/// themselves, an input has all families that one of its edges chose, and a mask keeps each edge to its own.
public struct MixedBasis: EdgeBasis {
  public var families: [any EdgeBasis]
  /// For each input, its families.
  public var choices: [[Int]]
  /// `[i, count, o]`, row-major; nil: every edge of an input uses all of the input's families.
  public var mask: [Double]?

  public init(_ families: [any EdgeBasis], choices: [[Int]], mask: [Double]? = nil) {
    require(
      choices.allSatisfy { !$0.isEmpty && $0.allSatisfy(families.indices.contains) },
      "every input has a family that exists")
    self.families = families
    self.choices = choices
    self.mask = mask
  }

  public var name: String {
    let used = Set(choices.flatMap { $0 }).sorted()
    return used.map { families[$0].name }.joined(separator: ", ")
  }
  public var count: Int { choices.map { $0.reduce(0) { $0 + families[$1].count } }.max()! }
  public var range: ClosedRange<Double> { BasisPool(families).range }

  public func values(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(x.shape.last == choices.count, "families were chosen for \(choices.count) inputs, not \(x.shape.last)")
    let groups = Dictionary(grouping: choices.indices, by: { choices[$0] }).sorted { $0.value[0] < $1.value[0] }
    var parts: [Tensor] = []
    for (chosen, inputs) in groups {
      let own = x.take(Tensor(inputs.map { Int32($0) }), axis: x.rank - 1)
      // One group's knots lie beside another's in the state.
      let inner = scope["inputs\(inputs[0])"]
      var values = chosen.map { families[$0].values(own, inner["family\($0)"]) }
      let missing = count - chosen.reduce(0) { $0 + families[$1].count }
      if missing > 0 { values.append(.zeros(Shape(own.shape.dimensions + [missing]), dtype: x.dtype)) }
      parts.append(values.count == 1 ? values[0] : .concatenate(values, axis: x.rank))
    }
    let order = groups.flatMap(\.value)
    guard order != Array(choices.indices) else { return .concatenate(parts, axis: x.rank - 1) }
    let place = choices.indices.map { i in Int32(order.firstIndex(of: i)!) }
    return Tensor.concatenate(parts, axis: x.rank - 1).take(Tensor(place), axis: x.rank - 1)
  }

  public func weighted(_ coefficients: Tensor, _ scope: Scope) -> Tensor {
    mask.map { coefficients * Tensor($0, shape: coefficients.shape).cast(to: coefficients.dtype) } ?? coefficients
  }
}

extension KAN {
  /// A network whose nodes learn the family of their edge functions. Layers without knowledge of their inputs' range squash them inside
  /// the families; `BasisPool` says more.
  public static func selectable(
    _ shape: [Int], pool: [any EdgeBasis] = BasisPool.standardFamilies, granularity: BasisPool.Granularity = .node
  ) -> KAN {
    KAN(shape, basis: BasisPool(pool, granularity: granularity))
  }

  /// The same network in another phase of its selection.
  public func selecting(_ phase: BasisPool.Phase) -> KAN {
    var result = self
    for l in layers.indices {
      guard var pool = layers[l].basis as? BasisPool else { continue }
      pool.phase = phase
      result.layers[l].basis = pool
    }
    return result
  }
}

/// The families that a layer's nodes prefer.
public struct FamilySelection: Sendable {
  public var families: [String]
  /// Softmax of the logits: `[choices][families]`; choices are inputs, edges (input by input), or the one of a layer.
  public var weights: [[Double]]
  /// The likeliest family of each choice; of equal ones the first.
  public var chosen: [Int] {
    weights.map { row in row.indices.max { row[$0] < row[$1] || (row[$0] == row[$1] && $0 > $1) }! }
  }
}

extension FittedKAN {
  /// What the nodes of a layer prefer; nil if the layer has a single family.
  public func selection(_ layer: Int) -> FamilySelection? {
    guard let pool = network.layers[layer].basis as? BasisPool, pool.families.count > 1 else { return nil }
    return pool.selection(variables.parameters["\(layer)/selection"]!)
  }

  /// The network with the preferred families only: an ordinary KAN with the same function once the selection is one-hot.
  /// - Parameter sharing: a second family is kept where its weight is at least half the largest.
  public func selectingFamilies(sharing: Bool = false) -> FittedKAN {
    var result = self
    for (l, layer) in network.layers.enumerated() {
      guard let pool = layer.basis as? BasisPool else { continue }
      let name = "\(l)/coefficients"
      let (basis, coefficients) = pool.selected(
        variables.parameters[name]!, logits: variables.parameters["\(l)/selection"], sharing: sharing)
      result.network.layers[l].basis = basis
      result.variables.parameters[name] = coefficients
      result.variables.parameters["\(l)/selection"] = nil
      result.variables.state = result.variables.state.filtered { !$0.hasPrefix("\(l)/family") }
    }
    // The kept families' knots, as they begin.
    let start = FittedKAN(result.network, key: Key(0), dtype: dtype)
    result.variables.state = start.variables.state.merging(
      result.variables.state.filtered { start.variables.state[$0] != nil })
    return result
  }
}

extension BasisPool {
  /// What logits prefer.
  public func selection(_ logits: Tensor) -> FamilySelection {
    let rows = logits.rank == 3 ? logits.swappingAxes(1, 2).reshape([-1, families.count]) : logits
    let soft = rows.softmax()
    return FamilySelection(
      families: families.map(\.name), weights: (0..<soft.shape[0]).map { soft[$0].doubles })
  }

  /// The basis that is left, and its coefficients out of all.
  func selected(_ coefficients: Tensor, logits: Tensor?, sharing: Bool) -> (MixedBasis, Tensor) {
    let (inputs, outputs) = (coefficients.shape[0], coefficients.shape[2])
    guard let logits, families.count > 1 else {
      return (MixedBasis(families, choices: [[Int]](repeating: [0], count: inputs)), coefficients)
    }
    let selection = selection(logits)
    func kept(_ choice: Int) -> [Int] {
      let row = selection.weights[choice]
      let best = selection.chosen[choice]
      guard sharing else { return [best] }
      let second = row.indices.filter { $0 != best && row[$0] >= row[best] / 2 }.max { row[$0] < row[$1] }
      return ([best] + (second.map { [$0] } ?? [])).sorted()
    }
    func ofEdge(_ i: Int, _ o: Int) -> [Int] {
      switch granularity {
      case .node: kept(i)
      case .edge: kept(i * outputs + o)
      case .layer: kept(0)
      }
    }
    let choices = (0..<inputs).map { i in Set((0..<outputs).flatMap { ofEdge(i, $0) }).sorted() }
    var basis = MixedBasis(families, choices: choices)
    let starts = families.indices.map { s in families[..<s].reduce(0) { $0 + $1.count } }
    var mask = [Double](repeating: 1, count: inputs * basis.count * outputs)
    var rows: [Int32] = []
    for i in 0..<inputs {
      var own: [Int32] = []
      for s in choices[i] {
        for r in 0..<families[s].count {
          for o in 0..<outputs where !ofEdge(i, o).contains(s) { mask[(i * basis.count + own.count) * outputs + o] = 0 }
          own.append(Int32(starts[s] + r))
        }
      }
      own += [Int32](repeating: 0, count: basis.count - own.count)
      rows += own
    }
    if granularity == .edge { basis.mask = mask }
    let index = Tensor(rows, shape: [inputs, basis.count, 1]).broadcast(to: [inputs, basis.count, outputs])
    return (basis, coefficients.takeAlong(index, axis: 1))
  }
}
