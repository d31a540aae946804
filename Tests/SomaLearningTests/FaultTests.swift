import Foundation
import Soma
import SomaData
import SomaNetworks
import Testing

@testable import SomaLearning

@Suite struct FaultTests {
  private struct Fragile: Layer {
    func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
      let y = Dense(1, usesBias: false, initializer: .ones)(x, scope["dense"])
      return Logarithm()(y, scope["root"])
    }
  }

  private struct Logarithm: Layer {
    func forward(_ x: Tensor, _ scope: Scope) -> Tensor { (x - 1).log() }
  }

  private static func data(_ values: [Float]) -> DataLoader {
    DataLoader(
      LabeledData(
        name: "numbers", values: values, sampleShape: [1],
        target: .values(values.map { _ in 0 }, names: ["y"])), batchSize: 2)
  }

  @Test func aNonFiniteLossNamesTheFirstOperationAndKeepsTheWeights() throws {
    let trainer = Trainer(Fragile(), loss: MeanSquaredError(), optimizer: SGD(), schedule: .constant(1e-3))
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("fault-\(UUID().uuidString).npz").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    trainer.checkpoints = CheckpointPolicy(path: path, everySteps: 1)
    var good: [UInt8] = []
    let error = #expect(throws: NonFiniteLoss.self) {
      try trainer.fit(Self.data([2, 3, 4, 2, 3, -5]), for: .epochs(1)) { event in
        if case .checkpoint = event { good = trainer.variables!.leaves[0].bytes }
        return .proceed
      }
    }
    #expect(error?.step == 2)
    #expect(error?.cause == .operation(name: "log", scope: "root", example: "NaN"))
    #expect(
      error?.description
        == "step 2 (epoch 0): the loss is not finite; the first operation to give NaN is log in root; "
        + "the last good checkpoint is \(path)")
    #expect(trainer.variables!.leaves[0].bytes == good)
    #expect(try Trainer.variables(from: path).leaves[0].bytes == good)
    #expect(trainer.stepCount == 2)
  }

  @Test func nonFiniteDataAndWeightsAreNamed() {
    let trainer = Trainer(Fragile(), loss: MeanSquaredError(), optimizer: SGD(), schedule: .constant(1e-3))
    let error = #expect(throws: NonFiniteLoss.self) { try trainer.fit(Self.data([2, .nan]), for: .epochs(1)) }
    #expect(error?.cause == .input("the batch's features"))
    var variables = Variables()
    variables.parameters["dense/weight"] = Tensor([[Float.infinity]])
    trainer.variables = variables
    let second = #expect(throws: NonFiniteLoss.self) { try trainer.fit(Self.data([2, 3]), for: .epochs(1)) }
    #expect(second?.cause == .input("dense/weight"))
  }

  @Test func infiniteGradientsAreNamedWhenTheLossIsFinite() {
    struct Power: Layer {
      func forward(_ x: Tensor, _ scope: Scope) -> Tensor { x.abs().sqrt() }
    }
    struct Root: Layer {
      func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
        Power()(Dense(1, usesBias: false, initializer: .zeros)(x, scope["dense"]), scope["power"])
      }
    }
    let trainer = Trainer(Root(), loss: MeanAbsoluteError(), optimizer: SGD(), schedule: .constant(1e-3))
    let error = #expect(throws: NonFiniteLoss.self) { try trainer.fit(Self.data([2, 3]), for: .epochs(1)) }
    #expect(error?.loss == 0)
    guard case .operation(_, let scope, _)? = error?.cause else {
      Issue.record("\(String(describing: error?.cause))")
      return
    }
    #expect(scope == "power")
  }

  @Test func masksOfInfinityAreNotTheCause() {
    // The mask is meant; the product 0 · ∞ is not.
    let graph = Graph(tracing: [TensorType(shape: [2])]) { x in
      let masked = x[0] + Tensor([0, -Float.infinity])
      return [(masked.softmax() * (x[0] * 1e30 * 1e30)).sum()]
    }
    let cause = NonFiniteCause(in: graph, [[1, 2]], output: 0, inputNames: ["x"])
    #expect(cause == .operation(name: "multiply", scope: "", example: "an infinite number"))
  }

  @Test func aStepOverTheMemoryLimitIsRefused() {
    let trainer = Trainer(
      Fragile(), loss: MeanSquaredError(), optimizer: SGD(), schedule: .constant(1e-3), memoryLimit: 10)
    #expect(throws: Executable.MemoryLimitExceeded.self) { try trainer.fit(Self.data([2, 3]), for: .epochs(1)) }
  }

  // MARK: Checkpoints

  private static func trained(_ optimizer: any Optimizer = Adam(), seed: Int = 0) throws -> Trainer {
    let trainer = Trainer(
      Fragile(), loss: MeanSquaredError(), optimizer: optimizer, schedule: .constant(1e-3), seed: seed)
    try trainer.fit(data([2, 3, 4, 5]), for: .epochs(1))
    return trainer
  }

  @Test func unsuitableCheckpointsAreRefused() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("bad-\(UUID().uuidString).npz").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let trainer = try Self.trained()
    let weights = trainer.variables!.leaves[0].bytes
    try trainer.save(to: path)
    let good = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    let arrays = try NPZ.read(path)

    #expect(throws: DataError.self) { try Self.trained(SGD()).load(from: path) }
    #expect(throws: DataError.self) { try Self.trained(seed: 1).load(from: path) }
    #expect(throws: DataError.self) { try trainer.load(from: path + ".missing") }
    func refuses(_ change: (inout [String: Tensor]) -> Void) throws {
      var changed = arrays
      change(&changed)
      try NPZ.write(changed, to: path)
      let error = #expect(throws: DataError.self) { try trainer.load(from: path) }
      #expect(error.map { !$0.description.contains("\n") && $0.description.hasPrefix(path) } ?? false)
    }
    for name in arrays.keys { try refuses { $0[name] = nil } }
    try refuses { $0["header"] = Tensor([UInt8]("{}".utf8)) }
    try refuses { $0["header"] = Tensor([0] as [Float]) }
    try refuses { $0["optimizer/first/dense/weight"] = Tensor.zeros([7]) }
    try refuses { $0["optimizer/step"] = Tensor([1, 2] as [Int32]) }
    for length in stride(from: 0, to: good.count, by: good.count / 23) {
      try Data(good.prefix(length)).write(to: URL(fileURLWithPath: path))
      #expect(throws: DataError.self) { try trainer.load(from: path) }
    }
    // A refused checkpoint changes nothing.
    #expect(trainer.variables!.leaves[0].bytes == weights)
  }

  @Test func anEpochDoesNotGoOnWithOtherData() throws {
    let trainer = Trainer(Fragile(), loss: MeanSquaredError(), optimizer: Adam(), schedule: .constant(1e-3))
    try trainer.fit(Self.data([2, 3, 4, 5]), for: .steps(1))
    #expect(throws: TrainingError.self) { try trainer.fit(Self.data([2, 3, 4, 5, 6, 7]), for: .steps(2)) }
  }

  @Test func thereIsNothingToUseBeforeTraining() {
    let trainer = Trainer(Fragile(), loss: MeanSquaredError(), optimizer: Adam(), schedule: .constant(1e-3))
    #expect(throws: TrainingError.self) { try trainer.evaluate(Self.data([1, 2])) }
    #expect(throws: TrainingError.self) { try trainer.predict([[1]]) }
    #expect(throws: TrainingError.self) { try trainer.save(to: NSTemporaryDirectory() + "soma-none.npz") }
  }
}
