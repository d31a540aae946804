import Foundation
import Soma
import SomaData
import SomaLearning
import SomaNetworks
import Testing

@testable import SomaSearch

@Suite struct SparseActivationTests {
  private let data = LabeledData(
    name: "rows", description: "", values: Tensor.normal([64, 6], key: Key(1)).floats, sampleShape: [6],
    target: .classes(labels: (0..<64).map { Int32($0 % 3) }, names: ["a", "b", "c"]))

  private func network(_ state: [[SparseOperator]], trained: Bool = false) -> Sequential {
    Sequential(
      state.enumerated().flatMap { i, operators -> [any Layer] in
        [Dense([8, 5][i]), ScaledOperator(operators, isTrained: trained)]
      } + [Dense(3)])
  }

  @Test func prunedWeightsStayZero() throws {
    let net = network([[.relu], [.tanh]])
    let start = net.initialized(for: [1, 6], key: Key(2))
    for (ratio, extent) in [(0.7, MagnitudePruning.Extent.layer), (0.9, .network)] {
      let masks = try MagnitudePruning(ratio: ratio, extent: extent).masks(start.parameters)
      let total = masks.leaves.reduce(0) { $0 + $1.count }
      let gone = masks.leaves.reduce(0) { $0 + $1.floats.filter { $0 == 0 }.count }
      if extent == .network {
        #expect(gone == Int((ratio * Double(total)).rounded()))
      } else {
        for mask in masks.leaves {
          #expect(mask.floats.filter { $0 == 0 }.count == Int((ratio * Double(mask.count)).rounded()))
        }
      }
      for optimizer in [SGD(momentum: 0.9) as any Optimizer, Adam(weightDecay: 0.01)] {
        let trainer = Trainer(net, loss: CrossEntropy(), optimizer: optimizer, schedule: .constant(0.05))
        trainer.projection = { $0.masked(masks) }
        trainer.variables = Variables(parameters: start.parameters.masked(masks))
        try trainer.fit(DataLoader(data, batchSize: 16, seed: 1), for: .steps(50))
        let p = try #require(trainer.variables).parameters
        for name in masks.names {
          let pairs = zip(p[name]!.floats, masks[name]!.floats)
          #expect(pairs.allSatisfy { ($0 == 0) == ($1 == 0) })
        }
      }
    }
    #expect(throws: LearningRuleError.self) { try MagnitudePruning(ratio: 1) }
    #expect(throws: LearningRuleError.self) { try MagnitudePruning(ratio: 0.999).masks(start.parameters) }
    let one = try MagnitudePruning(ratio: 0.99, keepsOnePerUnit: true).masks(start.parameters)
    #expect(one["0/weight"]!.sum([0]).floats.allSatisfy { $0 >= 1 })
  }

  @Test func unitScalesChangeNothing() {
    let x = Tensor.linspace(-3, 3, count: 40, dtype: .float64).reshape([5, 8])
    for operation in SparseOperator.allCases {
      let layer = ScaledOperator(operation, isTrained: true)
      let start = layer.initialized(for: TensorType(shape: [5, 8], dtype: .float64), key: Key(0))
      #expect(layer.apply(start, x).isClose(to: operation(x), relative: 1e-12, absolute: 1e-14), "\(operation)")
    }
    let scaled = SparseOperator.relu(
      x, alpha: Tensor(0.7, dtype: .float64), beta: Tensor(2, dtype: .float64), p: Tensor(1, dtype: .float64))
    #expect(scaled.isClose(to: 1.4 * x.maximum(0), relative: 1e-12))
    // One operator for each unit.
    let nodes = Array(SparseOperator.published.prefix(8))
    let mixed = ScaledOperator(nodes).apply(Variables(), x)
    for (k, operation) in nodes.enumerated() {
      #expect(mixed[.all, k].isClose(to: operation(x)[.all, k], relative: 1e-12, absolute: 1e-14))
    }
    #expect(SparseOperator.published.count == 15)
  }

  @Test func softRootSign() {
    #expect(abs(SparseOperator.srs(Tensor([1.0])).scalar - 1.0910701996) < 1e-9)
    #expect(abs(SparseOperator.srs(Tensor([-1.0])).scalar + 0.8363914418) < 1e-9)
    let x = Tensor.linspace(-200, 0, count: 2001, dtype: .float64)
    #expect((x / 5 + (-x / 3).minimum(80).exp()).min().scalar >= 1 - 1e-12)
    #expect(SparseOperator.srs(x).isFinite().all().item(as: Bool.self))
  }

  @Test func fineTuningWithoutPruningIsOrdinaryTraining() throws {
    let state: [[SparseOperator]] = [[.relu], [.gelu]]
    let net = network(state)
    let start = net.initialized(for: [1, 6], key: Key(3))
    let masks = try MagnitudePruning(ratio: 0).masks(start.parameters)
    func end(_ projection: (@Sendable (Parameters) -> Parameters)?) throws -> Parameters {
      let trainer = Trainer(net, loss: CrossEntropy(), optimizer: Adam(), schedule: .constant(0.01))
      trainer.projection = projection
      trainer.variables = start
      try trainer.fit(DataLoader(data, batchSize: 16, seed: 1), for: .steps(20))
      return try #require(trainer.variables).parameters
    }
    let (a, b) = (try end(nil), try end { $0.masked(masks) })
    for (u, v) in zip(a.leaves, b.leaves) { #expect(u.floats == v.floats) }
  }

  @Test(arguments: SparseActivationSearch.Level.allCases) func statesAreTrainedOnce(
    _ level: SparseActivationSearch.Level
  ) {
    let search = SparseActivationSearch(operators: [.relu, .tanh], level: level, steps: 60)
    var asked: [SparseActivationSearch.State: Int] = [:]
    let result = search.run(units: [2, 2], seed: 4) { state in
      asked[state, default: 0] += 1
      return Double(state.flatMap { $0 }.filter { $0 != .tanh }.count)
    }
    #expect(asked.values.allSatisfy { $0 == 1 } && result.evaluations == asked.count)
    #expect(result.energy == 0 && result.operators.flatMap { $0 }.allSatisfy { $0 == .tanh })
    #expect(result.steps.count == 60)
  }
}

@Suite struct PruningJobTests {
  private let digits = Embedded.digits().flattened()

  private func trained() throws -> (Split, NetworkSpecification, Variables) {
    let split = DataSet.Parts(train: digits).split(validation: 0.1, test: 0.2, seed: 1).standardized().split
    let specification = try NetworkSpecification(parsing: "mlp")
    let network = Network(specification, input: [1, 64], outputs: 10)
    let trainer = Trainer(network, loss: CrossEntropy(), optimizer: Adam(), schedule: .constant(3e-3))
    try trainer.fit(DataLoader(split.train, batchSize: 64, seed: 1, dropsLast: true), for: .epochs(8))
    return (split, specification, try #require(trainer.variables))
  }

  @Test func removedWeightsStayAwayAndTrainingHelps() throws {
    let (split, specification, variables) = try trained()
    var options = PruningJob.Options()
    (options.ratio, options.epochs) = (0.9, 2)
    let result = try PruningJob(split, options).run(specification, variables)
    // 64·64, 64·64 and 64·10 weights, a tenth of each rounded.
    #expect(result.report.weights == 8832 && result.report.kept == 410 + 410 + 64)
    let zeros = result.variables.parameters.names.filter { $0.hasSuffix("weight") }.reduce(0) { sum, name in
      sum + result.variables.parameters[name]!.floats.count { $0 == 0 }
    }
    #expect(zeros == 8832 - 884)
    #expect(result.report.tuned > result.report.pruned && result.specification == specification)
  }

  @Test func chosenOperatorsAreAPartOfTheNetworksName() throws {
    let (split, specification, variables) = try trained()
    var options = PruningJob.Options()
    (options.ratio, options.epochs, options.tunesActivations, options.steps, options.trials) = (0.95, 1, true, 2, 2)
    let result = try PruningJob(split, options).run(specification, variables)
    #expect(result.report.operators.count == 2)
    let again = try NetworkSpecification(parsing: result.specification.description)
    #expect(again == result.specification)
    let network = Network(again, input: [1, 64], outputs: 10)
    #expect(
      Set(network.initialized(for: [1, 64], key: Key(0)).parameters.names) == Set(result.variables.parameters.names))
    let convolutional = try NetworkSpecification(parsing: "lenet")
    #expect(throws: TrainingError.self) { try PruningJob(split, options).run(convolutional, variables) }
  }

  @Test func wrongOperatorsGetOneLine() {
    for text in ["mlp:scaled(relu)", "mlp:scaled(relu,nope)", "lenet:scaled(relu,relu)", "mlp:scaled()"] {
      #expect(throws: NetworkError.self, "\(text)") { try NetworkSpecification(parsing: text) }
    }
  }
}
