import Foundation
import Soma
import SomaData
import SomaNetworks
import Testing

@testable import SomaLearning

@Suite struct BestMonotoneTests {
  private let corners = BooleanFunction.xor.rows()
  private func accuracy(_ values: [Double]) -> Double { BestMonotone.accuracy(corners, values.map { Int($0) }) }

  @Test func truthTables() {
    #expect(accuracy(BooleanFunction.xor.values) == 0.75)
    #expect(accuracy(BooleanFunction.and.values) == 1)
    #expect(accuracy(BooleanFunction.or.values) == 1)
    #expect(accuracy([1, 1, 0, 0]) == 0.5)
    let violations = BestMonotone.violations(corners, [0, 1, 1, 0])
    #expect(violations.count == 2 && BestMonotone.matching(violations, count: 4) == 1)
  }

  /// By brute force over all labellings.
  private func best(_ x: [[Double]], _ t: [Int]) -> Int {
    (0..<(1 << x.count)).reduce(0) { most, code in
      for i in x.indices where code >> i & 1 == 1 {
        for j in x.indices where code >> j & 1 == 0 && BestMonotone.precedes(x[i], x[j]) { return most }
      }
      return max(most, t.indices.filter { t[$0] == code >> $0 & 1 }.count)
    }
  }

  @Test func matchingCutLinearProgramAndBruteForceAgree() throws {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<50 {
      let n = 5 + generator.below(6)
      let x = (0..<n).map { _ in [Double(generator.below(4)), Double(generator.below(4))] }
      let t = (0..<n).map { _ in generator.below(2) }
      let expected = best(x, t)
      #expect(abs(BestMonotone.accuracy(x, t) * Double(n) - Double(expected)) < 1e-9)
      let labels = BestMonotone.labels(x, t)
      #expect(zip(labels, t).filter { $0 == $1 }.count == expected)
      // Σ [t = f] = #zeros + Σ (2t - 1) f with fᵢ ≤ fⱼ for xᵢ ≤ xⱼ and f ≤ 1.
      var (rows, limits) = ([[Double]](), [Double]())
      for i in 0..<n {
        rows.append((0..<n).map { $0 == i ? 1 : 0 })
        limits.append(1)
        for j in 0..<n where i != j && BestMonotone.precedes(x[i], x[j]) {
          rows.append((0..<n).map { $0 == i ? 1 : $0 == j ? -1 : 0 })
          limits.append(0)
        }
      }
      let program = try #require(LinearProgram.maximize(t.map { Double(2 * $0 - 1) }, rows, atMost: limits))
      #expect(abs(program.value + Double(t.filter { $0 == 0 }.count) - Double(expected)) < 1e-9)
      #expect(program.z.allSatisfy { abs($0 - $0.rounded()) < 1e-9 })
    }
  }

  @Test func isotonicRegression() {
    // Neighbours pooled, by hand on a chain.
    let t = [1.0, 3, 2, 2, 6, 4, 5]
    let fit = BestMonotone.regression((0..<7).map { [Double($0)] }, t)
    let expected = [1, 7.0 / 3, 7.0 / 3, 7.0 / 3, 5, 5, 5]
    for (a, b) in zip(fit, expected) { #expect(abs(a - b) < 1e-9) }
    // Two chains of which no sample is comparable with the other's.
    let chains = (0..<4).map { [Double($0), 10 - Double(0)] } + (0..<4).map { [20 + Double($0), Double(0)] }
    let both = BestMonotone.regression(chains, [2, 1, 5, 6, 9, 7, 8, 10])
    for (a, b) in zip(both, [1.5, 1.5, 5, 6, 8, 8, 8, 10]) { #expect(abs(a - b) < 1e-9) }
  }

  @Test func trainedNetworksStayBelowTheBound() throws {
    let (x, labels) = PlanarProblem.disk.samples(120, key: Key(1))
    let bound = BestMonotone.accuracy(x, labels)
    let data = LabeledData(
      name: "disk", description: "", values: x.flatMap { $0.map { Float($0) } }, sampleShape: [2],
      target: .classes(labels: labels.map { Int32($0) }, names: ["out", "in"]))
    // One output: differences of two would escape the order.
    let numbers = data.replacing(target: .values(labels.map { Float($0) }, names: ["in"]))
    for form in [ParameterConstraint.NonNegativeForm.projection, .softplus] {
      let trainer = Trainer(
        try NonNegativeMLP(hidden: [16], outputs: 1, form: form), loss: BinaryCrossEntropy(), optimizer: Adam(),
        schedule: .constant(0.02))
      try trainer.fit(DataLoader(numbers, batchSize: 120, seed: 1), for: .steps(100))
      let variables = try #require(trainer.variables)
      if form == .projection {
        for (name, tensor) in zip(variables.parameters.names, variables.parameters.leaves)
        where name.hasSuffix("weight") {
          #expect(tensor.min().scalar >= 0)
        }
      }
      let scores = try trainer.predict(numbers.features).floats
      let right = zip(scores, labels).filter { ($0 > 0) == ($1 == 1) }.count
      #expect(Double(right) / 120 <= bound + 1e-9)
    }
  }

  @Test func trainersAddScheduledPenaltiesAndKeepProjections() throws {
    let data = LabeledData(
      name: "sum", description: "", values: (0..<64).map { Float($0 % 7) }, sampleShape: [4],
      target: .values((0..<16).map { Float($0 % 3) }, names: ["y"]))
    let network = Sequential([NeuralAddition(outputs: 2), NeuralMultiplication(outputs: 1)])
    func end(_ weight: Double) throws -> Parameters {
      let trainer = Trainer(network, loss: MeanSquaredError(), optimizer: Adam(), schedule: .constant(0.05))
      trainer.penalties = [ScheduledPenalty("sparsity", weight: weight, from: 20, to: 60)]
      try trainer.fit(DataLoader(data, batchSize: 16, seed: 1), for: .steps(150))
      return try #require(trainer.variables).parameters
    }
    func gap(_ p: Parameters) -> Double { p.leaves.map { sparsityError($0).scalar }.max()! }
    let (free, driven) = (try end(0), try end(100))
    for p in [free, driven] {
      #expect(p["0/weight"]!.abs().max().scalar <= 1)
      #expect(p["1/weight"]!.min().scalar >= 0 && p["1/weight"]!.max().scalar <= 1)
    }
    #expect(gap(driven) < 0.05 && gap(free) > gap(driven))
    let share = ScheduledPenalty("sparsity", weight: 4, from: 20, to: 60)
    #expect([0, 20, 40, 60, 99].map { share.factor(Tensor(Int32($0), dtype: .int32)).scalar } == [0, 0, 2, 4, 4])
  }

  @Test func ensemblesTrainAsSingleRuns() throws {
    let network = MLP(hidden: [4], outputs: 1, activation: .tanh)
    let x = Tensor.uniform([8, 2], low: -1, high: 1, key: Key(1))
    let y = x.product([1], keepsAxes: true)
    let starts = (0..<5).map { network.initialized(for: [8, 2], key: Key($0)).parameters }
    let rates = [0.01, 0.02, 0.03, 0.1, 1e30]
    func ends(_ chosen: [Int]) throws -> [Parameters] {
      let training = try EnsembleTraining(
        chosen.map { starts[$0] }, optimizer: Adam(), learningRates: chosen.map { rates[$0] }, seeds: chosen,
        shared: [x, y]
      ) { member in
        let noise = Tensor.normal([8, 1], deviation: 0.01, key: member.key)
        return (network.apply(Variables(parameters: member.parameters), member.shared[0]) - member.shared[1] + noise)
          .squared().mean()
      }
      for _ in 0..<30 { training.step() }
      #expect(training.losses.count == chosen.count)
      return training.members
    }
    let all = try ends([0, 1, 2, 3, 4])
    for i in 0..<4 {
      let single = try ends([i])[0]
      for (a, b) in zip(all[i].leaves, single.leaves) { #expect(a.isClose(to: b, relative: 1e-4, absolute: 1e-5)) }
    }
  }
}
