import Foundation
import Soma
import SomaData
import SomaNetworks

/// Training that hides each record: batches drawn record by record with probability q, each example's gradient clipped to
/// norm C, Gaussian noise of deviation σ C added to their sum, the result over q n handed to an optimizer. (Abadi et al. 2016,
/// arXiv 1607.00133) Plain descent makes it DP-SGD, Adam DP-Adam.
public struct DPSGD: Sendable {
  /// C
  public var clip: Double
  /// σ
  public var noise: Double
  /// q
  public var samplingRate: Double
  public var optimizer: any Optimizer
  /// Nil: ghost norms where the network allows them.
  public var mode: PerExampleGradients.Mode?

  /// - Throws: `LearningRuleError` for C or σ that are not above zero (σ = 0 is allowed: clipping without privacy).
  public init(
    clip: Double, noise: Double, samplingRate: Double, optimizer: any Optimizer = SGD(),
    mode: PerExampleGradients.Mode? = nil
  ) throws {
    guard clip > 0 else { throw LearningRuleError("the clipping norm \(clip) is not above zero") }
    guard noise >= 0, noise.isFinite else { throw LearningRuleError("the noise \(noise) is below zero") }
    guard samplingRate > 0, samplingRate <= 1 else {
      throw LearningRuleError("the sampling rate \(samplingRate) is not between 0 and 1")
    }
    guard noise == 0 || clip.isFinite else { throw LearningRuleError("noise wants a finite clipping norm") }
    self.clip = clip
    self.noise = noise
    self.samplingRate = samplingRate
    self.optimizer = optimizer
    self.mode = mode
  }

  public struct Fit: Sendable {
    public var variables: Variables
    /// The mean loss of each step's batch; not a number for an empty one.
    public var losses: [Double]
    /// The share of examples whose gradient was longer than C, for each step.
    public var clippedShares: [Double]
    /// Gradient norms of the last step's examples, before clipping.
    public var lastNorms: [Double]
  }

  /// Trains a network on labeled samples.
  /// - `start`: initial variables; from the seed if nil
  /// - `onStep`: told after each step; stops by returning false
  /// - Throws: `LearningRuleError` for networks whose layers mix examples, and what `onStep` throws.
  public func fit(
    _ network: any Layer, loss: any Loss, _ data: LabeledData, learningRate: Double, steps: Int, seed: Int = 0,
    start: Variables? = nil, onStep: (Int) throws -> Bool = { _ in true }
  ) throws -> Fit {
    let sample = TensorType(shape: [2] + data.sampleShape, dtype: .float32)
    let state = network.variableTypes(for: sample).state.map(\.name)
    guard state.isEmpty else {
      throw LearningRuleError(
        "the network keeps statistics of whole batches (\(state.joined(separator: ", "))), so no example's share can be bounded"
      )
    }
    let variables = start ?? network.initialized(for: sample, key: Key(seed).folding("weights"))
    let mode = self.mode ?? (PerExampleGradients.supportsGhost(network, for: sample) ? .ghost : .vectorized)
    let gradients = PerExampleGradients(network, loss: loss, mode: mode)
    var now = OptimizedParameters(
      parameters: variables.parameters, optimizer: optimizer.initialState(variables.parameters))
    var fit = Fit(variables: variables, losses: [], clippedShares: [], lastNorms: [])
    let n = data.count
    let expected = samplingRate * Double(n)
    var generator = SeededGenerator(seed: UInt64(bitPattern: Int64(seed)), stream: 111)
    let key = Key(seed).folding("noise")
    var loops: [Int: CompiledLoop<OptimizedParameters, [Tensor], [Tensor]>] = [:]
    var current: CompiledLoop<OptimizedParameters, [Tensor], [Tensor]>?
    let (values, size) = (data.values, data.sampleShape.elementCount)
    for step in 0..<steps {
      let chosen = samplingRate >= 1 ? Array(0..<n) : (0..<n).filter { _ in Double(generator.uniform()) < samplingRate }
      // A few sizes of batch, the rest padding that weighs nothing.
      let capacity = max(1, samplingRate >= 1 ? n : (chosen.count + 63) / 64 * 64)
      let padded = chosen + [Int](repeating: 0, count: capacity - chosen.count)
      let x = Tensor(
        padded.flatMap { values[($0 * size)..<(($0 + 1) * size)] }, shape: [capacity] + data.sampleShape)
      let y = data.target.subset(padded).tensor
      let weights = Tensor((0..<capacity).map { Float($0 < chosen.count ? 1 : 0) })
      let input = [x, y, weights, Tensor(learningRate, dtype: .float64), key.folding(step).words]
      if loops[capacity] == nil {
        loops[capacity] = try CompiledLoop(current?.state ?? now, example: input) { state, input in
          let (sum, norms, losses) = gradients.clippedSum(
            state.parameters, input[0], input[1], weights: input[2], clip: clip,
            key: Key(words: input[4]).folding("layers"))
          let noiseKey = Key(words: input[4]).folding("noise")
          let noisy = sum.map { name, tensor in
            let drawn =
              noise > 0
              ? tensor
                + .normal(tensor.shape, deviation: noise * clip, key: noiseKey.folding(name), dtype: tensor.dtype)
              : tensor
            return drawn / expected
          }
          var next = state
          (next.parameters, next.optimizer) = optimizer.update(
            state.parameters, gradients: noisy, state: state.optimizer, learningRate: input[3])
          let count = input[2].sum()
          let isLong = clip.isFinite ? (norms .> clip).cast(to: .float32) : Tensor.zeros(like: norms)
          return (next, [(losses * input[2]).sum() / count, (isLong * input[2]).sum() / count, norms])
        }
      }
      let loop = loops[capacity]!
      if let current, current !== loop { loop.state = current.state }
      current = loop
      loop.load(input)
      loop.step()
      fit.losses.append(Double(loop.float(0)))
      fit.clippedShares.append(Double(loop.float(1)))
      if step == steps - 1 { fit.lastNorms = Array(loop.output[2].doubles.prefix(chosen.count)) }
      guard try onStep(step + 1) else { break }
    }
    if let current { now = current.state }
    fit.variables = Variables(parameters: now.parameters, state: variables.state)
    return fit
  }
}
