import Soma

/// Several experts, of which a router chooses `topK` for every token: `y = Σ_{e ∈ top} g_e · expert_e(t)`, `g` the chosen ones of
/// `softmax(t W)` scaled to sum to 1 (Shazeer et al. 2017, arXiv 1701.06538).
///
/// Without a capacity every expert computes every token, and those that were not chosen count zero: exact, and as fast as tokens are
/// few. With one, each expert gathers its tokens, of which at most so many are kept, those with the largest weight first.
/// - Shape: `[..., d]` → `[..., d']`
public struct MixtureOfExperts: Layer {
  /// What keeps the router from choosing always the same.
  public enum Balance: Sendable, Hashable {
    case none
    /// `E · Σ_e f_e P_e`: the share of first choices times the mean probability (Fedus, Zoph, Shazeer 2021, arXiv 2101.03961).
    case load
    /// `E² · mean_e(f_e P_e)`, and what becomes of the second expert (Lepikhin et al. 2020, arXiv 2006.16668).
    case topTwo(SecondExpert)
  }

  public enum SecondExpert: Sendable, Hashable {
    case all, none
    /// Kept where its weight exceeds so much.
    case threshold(Double)
    /// Kept with probability `min(1, weight / limit)` in training.
    case random(limit: Double)
  }

  public var experts: [any Layer]
  public var topK: Int
  public var balance: Balance
  /// The tokens an expert takes, as a factor of `tokens · topK / experts`; nil: all.
  public var capacity: Double?

  public init(experts: [any Layer], topK: Int = 2, balance: Balance = .none, capacity: Double? = nil) {
    require(
      !experts.isEmpty && (1...experts.count).contains(topK), "\(topK) of \(experts.count) experts cannot be chosen")
    require(capacity == nil || capacity! > 0, "a capacity is positive")
    self.experts = experts
    self.topK = topK
    self.balance = balance
    self.capacity = capacity
  }

  /// Router and weights of the experts, `[n, experts]` both: probabilities, and what each expert counts.
  func route(_ tokens: Tensor, _ scope: Scope) -> (probabilities: Tensor, weights: Tensor) {
    let router = scope.parameter("router", [tokens.shape[1], experts.count], .lecunNormal, dtype: tokens.dtype)
    let p = tokens.matmul(router).softmax()
    var isChosen = Tensor.zeros(like: p)
    var rest = p
    for k in 0..<topK {
      // Of equal ones the first wins.
      var choice = rest.argMax(-1).oneHot(experts.count, dtype: p.dtype)
      rest = rest - choice * 2
      if k == 1, case .topTwo(let second) = balance { choice = choice * keeps(second, p, choice, scope) }
      isChosen = isChosen + choice
    }
    isChosen = isChosen.stopGradient()
    let kept = p * isChosen
    return (p, kept / kept.sum([1], keepsAxes: true))
  }

  private func keeps(_ second: SecondExpert, _ p: Tensor, _ choice: Tensor, _ scope: Scope) -> Tensor {
    let value = (p * choice).sum([1], keepsAxes: true)
    let best = p.max([1], keepsAxes: true)
    let weight = value / (value + best)
    switch second {
    case .all: return Tensor.ones(like: weight)
    case .none: return Tensor.zeros(like: weight)
    case .threshold(let limit): return (weight .> limit).cast(to: p.dtype)
    case .random(let limit):
      guard scope.isTraining else { return Tensor.ones(like: weight) }
      let u = Tensor.uniform(weight.shape, key: scope.key(), dtype: p.dtype)
      return (u .< weight * (1 / limit)).cast(to: p.dtype)
    }
  }

  /// The balance loss: 1 for uniform routing, the number of experts if one takes all.
  public func balanceLoss(_ probabilities: Tensor) -> Tensor {
    let count = Double(experts.count)
    let first = probabilities.argMax(-1).oneHot(experts.count, dtype: probabilities.dtype).mean([0]).stopGradient()
    return (first * probabilities.mean([0])).sum() * count
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let width = x.shape.last
    let tokens = x.reshape([-1, width])
    let (p, weights) = route(tokens, scope)
    if balance != .none { scope.penalize("balance", balanceLoss(p)) }
    scope.observe("routing", weights)
    let n = tokens.shape[0]
    var y: Tensor?
    let kept = capacity.map { min(n, max(4, Int(($0 * Double(n * topK) / Double(experts.count)).rounded(.down)))) }
    for (e, expert) in experts.enumerated() {
      let own = weights[.all, e]
      let part: Tensor
      if let kept {
        let places = own.topK(kept).indices
        let chosen = tokens.take(places, axis: 0)
        let result = expert(chosen, scope["expert\(e)"]) * own.take(places, axis: 0).expandDimensions(at: 1)
        part = Tensor.zeros([n, result.shape[1]], dtype: result.dtype).scatterAdding(result, at: places, axis: 0)
      } else {
        part = expert(tokens, scope["expert\(e)"]) * own.expandDimensions(at: 1)
      }
      y = y.map { $0 + part } ?? part
    }
    return y!.reshape(Shape(x.shape.dimensions.dropLast() + [y!.shape[1]]))
  }

  /// Operations for a token if only the chosen experts computed it, and parameters of all.
  public func activeCost(width: Int) -> (operations: Int, parameters: Int) {
    let costs = experts.map { expert -> Int in
      let variables = expert.initialized(for: [1, width], key: Key(0))
      let graph = Graph(tracing: [TensorType(shape: [1, width], dtype: .float32)]) { [expert.apply(variables, $0[0])] }
      return graph.cost().total.operations
    }
    let largest = costs.sorted(by: >).prefix(topK).reduce(0, +)
    return (largest + 2 * width * experts.count, parameterCount(for: [1, width]))
  }

  /// How the router uses the experts on tokens `[n, d]`: the mean weight of each, and the entropy of the means in nats.
  public func routing(_ variables: Variables, on tokens: Tensor) -> (usage: [Double], entropy: Double) {
    let usage = route(tokens.reshape([-1, tokens.shape.last]), Scope(variables)).weights.mean([0])
    let p = usage + 1e-12
    return (usage.doubles, -(p * p.log()).sum().scalar)
  }
}
