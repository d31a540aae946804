import Foundation
import Soma
import SomaNetworks

/// How sparsely the feed-forward blocks of a network work: a neuron counts as inactive for a token if what it adds to the
/// output, `mᵢ = |hᵢ| |W_out[i]|`, is below the block's threshold, chosen so that all that is left out stays small: the
/// cumulative error of tail truncation, `CETT = |Σ_D nᵢ| / |y|`, at most a given number. (Zhang et al. 2024, arXiv 2402.03804)
public struct SparsityReading: Sendable {
  public struct Layer: Sendable {
    public let path: String
    public let threshold: Double
    /// The share of inactive neurons.
    public let sparsity: Double
    /// The share of activations that are exactly zero.
    public let zeros: Double
    /// `E |Aₜ ∩ Aₜ₋₁| / |Aₜ|` of neighbouring tokens.
    public let reuse: Double
    /// How much likelier a neuron's most frequent companion is active beside it than a neuron is on average.
    public let coactivationGap: Double
    /// Bytes of weight rows to load for a token, and with the rows of the token before kept.
    public let bytesPerToken: Double
    public let bytesWithReuse: Double
    /// The share of tokens for which each neuron is active.
    public let rates: [Double]
    /// What the block saw: `[tokens, d]`, its activations `[tokens, units]`, its output weight `[units, d']`.
    public let inputs: Tensor
    public let activations: Tensor
    public let outputWeight: Tensor
  }
  public let layers: [Layer]

  public var meanSparsity: Double { layers.map(\.sparsity).reduce(0, +) / Double(max(layers.count, 1)) }
  public var thresholds: [String: Double] {
    Dictionary(uniqueKeysWithValues: layers.map { ($0.path, $0.threshold) })
  }

  /// Runs a network on tokens and reads its blocks.
  /// - `tokens`: the network's input, such as `[n, t]` symbols; positions along t are neighbours.
  /// - `cett`: the largest mean error
  public init(_ network: any SomaNetworks.Layer, _ variables: Variables, _ tokens: Tensor, cett: Double = 0.2) {
    let probe = SparseFeedForward.observing(network)
    var paths: [String] = []
    let run = compile { (x: Tensor) -> [Tensor] in
      let scope = Scope(variables)
      _ = probe(x, scope)
      paths = scope.observations.filter { $0.name == "activations" }.map(\.path)
      return scope.observations.filter { $0.name != "output" }.map(\.value)
    }
    let observed = run(tokens)
    self.init(
      paths.enumerated().map { i, path in
        FeedForwardActivity(
          path: path, inputs: observed[2 * i], activations: observed[2 * i + 1],
          outputWeight: variables.parameters[(path.isEmpty ? "" : path + "/") + "out/weight"]!)
      }, cett: cett)
  }

  /// Reads blocks whose activities are known.
  /// - `cett`: the largest mean error
  public init(_ blocks: [FeedForwardActivity], cett: Double = 0.2) {
    layers = blocks.map { block in
      let (inputs, h) = (block.inputs, block.activations)
      return Self.read(
        block.path, inputs.reshape([-1, inputs.shape.last]), h.reshape([-1, h.shape.last]),
        h.rank > 2 ? h.shape[-2] : 1, block.outputWeight, cett)
    }
  }

  private static func read(
    _ path: String, _ inputs: Tensor, _ h: Tensor, _ sequence: Int, _ w: Tensor, _ cett: Double
  ) -> Layer {
    let magnitudes = h.abs() * w.norm([1])
    let threshold = self.threshold(h, w, cett: cett)
    let active = magnitudes .>= threshold
    let (tokens, units) = (h.shape[0], h.shape[1])
    let flags = active.cast(to: .float32)
    let bits = active.bools
    var reuse: [Double] = []
    for t in 1..<max(tokens, 2) where t < tokens && t % sequence != 0 {
      var (both, own) = (0, 0)
      for i in 0..<units where bits[t * units + i] {
        own += 1
        if bits[(t - 1) * units + i] { both += 1 }
      }
      if own > 0 { reuse.append(Double(both) / Double(own)) }
    }
    let rates = flags.mean([0]).doubles
    let mean = rates.reduce(0, +) / Double(units)
    let together = flags.T.matmul(flags) / Double(tokens)
    let pairs = (together - Tensor.eye(units) * together).max([1]).doubles
    let gaps = zip(pairs, rates).filter { $0.1 > 0 }.map { $0.0 / $0.1 - mean }
    let rowBytes = Double(4 * (inputs.shape[1] + w.shape[1]))
    let reused = reuse.isEmpty ? 0 : reuse.reduce(0, +) / Double(reuse.count)
    return Layer(
      path: path, threshold: threshold, sparsity: 1 - mean, zeros: (h .== 0).cast(to: .float32).mean().scalar,
      reuse: reused, coactivationGap: gaps.isEmpty ? 0 : gaps.reduce(0, +) / Double(gaps.count),
      bytesPerToken: mean * Double(units) * rowBytes, bytesWithReuse: mean * Double(units) * rowBytes * (1 - reused),
      rates: rates, inputs: inputs, activations: h, outputWeight: w)
  }

  /// The mean over tokens of `|Σ_{m < ε} nᵢ| / |y|`; tokens without output do not count.
  public static func tailError(_ h: Tensor, _ w: Tensor, threshold: Double) -> Double {
    tailErrors(h, w, [threshold])[0]
  }

  private static func tailErrors(_ h: Tensor, _ w: Tensor, _ thresholds: [Double]) -> [Double] {
    let error = compile { (inputs: [Tensor]) -> Tensor in
      let (h, w, threshold) = (inputs[0], inputs[1], inputs[2])
      let tail = Tensor.select(h.abs() * w.norm([1]) .< threshold, h, 0).matmul(w).norm([1])
      let whole = h.matmul(w).norm([1])
      let counts = (whole .>= 1e-9).cast(to: h.dtype)
      return (tail / whole.maximum(1e-9) * counts).sum() / counts.sum().maximum(1)
    }
    return thresholds.map { error([h, w, Tensor($0, dtype: h.dtype)]).scalar }
  }

  /// The largest threshold whose error stays at or below `cett`: the first crossing on a grid of 200 logarithmic steps,
  /// then by bisection.
  /// - `h`: activations `[tokens, units]`
  /// - `w`: output weight `[units, d]`
  public static func threshold(_ h: Tensor, _ w: Tensor, cett: Double) -> Double {
    let magnitudes = h.abs() * w.norm([1])
    let top = magnitudes.max().scalar
    guard top > 0 else { return 0 }
    let grid = (0..<200).map { top * pow(1e-6, 1 - Double($0) / 199) } + [top * 1.000_001]
    let errors = tailErrors(h, w, grid)
    guard let above = errors.firstIndex(where: { $0 > cett }) else { return grid[200] }
    var (low, high) = (above == 0 ? 0 : grid[above - 1], grid[above])
    for _ in 0..<40 {
      let middle = (low + high) / 2
      if tailError(h, w, threshold: middle) <= cett { low = middle } else { high = middle }
    }
    return low
  }
}

/// Says before a block runs which of its neurons will be active: `σ(W₂ ReLU(W₁ x))`, one probability a neuron, trained on what
/// the block did. (Liu et al. 2023, arXiv 2310.17157)
public struct ActivityPredictor: Sendable {
  public var hidden: Int
  public var steps: Int
  public var batch: Int
  public var learningRate: Double

  public init(hidden: Int = 128, steps: Int = 300, batch: Int = 1024, learningRate: Double = 1e-3) {
    self.hidden = hidden
    self.steps = steps
    self.batch = batch
    self.learningRate = learningRate
  }

  public struct Result: Sendable {
    public let network: MLP
    public let variables: Variables
    /// The probability above which a neuron counts as active.
    public let cut: Double
    /// The share of active neurons that are found, and of neurons that are predicted inactive.
    public let recall: Double
    public let sparsity: Double
    /// The area under the curve of precision over recall.
    public let averagePrecision: Double
  }

  /// Trains on samples `x` `[n, d]` with labels `active` `[n, units]` of 0 and 1, and judges on others.
  /// - `recall`: what the cut is chosen for
  public func fit(
    _ x: Tensor, _ active: Tensor, judged: (x: Tensor, active: Tensor), recall wanted: Double = 0.95, seed: Int = 0
  ) throws -> Result {
    let units = active.shape[1]
    let network = MLP(hidden: [hidden], outputs: units, activation: .relu)
    let positives = Swift.max(active.mean().scalar, 1e-6)
    let loss = BinaryCrossEntropy(positiveWeight: Swift.min(10, (1 - positives) / positives))
    let start = network.initialized(for: [1, x.shape[1]], key: Key(seed)).parameters
    let (n, size) = (x.shape[0], Swift.min(batch, x.shape[0]))
    let training = try EnsembleTraining(
      [start], optimizer: Adam(), learningRates: [learningRate], seeds: [seed], shared: [x, active]
    ) { member in
      let places = Tensor.randomIntegers([size], in: 0..<n, key: member.key)
      return loss(
        network.apply(Variables(parameters: member.parameters), member.shared[0].take(places)),
        member.shared[1].take(places))
    }
    for _ in 0..<steps { training.step() }
    let variables = Variables(parameters: training.members[0])
    let scores = network.apply(variables, judged.x).floats
    let labels = judged.active.floats
    // From the highest score down.
    let order = scores.indices.sorted { scores[$0] > scores[$1] }
    let total = labels.reduce(0) { $0 + Double($1) }
    var (found, area, last) = (0.0, 0.0, 0.0)
    var cutPlace = order.count - 1
    var hasCut = false
    for (rank, i) in order.enumerated() where labels[i] > 0.5 {
      found += 1
      let share = found / Swift.max(total, 1)
      area += (share - last) * found / Double(rank + 1)
      last = share
      if !hasCut, share >= wanted { (cutPlace, hasCut) = (rank, true) }
    }
    let cut = Double(scores[order[cutPlace]])
    let predicted = scores.indices.filter { Double(scores[$0]) >= cut }
    let hits = predicted.reduce(0.0) { $0 + Double(labels[$1]) }
    return Result(
      network: network, variables: variables, cut: 1 / (1 + exp(-cut)), recall: hits / Swift.max(total, 1),
      sparsity: 1 - Double(predicted.count) / Double(scores.count), averagePrecision: area)
  }
}
