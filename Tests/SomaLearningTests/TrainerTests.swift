import Foundation
import Soma
import SomaData
import SomaNetworks
import Testing

@testable import SomaLearning

/// Dense layers with a batch normalization and dropout between, written out: it has state and randomness.
private struct Network: Layer {
  var hidden = 32
  var outputs = 10
  var dropout = 0.1

  func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let input = x.flattened(from: 1)
    var h = Dense(hidden, initializer: .heUniform)(input, scope["first"])
    let running = scope.state("mean", [hidden], .zeros)
    if scope.isTraining {
      let mean = h.mean([0])
      scope.setState("mean", 0.9 * running + 0.1 * mean)
      h = h - mean
    } else {
      h = h - running
    }
    h = h.maximum(0)
    if scope.isTraining, dropout > 0 {
      h = .select(Tensor.bernoulli(dropout, h.shape, key: scope.key()), 0, h / (1 - dropout))
    }
    return Dense(outputs)(h, scope["second"])
  }
}

private func bits(_ variables: Variables?) -> [[UInt8]] { variables!.leaves.map(\.bytes) }

private func temporaryPath(_ name: String) -> String {
  FileManager.default.temporaryDirectory.appendingPathComponent("\(name)-\(UUID().uuidString).npz").path
}

@Suite(.serialized) struct TrainerTests {
  private static let split = DataSet.Parts(train: Embedded.digits()).split(validation: 0.1, test: 0.2, seed: 3)

  private static func loader(_ data: LabeledData, size: Int = 64) -> DataLoader {
    DataLoader(data, batchSize: size, seed: 5)
  }

  private static func trainer(averaging: WeightAveraging? = nil, microBatchSize: Int? = nil) -> Trainer {
    Trainer(
      Network(), loss: CrossEntropy(), optimizer: AdamW(), schedule: .constant(3e-3), metrics: [.accuracy],
      clipping: .globalNorm(5), averaging: averaging, microBatchSize: microBatchSize, seed: 7)
  }

  @Test func learnsTheDigits() throws {
    let trainer = Trainer(
      Network(hidden: 64), loss: CrossEntropy(labelSmoothing: 0.05), optimizer: AdamW(),
      schedule: .cosine(5e-3).warmedUp(20), metrics: [.accuracy, .topK(3)],
      averaging: .exponential(decay: 0.99, warmsUp: true))
    let result = try trainer.fit(
      Self.loader(Self.split.train), validation: Self.loader(Self.split.validation), for: .epochs(20))
    #expect(result.ending == .completed)
    #expect(result.epochs.count == 20)
    #expect(result.epochs.last!.trainingLoss < result.epochs[0].trainingLoss / 2)
    let test = try trainer.evaluate(Self.loader(Self.split.test))
    #expect(test.count == Self.split.test.count)
    #expect(test.metrics["accuracy"]! > 0.95)
    #expect(test.metrics["top-3"]! > test.metrics["accuracy"]!)
    // The sums over batches are the metric over all samples.
    let scores = try trainer.predict(Self.split.test.features, batchSize: 50)
    #expect(abs(Metrics.accuracy(scores, labels: Self.split.test.targets) - test.metrics["accuracy"]!) < 1e-6)
    #expect(abs(CrossEntropy(labelSmoothing: 0.05)(scores, Self.split.test.targets).scalar - test.loss) < 1e-5)
  }

  @Test func aResumedRunContinuesBitForBit() throws {
    let path = temporaryPath("resume")
    defer { try? FileManager.default.removeItem(atPath: path) }
    // 7 batches an epoch, the last smaller: 10 steps reach into the second epoch.
    let data = Self.loader(Self.split.train.subset(Array(0..<200)), size: 32)
    func make() -> Trainer {
      let trainer = Self.trainer(averaging: .exponential(decay: 0.9))
      trainer.plateau = Plateau(factor: 0.5, patience: 1)
      trainer.earlyStopping = EarlyStopping(patience: 5)
      return trainer
    }
    let straight = make()
    let whole = try straight.fit(data, validation: data, for: .steps(10))
    for cut in [5, 7] {
      let first = make()
      _ = try first.fit(data, validation: data, for: .steps(10)) { event in
        if case .step(let progress) = event, progress.step == cut { return .stop }
        return .proceed
      }
      #expect(first.stepCount == cut)
      try first.save(to: path)
      let second = make()
      try second.load(from: path)
      let rest = try second.fit(data, validation: data, for: .steps(10))
      #expect(bits(second.trainedVariables) == bits(straight.trainedVariables))
      #expect(bits(second.variables) == bits(straight.variables))
      #expect(second.latestState!.leaves.map(\.bytes) == straight.latestState!.leaves.map(\.bytes))
      #expect(rest.epochs.map(\.trainingLoss) == whole.epochs.map(\.trainingLoss))
      #expect(rest.epochs.map(\.validationLoss) == whole.epochs.map(\.validationLoss))
      #expect(second.plateau == straight.plateau)
      #expect(second.earlyStopping == straight.earlyStopping)
    }
  }

  /// The samples of a data set, one after the other.
  private static func stream(_ data: LabeledData, isCounted: Bool = true) -> GeneratedStream {
    GeneratedStream(count: isCounted ? data.count : nil, state: { _ in 0 }) { (i: inout Int) -> Sample? in
      guard i < data.count else { return nil }
      defer { i += 1 }
      let batch = try data.batch(of: [i])
      return Sample(features: batch.features[0], target: batch.targets[0])
    }
  }

  @Test func streamsTrainLikeSamplesWithNumbers() throws {
    let data = Self.split.train.subset(Array(0..<100))
    let numbered = Self.trainer()
    try numbered.fit(DataLoader(data, batchSize: 32), for: .epochs(3))
    let streamed = Self.trainer()
    let result = try streamed.fit(
      StreamLoader(Self.stream(data), batchSize: 32), validation: StreamLoader(Self.stream(data), batchSize: 50),
      for: .epochs(3))
    #expect(result.steps == 12 && result.epochs.count == 3)
    #expect(bits(streamed.variables) == bits(numbered.variables))
    #expect(
      try streamed.evaluate(StreamLoader(Self.stream(data), batchSize: 50)).loss
        == numbered.evaluate(DataLoader(data, batchSize: 50)).loss)
    // Without a known length, epochs end where the stream ends.
    let unknown = Self.trainer()
    let loader = StreamLoader(Self.stream(data, isCounted: false), batchSize: 32)
    #expect(try unknown.fit(loader, for: .steps(12)).epochs.count == 3)
    #expect(bits(unknown.variables) == bits(numbered.variables))
    #expect(throws: TrainingError.self) { try Self.trainer().fit(loader, for: .epochs(2)) }
    let empty = GeneratedStream(state: { _ in 0 }) { (_: inout Int) -> Sample? in nil }
    #expect(throws: TrainingError.self) {
      try Self.trainer().fit(StreamLoader(empty, batchSize: 4), for: .steps(2))
    }
  }

  @Test func oneThreadAndTwoGiveTheSameBits() throws {
    let threads = Parallel.threads
    defer { Parallel.threads = threads }
    let runs = try [1, 2].map { count in
      Parallel.threads = count
      let trainer = Trainer(
        Network(hidden: 256), loss: CrossEntropy(), optimizer: LAMB(), schedule: .constant(1e-2),
        clipping: .globalNorm(1), seed: 1)
      try trainer.fit(Self.loader(Self.split.train, size: 256), for: .steps(8))
      return bits(trainer.variables)
    }
    #expect(runs[0] == runs[1])
  }

  @Test func partsOfABatchGiveTheWholeBatchsGradient() throws {
    let data = Self.loader(Self.split.train.subset(Array(0..<60)), size: 60)
    let runs = try [nil, 25].map { size in
      // The normalization's mean depends on the part, so the network has none of it here.
      let trainer = Trainer(
        Linear(), loss: CrossEntropy(ignoredLabel: 3), optimizer: SGD(), schedule: .constant(0.5), metrics: [.accuracy],
        microBatchSize: size, seed: 2)
      let result = try trainer.fit(data, for: .epochs(3))
      return (trainer.variables!.leaves.flatMap(\.doubles), result.epochs)
    }
    #expect(largestError(runs[1].0, runs[0].0, floor: 0.1) < 1e-5)
    for (a, b) in zip(runs[0].1, runs[1].1) {
      #expect(abs(a.trainingLoss - b.trainingLoss) < 1e-5)
      #expect(abs(a.trainingMetrics["accuracy"]! - b.trainingMetrics["accuracy"]!) < 1e-6)
    }
  }

  private struct Linear: Layer {
    func forward(_ x: Tensor, _ scope: Scope) -> Tensor { Dense(10)(x.flattened(from: 1), scope["dense"]) }
  }

  @Test func stateIsCarriedAndAveragesFollow() throws {
    let data = Self.loader(Self.split.train.subset(Array(0..<128)))
    let trainer = Self.trainer(averaging: .exponential(decay: 0.5))
    try trainer.fit(data, for: .steps(1))
    let start = Network().initialized(
      for: [64, 1, 8, 8], key: Key(7).folding("weights"))
    let trained = trainer.trainedVariables!
    #expect(trained.state["mean"]!.doubles.contains { $0 != 0 })
    let first = trained.parameters.leaves[0]
    let expected = (start.parameters.leaves[0] + first) * 0.5
    #expect(largestError(trainer.variables!.parameters.leaves[0].doubles, expected.doubles, floor: 0.01) < 1e-5)
    #expect(first.bytes != start.parameters.leaves[0].bytes)
  }

  @Test func frozenParametersStay() throws {
    let trainer = Trainer(
      Network(), loss: CrossEntropy(), optimizer: Adam(groups: [ParameterGroup("first/*", isFrozen: true)]),
      schedule: .constant(1e-2))
    let start = Network().initialized(for: [64, 1, 8, 8], key: Key(1))
    trainer.variables = start
    try trainer.fit(Self.loader(Self.split.train), for: .steps(3))
    let end = trainer.variables!
    for name in start.parameters.names {
      #expect((start.parameters[name]!.bytes == end.parameters[name]!.bytes) == name.hasPrefix("first/"), "\(name)")
    }
  }

  @Test func stoppingEarlyBringsTheBestEpochBack() throws {
    // The learning rate is far too high from the third epoch on.
    let batches = Self.loader(Self.split.train).batchCount
    let trainer = Trainer(
      Network(), loss: CrossEntropy(), optimizer: SGD(),
      schedule: Schedule { step, _ in step < 2 * batches ? 0.1 : 10 },
      metrics: [.accuracy], clipping: .globalNorm(1))
    trainer.earlyStopping = EarlyStopping(patience: 2)
    let validation = Self.loader(Self.split.validation)
    let result = try trainer.fit(Self.loader(Self.split.train), validation: validation, for: .epochs(50))
    #expect(result.ending == .stoppedEarly)
    let losses = result.epochs.map { $0.validationLoss! }
    let best = losses.min()!
    #expect(losses.last! > best)
    #expect(losses.count == losses.firstIndex(of: best)! + 3)
    #expect(try trainer.evaluate(validation).loss == best)
  }

  @Test func aPlateauLowersTheRate() throws {
    // Steps too small to change a weight: the loss stays.
    let trainer = Trainer(Linear(), loss: CrossEntropy(), optimizer: SGD(), schedule: .constant(1e-12))
    trainer.plateau = Plateau(factor: 0.5, patience: 1)
    let result = try trainer.fit(Self.loader(Self.split.train.subset(Array(0..<64))), for: .epochs(6))
    // Epoch 0 is the first best; 1 and 2 fail, so epoch 3 runs at half; 3 and 4 fail, epoch 5 at a quarter.
    #expect(result.epochs.map(\.learningRate) == [1e-12, 1e-12, 1e-12, 5e-13, 5e-13, 2.5e-13])
  }

  @Test func eventsTellTheProgress() throws {
    let data = Self.loader(Self.split.train.subset(Array(0..<150)))
    let path = temporaryPath("events")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let trainer = Self.trainer()
    trainer.checkpoints = CheckpointPolicy(path: path, everySteps: 2)
    var (steps, epochs, saved): ([TrainingProgress], [EpochSummary], Int) = ([], [], 0)
    try trainer.fit(data, for: .epochs(2)) { event in
      switch event {
      case .step(let progress): steps.append(progress)
      case .epoch(let summary): epochs.append(summary)
      case .checkpoint: saved += 1
      }
      return .proceed
    }
    #expect(steps.map(\.step) == [1, 2, 3, 4, 5, 6])
    #expect(steps.map(\.epoch) == [0, 0, 0, 1, 1, 1])
    #expect(steps.allSatisfy { $0.totalSteps == 6 && $0.loss > 0 && $0.gradientNorm > 0 && $0.samplesPerSecond > 0 })
    #expect(steps.last!.secondsLeft == 0 && steps[0].secondsLeft > 0)
    #expect(epochs.map(\.steps) == [3, 6])
    // After steps 2 and 4, and at the ends of both epochs.
    #expect(saved == 4)
    // 64, 64 and 22 samples.
    let mean = zip(steps.prefix(3), [64.0, 64, 22]).reduce(0) { $0 + $1.0.loss * $1.1 } / 150
    #expect(abs(epochs[0].trainingLoss - mean) < 1e-9)
    #expect(bits(try Trainer.variables(from: path)) == bits(trainer.variables))
  }

  @Test func aCancelledTaskEndsTheRunAndKeepsItsState() async throws {
    let (steps, ending, saved) = try await Task {
      let trainer = Self.trainer()
      let path = temporaryPath("cancelled")
      defer { try? FileManager.default.removeItem(atPath: path) }
      trainer.checkpoints = CheckpointPolicy(path: path)
      let result = try trainer.fit(Self.loader(Self.split.train), for: .epochs(3)) { event in
        if case .step(let progress) = event, progress.step == 4 { withUnsafeCurrentTask { $0?.cancel() } }
        return .proceed
      }
      let other = Self.trainer()
      try other.load(from: path)
      return (trainer.stepCount, result.ending, bits(other.variables) == bits(trainer.variables))
    }.value
    #expect(steps == 4)
    #expect(ending == .cancelled)
    #expect(saved)
  }

  @Test func regressionAndLanguageModelsTrain() throws {
    let x = (0..<256).map { Float($0) / 128 - 1 }
    let line = LabeledData(
      name: "line", values: x, sampleShape: [1], target: .values(x.map { 2 * $0 - 0.5 }, names: ["y"]))
    let regression = Trainer(
      Affine(), loss: MeanSquaredError(), optimizer: SGD(momentum: 0.9), schedule: .constant(0.1),
      metrics: [.rootMeanSquaredError, .meanAbsoluteError])
    try regression.fit(DataLoader(line, batchSize: 32, seed: 1), for: .epochs(40))
    let parameters = regression.variables!.parameters
    #expect(largestError(parameters.leaves.flatMap(\.doubles), [2, -0.5], floor: 1) < 1e-4)

    // Each token decides the next.
    let text = try TextCorpus(name: "cycle", text: String(repeating: "abcde", count: 80))
    let model = Trainer(
      Bigram(tokens: text.vocabulary.count), loss: CrossEntropy(), optimizer: Adam(), schedule: .constant(0.1),
      metrics: [.perplexity(), .bitsPerCharacter(), .accuracy])
    let data = DataLoader(try text.windows(length: 12), batchSize: 8, seed: 2)
    let result = try model.fit(data, for: .epochs(30))
    #expect(result.epochs.last!.trainingMetrics["accuracy"] == 1)
    let evaluation = try model.evaluate(data)
    #expect(evaluation.metrics["perplexity"]! < 1.05)
    #expect(abs(evaluation.metrics["bits per character"]! - evaluation.loss * 1.4426950408889634) < 1e-6)
  }

  private struct Affine: Layer {
    func forward(_ x: Tensor, _ scope: Scope) -> Tensor { Dense(1)(x, scope["dense"]) }
  }

  private struct Bigram: Layer {
    var tokens: Int
    func forward(_ x: Tensor, _ scope: Scope) -> Tensor { scope.parameter("table", [tokens, tokens], .zeros).take(x) }
  }
}
