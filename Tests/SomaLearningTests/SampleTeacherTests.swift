import Foundation
import Soma
import SomaLearning
import SomaNetworks
import Testing

@Suite struct SampleTeacherTests {
  @Test func ratios() {
    let step = RatioSchedule.step(0.2)
    for (t, expected) in [(0, 0.2), (99, 0.2), (100, 0.28), (550, 0.6), (999, 0.92)] {
      #expect(abs(step(t, of: 1000) - expected) < 1e-12)
    }
    for (t, expected) in [(0, 0.2), (500, 0.6), (1000, 1)] {
      #expect(abs(RatioSchedule.cosine(0.2)(t, of: 1000) - expected) < 1e-12)
    }
    #expect(abs(RatioSchedule.linear(0.2)(250, of: 1000) - 0.4) < 1e-12)
    #expect(abs(RatioSchedule.reverseCosine(0.8)(1000, of: 1000) - 0.2) < 1e-12)
    #expect(RatioSchedule.constant(0.3)(7, of: 10) == 0.3)
  }

  @Test func intervals() {
    let strategy = IntervalStrategy.incremental()
    let due = (0..<5000).filter { strategy.isDue($0, of: 5000) }
    #expect(due.prefix(1250).elementsEqual(0..<1250))
    #expect(strategy.interval(1250, of: 5000) == 10 && strategy.interval(1999, of: 5000) == 10)
    #expect(strategy.interval(2000, of: 5000) == 20 && strategy.interval(4999, of: 5000) == 50)
    #expect(due.contains(4950) && !due.contains(4999))
    #expect(!IntervalStrategy.never.isDue(0, of: 10) && IntervalStrategy.every(2).isDue(4, of: 10))
    let reverse = IntervalStrategy.reverseIncremental()
    #expect(reverse.interval(0, of: 1000) == 90 && reverse.interval(999, of: 1000) == 1)
  }

  @Test func topTakesTheLargestAndTheFirstOfEquals() throws {
    #expect(try SampleTeacher.largest([0.5, 3, 1, 3, 0.1, 3], 2) == [1, 3])
    #expect(try SampleTeacher.largest([0.5, 3, 1, 3, 0.1, 3], 4) == [1, 2, 3, 5])
    #expect(throws: FieldError.self) { try SampleTeacher.largest([0.5, .nan], 1) }
  }

  private let x = Tensor.linspace(-1, 1, count: 40).reshape(40, 1)
  private var y: Tensor { (x * 5.0).sin() }
  private let network = CoordinateNetwork.siren(width: 8, depth: 2)

  @Test func allSamplesAreFullBatchesBitForBit() throws {
    let teacher = SampleTeacher(ratio: .constant(1), interval: .dense)
    let (taught, plain) = (
      try FieldFitting(network, x, y, steps: 20, schedule: .constant(1e-3), teacher: teacher),
      try FieldFitting(network, x, y, steps: 20, schedule: .constant(1e-3))
    )
    for _ in 0..<20 {
      try taught.step()
      try plain.step()
    }
    for name in plain.parameters.names { #expect(plain.parameters[name]!.floats == taught.parameters[name]!.floats) }
  }

  @Test func choicesAreKeptBetweenSelections() throws {
    let teacher = SampleTeacher(ratio: .constant(0.25), interval: .every(5))
    let fitting = try FieldFitting(network, x, y, steps: 30, schedule: .constant(5e-3), teacher: teacher)
    var sets: [[Int32]] = []
    for _ in 0..<15 {
      try fitting.step()
      sets.append(try #require(fitting.chosen))
    }
    for i in 0..<15 where i % 5 != 0 { #expect(sets[i] == sets[i - 1]) }
    #expect(sets.allSatisfy { $0.count == 10 })
  }

  @Test func costOfTheDefaults() throws {
    // The first selections of each of 375 steps, then every 10 to 50: 1.96 N a step on average.
    let n = 2000
    let many = Tensor.linspace(-1, 1, count: n).reshape(n, 1)
    let fitting = try FieldFitting(
      CoordinateNetwork.siren(width: 2, depth: 1), many, many * 0.5, steps: 1500, schedule: .constant(1e-4),
      teacher: SampleTeacher())
    while !fitting.isDone { try fitting.step() }
    #expect(abs(fitting.cost / Double(n) / 1500 - 1.96) < 0.02)
  }

  @Test func randomControlIgnoresTheErrors() throws {
    let teacher = SampleTeacher(ratio: .constant(0.2), interval: .dense, selection: .random)
    func sets(_ values: Tensor) throws -> [[Int32]?] {
      let fitting = try FieldFitting(
        network, x, values, steps: 10, schedule: .constant(1e-3), teacher: teacher, seed: 4)
      return try (0..<10).map { _ in
        try fitting.step()
        return fitting.chosen
      }
    }
    let (a, b) = (try sets(y), try sets(y * -3.0 + 1))
    #expect(a == b && Set(a.map { $0! }).count > 5)
  }

  @Test func shortRunsOfTheIncrementalStrategyAreRefused() {
    #expect(throws: FieldError.self) {
      try FieldFitting(network, x, y, steps: 9, schedule: .constant(1e-3), teacher: SampleTeacher())
    }
  }

  @Test func tangentKernelPredictsAStep() {
    let net = MLP(hidden: [10, 10], outputs: 1, activation: .tanh)
    let start = net.initialized(for: TensorType(shape: [1, 1], dtype: .float64), key: Key(1)).parameters
    let (x, y) = (
      Tensor.linspace(-1, 1, count: 9, dtype: .float64).reshape(9, 1),
      Tensor.normal([9, 1], key: Key(2), dtype: .float64)
    )
    let places = Tensor.linspace(-1.5, 1.5, count: 20, dtype: .float64).reshape(20, 1)
    let rate = 1e-4
    let predicted = NeuralTangentKernel(net, start).functionalStep(x, y, at: places, learningRate: rate).doubles
    let slope = grad { (p: Parameters) in (net.apply(Variables(parameters: p), x) - y).squared().mean() }(start)
    let next = start.map { $1 - slope[$0]! * rate }
    let change = (net.apply(Variables(parameters: next), places) - net.apply(Variables(parameters: start), places))
      .doubles
    let size = change.map { abs($0) }.max()!
    for (a, b) in zip(predicted, change) { #expect(abs(a - b) < 1e-3 * size) }
    let kernel = NeuralTangentKernel(net, start)(x, x)
    #expect((kernel - kernel.T).abs().max().scalar < 1e-10 && kernel.symmetricEigen().values.min().scalar > -1e-9)
  }

  @Test func qualityOfKnownErrors() {
    #expect(abs(Metrics.peakSignalToNoise(meanSquaredError: 1e-4) - 46.0206) < 1e-4)
    let wave = Tensor.uniform([16, 16], key: Key(1))
    let same = Metrics.spectralCorrelation(wave, wave)
    #expect(abs(same.amplitude - 1) < 1e-12 && abs(same.phase - 1) < 1e-12)
    // A shift changes phases and leaves amplitudes.
    let moved = Metrics.spectralCorrelation(wave, wave.rolled(3, axis: 0))
    #expect(abs(moved.amplitude - 1) < 1e-6 && moved.phase < 0.9)
  }

  @Test func penaltiesSeeTheField() throws {
    // A field that shall be zero, with a slope of 1 wanted: the penalty wins.
    let fitting = try FieldFitting(
      network, x, y * 0, steps: 300, schedule: .constant(3e-3),
      penalty: { field, places in (grad { (p: Tensor) in field(p).sum() }(places) - 1).squared().mean() * 100.0 })
    while !fitting.isDone { try fitting.step() }
    let slope = grad { (p: Tensor) in network.apply(fitting.variables, p).sum() }(x)
    #expect(abs(slope.mean().scalar - 1) < 0.2)
  }

  @Test func normalizedGradientsHaveUnitLength() {
    let gradients = Parameters([("a", Tensor([3.0, 0])), ("b", Tensor([[4.0]]))])
    let direction = NormalizedGradients.direction(gradients)
    #expect(direction["a"]!.doubles == [0.6, 0] && direction["b"]!.doubles == [0.8])
    let start = Parameters([("a", Tensor([1.0, 1])), ("b", Tensor([[1.0]]))])
    let rule = NormalizedGradients(SGD())
    let (next, _) = rule.update(
      start, gradients: gradients, state: rule.initialState(start), learningRate: Tensor(0.5, dtype: .float64))
    #expect(zip(next["a"]!.doubles + next["b"]!.doubles, [0.7, 1, 0.6]).allSatisfy { abs($0 - $1) < 1e-12 })
  }
}
