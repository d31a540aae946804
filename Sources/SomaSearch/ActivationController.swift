import Foundation
import Soma
import SomaData
import SomaLearning
import SomaNetworks

/// A recurrent network that writes expressions, operator by operator, and is trained to write better ones: an LSTM whose sampled token is
/// its next input (Zoph & Le 2017, arXiv 1611.01578), by proximal policy optimization (Schulman et al. 2017, arXiv 1707.06347).
public struct ActivationController {
  public struct Settings: Sendable, Hashable {
    public var hidden = 100
    public var embedding = 32
    /// Candidates between two updates.
    public var batch = 8
    /// Passes over a batch.
    public var passes = 4
    public var learningRate = 3.5e-4
    /// How far the ratio of new to old probability may go from 1.
    public var clip = 0.2
    public var entropyBonus = 1e-4
    /// How much of the baseline stays at each update.
    public var baselineDecay = 0.9

    public init() {}
  }

  public struct Sample: Sendable {
    public let expression: ActivationExpression
    /// One choice for each slot.
    let tokens: [Int]
    let logProbability: Double
  }

  /// What is chosen in a slot.
  private enum Slot: Sendable {
    case operand(unit: Int), unary, binary
  }

  private let space: ActivationSearchSpace
  private let settings: Settings
  private let slots: [Slot]
  private let counts: [Int]
  private let optimizer = Adam()
  private var parameters: Parameters
  private var state: OptimizerState
  private var baseline: Double?
  private var key: Key
  private let step: CompiledFunction<[Tensor], [Tensor]>
  private let scores: CompiledFunction<[Tensor], [Tensor]>

  public init(_ space: ActivationSearchSpace, settings: Settings = Settings(), seed: UInt64) {
    self.space = space
    self.settings = settings
    let slots = (0..<space.coreUnits).flatMap { unit -> [Slot] in
      unit == 0 ? [.unary, .unary, .binary] : [.operand(unit: unit), .unary, .operand(unit: unit), .unary, .binary]
    }
    self.slots = slots
    counts = slots.map { slot in
      switch slot {
      case .operand(let unit): unit + 1
      case .unary: space.unary.count
      case .binary: space.binary.count
      }
    }
    key = Key(Int(truncatingIfNeeded: seed)).folding("activation controller")
    let (h, e) = (settings.hidden, settings.embedding)
    // One embedding for each choice of each slot, and one to begin with.
    let vocabulary = counts.reduce(1, +)
    func start(_ shape: Shape, _ name: String) -> (String, Tensor) {
      (name, Initializer.uniform(0.08)(shape, key: Key(Int(truncatingIfNeeded: seed)).folding(name), dtype: .float32))
    }
    var all = [
      start([vocabulary, e], "embedding"), start([e, 4 * h], "input"), start([h, 4 * h], "recurrent"),
      ("bias", Tensor.zeros([4 * h])),
    ]
    for (i, count) in counts.enumerated() {
      all.append(start([h, count], "head\(i)"))
      all.append(("headBias\(i)", Tensor.zeros([count])))
    }
    parameters = Parameters(all)
    state = optimizer.initialState(parameters)
    let (template, sizes) = (parameters, counts)
    // Log-probabilities of all choices of all slots, for given tokens: [batch, slots] → a tensor [batch, count] for each slot.
    func logits(_ parameters: Parameters, _ tokens: Tensor) -> [Tensor] {
      let batch = tokens.shape[0]
      var hidden = Tensor.zeros([batch, h])
      var cell = Tensor.zeros([batch, h])
      var token = Tensor.zeros([batch], dtype: .int32)
      var offset = 1
      return sizes.enumerated().map { i, count in
        let x = parameters["embedding"]!.take(token)
        let gates = x.matmul(parameters["input"]!) + hidden.matmul(parameters["recurrent"]!) + parameters["bias"]!
        let parts = gates.split(4, axis: 1)
        cell = (parts[1] + 1).logistic() * cell + parts[0].logistic() * parts[2].tanh()
        hidden = parts[3].logistic() * cell.tanh()
        let result = (hidden.matmul(parameters["head\(i)"]!) + parameters["headBias\(i)"]!).logSoftmax()
        token = tokens[.all, i] + Int32(offset)
        offset += count
        return result
      }
    }
    func chosen(_ all: [Tensor], _ tokens: Tensor) -> Tensor {
      all.enumerated().map { i, values in
        values.takeAlong(tokens[.all, i].expandDimensions(at: 1), axis: 1).squeezed([1])
      }
      .reduce(Tensor.zeros([tokens.shape[0]]), +)
    }
    let count = template.count
    scores = compile { input in
      logits(template.replacingLeaves(Array(input.prefix(count))), input[count])
    }
    let (clip, bonus) = (settings.clip, settings.entropyBonus)
    step = compile { input in
      let (tokens, old, advantage) = (input[count], input[count + 1], input[count + 2])
      return grad { (parameters: Parameters) in
        let all = logits(parameters, tokens)
        let ratio = (chosen(all, tokens) - old).exp()
        let gain = (ratio * advantage).minimum(ratio.clipped(1 - clip, 1 + clip) * advantage).mean()
        let entropy = all.map { -($0.exp() * $0).sum([1]).mean() }.reduce(Tensor(Float(0)), +)
        return -(gain + entropy * bonus)
      }(template.replacingLeaves(Array(input.prefix(count)))).leaves
    }
  }

  /// Draws expressions.
  public mutating func sample(_ count: Int) -> [Sample] {
    var tokens = [[Int32]](repeating: [Int32](repeating: 0, count: slots.count), count: count)
    var logs = [Double](repeating: 0, count: count)
    for slot in slots.indices {
      let input = Tensor(tokens.flatMap { $0 }, shape: [count, slots.count])
      let values = scores(parameters.leaves + [input])[slot]
      let (next, own) = (key.folding(1), key.folding(2))
      key = next
      let drawn: [Int32] = Tensor.categorical(logits: values, key: own).array()
      let all = values.doubles
      for i in 0..<count {
        tokens[i][slot] = drawn[i]
        logs[i] += all[i * counts[slot] + Int(drawn[i])]
      }
    }
    return (0..<count).map { i in
      let choices = tokens[i].map(Int.init)
      return Sample(expression: expression(choices), tokens: choices, logProbability: logs[i])
    }
  }

  private func expression(_ tokens: [Int]) -> ActivationExpression {
    var rest = tokens[...]
    func operand(_ token: Int) -> ActivationExpression.Operand { token == 0 ? .input : .unit(token - 1) }
    var units: [ActivationExpression.Unit] = []
    for unit in 0..<space.coreUnits {
      if unit == 0 {
        let part = Array(rest.prefix(3))
        units.append(.init(space.binary[part[2]], space.unary[part[0]], space.unary[part[1]]))
        rest = rest.dropFirst(3)
      } else {
        let part = Array(rest.prefix(5))
        units.append(
          .init(
            space.binary[part[4]], space.unary[part[1]], space.unary[part[3]], of: operand(part[0]), operand(part[2])))
        rest = rest.dropFirst(5)
      }
    }
    return ActivationExpression(units)
  }

  /// Moves the policy towards what was rewarded more than the baseline.
  public mutating func learn(_ samples: [Sample], _ rewards: [Double]) {
    guard !samples.isEmpty else { return }
    let mean = rewards.reduce(0, +) / Double(rewards.count)
    let reference = baseline ?? mean
    baseline = settings.baselineDecay * reference + (1 - settings.baselineDecay) * mean
    let tokens = Tensor(samples.flatMap { $0.tokens.map { Int32($0) } }, shape: [samples.count, slots.count])
    let old = Tensor(samples.map { Float($0.logProbability) })
    let advantage = Tensor(rewards.map { Float($0 - reference) })
    for _ in 0..<settings.passes {
      let gradients = parameters.replacingLeaves(step(parameters.leaves + [tokens, old, advantage]))
      (parameters, state) = optimizer.update(
        parameters, gradients: gradients, state: state, learningRate: Tensor(settings.learningRate))
    }
  }

  /// The mean entropy of the choices along sampled expressions, in nats, summed over slots.
  public mutating func entropy(samples count: Int = 64) -> Double {
    let drawn = sample(count)
    let tokens = Tensor(drawn.flatMap { $0.tokens.map { Int32($0) } }, shape: [count, slots.count])
    return scores(parameters.leaves + [tokens]).reduce(0) { sum, values in
      sum - (values.exp() * values).sum([1]).mean().doubles[0]
    }
  }
}
