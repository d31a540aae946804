import Soma
import SomaNetworks
import Testing

@testable import SomaLearning

@Suite struct OptimizerTests {
  static let cases: [String: (optimizer: any Optimizer, rate: Double)] = [
    "sgd": (SGD(), 0.1),
    "sgd momentum": (SGD(momentum: 0.9, dampening: 0.3, weightDecay: 0.01), 0.05),
    "sgd nesterov": (SGD(momentum: 0.9, isNesterov: true), 0.05),
    "adam": (Adam(), 0.02),
    "adam decay": (Adam(beta1: 0.8, beta2: 0.95, weightDecay: 0.1), 0.02),
    "adam largest": (Adam(beta1: 0.5, beta2: 0.6, usesLargest: true), 0.2),
    "adamw": (AdamW(weightDecay: 0.1), 0.02),
    "nadam": (NAdam(), 0.02),
    "radam": (RAdam(beta2: 0.9), 0.02),
    "rmsprop": (RMSprop(), 0.01),
    "rmsprop centered": (RMSprop(smoothing: 0.9, momentum: 0.5, isCentered: true, weightDecay: 0.05), 0.005),
    "adagrad": (Adagrad(learningRateDecay: 0.05, initialSum: 0.1), 0.1),
    "adadelta": (Adadelta(), 1),
    "lion": (Lion(weightDecay: 0.1), 0.01),
    "lamb": (LAMB(weightDecay: 0.01), 0.05),
  ]

  static func start(_ dtype: DType) -> Parameters {
    Parameters([("weight", numbers([3, 2], 20, 0.8, dtype: dtype)), ("bias", numbers([2], 21, 0.5, dtype: dtype))])
  }

  static func loss(_ dtype: DType) -> (Parameters) -> Tensor {
    let (features, targets) = (numbers([6, 3], 22, dtype: dtype), numbers([6, 2], 23, dtype: dtype))
    return { p in 3 * ((features.matmul(p["weight"]!) + p["bias"]!).tanh() - targets).squared().mean() }
  }

  struct Both: TensorTree {
    var parameters: Parameters
    var state: OptimizerState
    var leaves: [Tensor] { parameters.leaves + state.leaves }
    func replacingLeaves(_ leaves: [Tensor]) -> Both {
      Both(
        parameters: parameters.replacingLeaves(Array(leaves.prefix(parameters.count))),
        state: state.replacingLeaves(Array(leaves.dropFirst(parameters.count))))
    }
  }

  /// 20 steps, each the same compiled graph.
  static func trajectory(_ optimizer: any Optimizer, _ rate: Double, _ dtype: DType) throws -> [Double] {
    let start = start(dtype)
    let loss = loss(dtype)
    let loop = try CompiledLoop(
      Both(parameters: start, state: optimizer.initialState(start)), example: Tensor(rate, dtype: .float64)
    ) { now, rate in
      let (value, gradient) = valueAndGrad(now.parameters, loss)
      let (p, s) = optimizer.update(now.parameters, gradients: gradient, state: now.state, learningRate: rate)
      return (Both(parameters: p, state: s), value)
    }
    var rows: [Double] = []
    for step in 1...20 {
      _ = loop(Tensor(rate, dtype: .float64))
      if [1, 7, 20].contains(step) { rows += loop.state.parameters.leaves.flatMap(\.doubles) }
    }
    return rows
  }

  @Test func everyGoldenOptimizerIsTested() {
    #expect(Set(Self.cases.keys) == Set(LearningGolden.optimizers64.keys))
  }

  @Test(arguments: cases.keys.sorted())
  func doublePrecisionTrajectoryIsTheReferences(_ name: String) throws {
    let (optimizer, rate) = Self.cases[name]!
    let actual = try Self.trajectory(optimizer, rate, .float64)
    #expect(largestError(actual, LearningGolden.optimizers64[name]!, floor: 1e-3) < 1e-10)
  }

  @Test(arguments: cases.keys.sorted())
  func singlePrecisionTrajectoryIsTheReferences(_ name: String) throws {
    let (optimizer, rate) = Self.cases[name]!
    let actual = try Self.trajectory(optimizer, rate, .float32)
    #expect(largestError(actual, LearningGolden.optimizers32[name]!, floor: 1e-2) < 1e-5)
  }

  @Test func groupsChooseByPath() {
    for (pattern, path, matches) in [
      ("*/bias", "encoder/0/bias", true), ("*/bias", "bias", true), ("*/bias", "encoder/bias/x", false),
      ("encoder/*", "encoder/0/weight", true), ("encoder/*", "decoder/0/weight", false),
      ("*norm*", "a/norm1/scale", true),
      ("block?/w", "block1/w", true), ("block?/w", "block12/w", false), ("*a*b*c", "xxaYbbc", true), ("*", "", true),
      ("", "a", false), ("*ab", "aab", true),
    ] {
      #expect(ParameterGroup(pattern).matches(path) == matches, "\(pattern) \(path)")
    }
  }

  @Test func groupsSetRateDecayAndFreeze() {
    let ones = Parameters(["a/weight", "a/bias", "frozen/weight"].map { ($0, Tensor.ones([1])) })
    let optimizer = SGD(
      momentum: 0.5, weightDecay: 0.5,
      groups: [
        ParameterGroup("*/bias", learningRateFactor: 2, weightDecay: 0), ParameterGroup("frozen/*", isFrozen: true),
      ])
    let state = optimizer.initialState(ones)
    #expect(state.slots["momentum"]?.names == ["a/weight", "a/bias"])
    let (next, _) = optimizer.update(ones, gradients: ones, state: state, learningRate: Tensor(0.125))
    // 1 - 1/8 (1 + 1/2), 1 - 2/8 (1 + 0), 1
    #expect(next.leaves.flatMap(\.floats) == [0.8125, 0.75, 1])
  }

  @Test func clippingBoundsTheNorms() {
    let gradients = Parameters([("a", [3, 0] as Tensor), ("b", [[0, 4]] as Tensor)])
    #expect(gradientNorm(gradients).scalar == 5)
    let global = GradientClipping.globalNorm(1)(gradients).leaves.flatMap(\.doubles)
    #expect(largestError(global, [0.6, 0, 0, 0.8], floor: 1) < 1e-6)
    let each = GradientClipping.tensorNorm(3.5)(gradients).leaves.flatMap(\.doubles)
    #expect(largestError(each, [3, 0, 0, 3.5], floor: 1) < 1e-6)
    #expect(GradientClipping.value(2)(gradients).leaves.flatMap(\.floats) == [2, 0, 0, 2])
    // Below the limit nothing changes.
    #expect(GradientClipping.globalNorm(6)(gradients).leaves.flatMap(\.floats) == [3, 0, 0, 4])
  }

  @Test func exponentialAverageFollowsItsRecursion() {
    var average = Parameters([("w", Tensor([1] as [Double]))])
    var expected = 1.0
    for step in 1...30 {
      let value = numbers([1], Double(step))
      average = WeightAveraging.exponential(decay: 0.9, warmsUp: true)
        .updated(average, with: Parameters([("w", value)]), step: Tensor(step, dtype: .int32))
      let decay = min(0.9, (1 + Double(step)) / (10 + Double(step)))
      expected = decay * expected + (1 - decay) * value.scalar
    }
    #expect(abs(average["w"]!.scalar - expected) < 1e-14)
  }

  @Test func equalAverageIsTheMeanOfTheChosenSteps() {
    var average = Parameters([("w", Tensor([9] as [Double]))])
    var taken: [Double] = []
    for step in 1...17 {
      let value = numbers([1], Double(step))
      average = WeightAveraging.equal(start: 5, every: 3)
        .updated(average, with: Parameters([("w", value)]), step: Tensor(step, dtype: .int32))
      if step < 5 {
        #expect(average["w"]!.scalar == value.scalar)
      } else if (step - 5) % 3 == 0 {
        taken.append(value.scalar)
      }
    }
    #expect(taken.count == 5)
    #expect(abs(average["w"]!.scalar - taken.reduce(0, +) / 5) < 1e-14)
  }
}
