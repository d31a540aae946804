import Foundation
import Soma
import SomaNetworks

/// The network of one stage: `h₁ = s(κ x W₁ + b₁)`, then tanh layers, a linear output; `s` is tanh in the first stage, sine in later ones.
/// Weights are normal within two deviations, of deviation `√(2/(in + out))`; biases zero.
/// - Shape: `[n, d]` → `[n, outputs]`
public struct StageNetwork: Layer {
  public var width: Int
  /// Hidden layers.
  public var depth: Int
  public var kappa: Double
  public var first: any Layer
  public var inner: any Layer
  public var outputs: Int

  public init(
    width: Int, depth: Int = 3, kappa: Double, first: any Layer, inner: any Layer = Activation.tanh, outputs: Int = 1
  ) {
    self.width = width
    self.depth = depth
    self.kappa = kappa
    self.first = first
    self.inner = inner
    self.outputs = outputs
  }

  /// Width 20 and tanh for stage 0, width 30 and a sine for the others.
  public static func standard(_ stage: Int, _ kappa: Double) -> StageNetwork {
    StageNetwork(
      width: stage == 0 ? 20 : 30, kappa: kappa, first: stage == 0 ? Activation.tanh : .sine)
  }

  private static let start = Initializer("truncatedXavier") { shape, key, dtype in
    let (input, output) = Initializer.fans(shape)
    // A normal of deviation √(2/(in + out)) cut at two deviations; `truncatedNormal` scales to the deviation after the cut.
    let deviation = (2 / Double(input + output)).squareRoot() * 0.8796256610342398
    return .truncatedNormal(shape, deviation: deviation, key: key, dtype: dtype)
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let weight = scope.parameter("weight", [x.shape.last, width], Self.start, dtype: x.dtype)
    let bias = scope.parameter("bias", [width], .zeros, dtype: x.dtype)
    var h = first(x.matmul(weight) * kappa + bias, scope["first"])
    for layer in 1..<max(depth, 1) {
      h = inner(Dense(width, initializer: Self.start)(h, scope[layer]), scope["activation\(layer)"])
    }
    return Dense(outputs, initializer: Self.start)(h, scope["head"])
  }
}

/// `Σ_j ε_j u_j(x)`: the stages together, as one network.
public struct StageSum: Layer {
  public var stages: [any Layer]
  public var magnitudes: [Double]

  public init(_ stages: [any Layer] = [], magnitudes: [Double] = []) {
    self.stages = stages
    self.magnitudes = magnitudes
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    require(!stages.isEmpty, "a sum of stages has at least one")
    var sum = stages[0](x, scope["stage0"]) * magnitudes[0]
    for (j, stage) in stages.enumerated().dropFirst() { sum = sum + stage(x, scope["stage\(j)"]) * magnitudes[j] }
    return sum
  }

  /// The parameters of the stages, each under its name.
  public static func joined(_ parts: [Parameters]) -> Parameters {
    var all = Parameters()
    for (j, part) in parts.enumerated() { for name in part.names { all["stage\(j)/\(name)"] = part[name] } }
    return all
  }
}

/// Fits a function to machine precision: each stage is a fresh network for what the stages before have left, scaled to its size ε and
/// its dominant frequency (κ = 2πf); the sum is the result (Wang & Lai 2023, arXiv 2307.08934). Wants double precision.
public struct MultiStage: Sendable {
  public enum Magnitude: String, Sendable, Hashable { case largest, rootMeanSquare, halfLargest }

  public var stages: Int
  /// The network of a stage for a κ.
  public var network: @Sendable (_ stage: Int, _ kappa: Double) -> any Layer
  /// ε of stages after the first, whose is the largest value.
  public var magnitude: Magnitude
  /// κ over f: 2π, or π.
  public var kappaFactor: Double
  /// κ of the first stage.
  public var firstKappa: Double
  public var adamSteps: Int
  public var learningRate: Double
  public var iterations: Int
  /// Whether all stages are trained together at the end.
  public var polishes: Bool
  /// Ends where the root mean square of what is left is smaller.
  public var target: Double

  public init(
    stages: Int = 4, magnitude: Magnitude = .rootMeanSquare, kappaFactor: Double = 2 * .pi, firstKappa: Double = 1,
    adamSteps: Int = 500, learningRate: Double = 1e-3, iterations: Int = 2500, polishes: Bool = false,
    target: Double = 0,
    network: @escaping @Sendable (_ stage: Int, _ kappa: Double) -> any Layer = { StageNetwork.standard($0, $1) }
  ) {
    require(stages >= 1, "at least one stage")
    self.stages = stages
    self.magnitude = magnitude
    self.kappaFactor = kappaFactor
    self.firstKappa = firstKappa
    self.adamSteps = adamSteps
    self.learningRate = learningRate
    self.iterations = iterations
    self.polishes = polishes
    self.target = target
    self.network = network
  }

  /// How one stage went.
  public struct StageReport: Sendable, Hashable {
    public var stage: Int
    public var epsilon: Double
    public var frequency: Double
    public var kappa: Double
    /// Root mean square of what is left, at the samples.
    public var error: Double
    /// What is left at the samples.
    public var residue: [Double]
  }

  public enum Ending: Sendable, Hashable {
    case stagesDone, targetReached, noFurtherDecrease, precisionReached
    /// The residue has more periods than the samples can show.
    case dataTooSparse(frequency: Double, samples: Int)
  }

  public struct Result: Sendable {
    public var network: BoxNetwork
    public var parameters: Parameters
    public var reports: [StageReport]
    public var ending: Ending
  }

  public static func rootMeanSquare(_ values: [Double]) -> Double {
    (values.reduce(0) { $0 + $1 * $1 } / Double(max(values.count, 1))).squareRoot()
  }

  func size(_ values: [Double], stage: Int) -> Double {
    let largest = values.map { abs($0) }.max() ?? 0
    if stage == 0 { return largest }
    return switch magnitude {
    case .largest: largest
    case .rootMeanSquare: Self.rootMeanSquare(values)
    case .halfLargest: largest / 2
    }
  }

  /// Fits samples `x [n, 1]`, `y [n, 1]` (double precision, places in ascending order at even distances or not) over a range.
  /// - Throws: `FieldError` in single precision with more than two stages, or if a residue is not finite; `LBFGS.NonFiniteStart`.
  public func fit(
    _ x: Tensor, _ y: Tensor, box: [ClosedRange<Double>] = [-1...1], seed: Int = 0,
    onProgress: (Double, String) throws -> Void = { _, _ in }
  ) throws -> Result {
    guard x.dtype == .float64 || stages <= 2 else {
      throw FieldError("more than two stages want double precision")
    }
    let scaled = BoxNetwork(Lambda { $0 }, box: box).apply(Variables(), x)
    let values = y.doubles
    var residue = values
    var (sum, parts, reports) = (StageSum(), [Parameters](), [StageReport]())
    var ending = Ending.stagesDone
    for stage in 0..<stages {
      guard residue.allSatisfy(\.isFinite) else { throw FieldError("what stage \(stage) has to fit is not finite") }
      let epsilon = size(residue, stage: stage)
      guard epsilon > 0 else {
        ending = .targetReached
        break
      }
      let frequency = try Self.frequency(scaled, residue)
      if stage > 0, Double(x.shape[0]) < 12 * frequency {
        ending = .dataTooSparse(frequency: frequency, samples: x.shape[0])
        break
      }
      let kappa = stage == 0 ? firstKappa : max(1, kappaFactor * frequency)
      let layer = network(stage, kappa)
      let goal = Tensor(residue.map { $0 / epsilon }).reshape(residue.count, 1).cast(to: x.dtype)
      let parameters = try train(
        layer.initialized(
          for: TensorType(shape: [1, x.shape[1]], dtype: x.dtype), key: Key(seed).folding(stage)
        ).parameters
      ) { p in (layer.apply(Variables(parameters: p), scaled) - goal).squared().mean() }
      sum.stages.append(layer)
      sum.magnitudes.append(epsilon)
      parts.append(parameters)
      let fitted = layer.apply(Variables(parameters: parameters), scaled).doubles
      let next = zip(residue, fitted).map { $0 - epsilon * $1 }
      let (before, after) = (Self.rootMeanSquare(residue), Self.rootMeanSquare(next))
      residue = next
      reports.append(
        StageReport(
          stage: stage, epsilon: epsilon, frequency: frequency, kappa: kappa, error: after, residue: residue))
      try onProgress(Double(stage + 1) / Double(stages), "stage \(stage)")
      let floor = (values.map { abs($0) }.max() ?? 1) * 2.2e-16 * Double(parameters.elementCount).squareRoot()
      if after <= target {
        ending = .targetReached
        break
      }
      if after <= floor {
        ending = .precisionReached
        break
      }
      if stage > 0, after > before / 2 {
        ending = .noFurtherDecrease
        break
      }
    }
    var all = StageSum.joined(parts)
    if polishes, parts.count > 1 {
      let scale = max(reports.last!.error, 1e-300)
      let network = sum
      all = try LBFGS(history: 50, maximumIterations: iterations, gradientTolerance: 1e-30, valueTolerance: 0)
        .minimize(all) { p in
          ((network.apply(Variables(parameters: p), scaled) - y) * (1 / scale)).squared().mean()
        }.minimizer
    }
    return Result(network: BoxNetwork(sum, box: box), parameters: all, reports: reports, ending: ending)
  }

  static func frequency(_ x: Tensor, _ residue: [Double]) throws -> Double {
    require(
      x.shape[1] == 1, "frequencies of scattered samples in one dimension; grids of more go through DominantFrequency")
    let places = x.doubles
    let step = 2 / Double(places.count - 1)
    let isGrid = places.enumerated().allSatisfy { abs($1 - (-1 + Double($0) * step)) < 1e-9 }
    return isGrid && places.count >= 4
      ? DominantFrequency.ofGrid(residue) : DominantFrequency.ofSignChanges(places, residue)
  }

  /// Adam, then L-BFGS.
  func train(_ start: Parameters, _ loss: @escaping (Parameters) -> Tensor) throws -> Parameters {
    let adam = Adam()
    let loop = try CompiledLoop(
      OptimizedParameters(parameters: start, optimizer: adam.initialState(start)), example: [Tensor]()
    ) { [learningRate] state, _ in
      let (value, gradient) = valueAndGrad(state.parameters, loss)
      var next = state
      (next.parameters, next.optimizer) = adam.update(
        state.parameters, gradients: gradient, state: state.optimizer,
        learningRate: Tensor(learningRate, dtype: .float64))
      return (next, value)
    }
    for _ in 0..<adamSteps { loop.step() }
    let parameters = loop.state.parameters
    guard iterations > 0 else { return parameters }
    return try LBFGS(history: 50, maximumIterations: iterations, gradientTolerance: 1e-30, valueTolerance: 0)
      .minimize(parameters, loss).minimizer
  }
}
