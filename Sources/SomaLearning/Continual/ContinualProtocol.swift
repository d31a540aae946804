import Foundation
import Soma
import SomaData
import SomaNetworks

/// Tasks one after the other, each seen once: what does a network still know of the first when it has learned the last?
///
/// Class-incremental: each task brings new classes, one softmax covers all of them, and nothing says to which task a sample
/// belongs (van de Ven, Tolias 2019, arXiv 1904.07734).
public struct ContinualProtocol: Sendable {
  /// What is done against forgetting.
  public enum Strategy: Sendable, Hashable {
    case plain
    /// `λ/2 Σ F (θ - θ*)²` for each earlier task: `F` the mean squared gradient of the log-likelihood of sampled labels at its
    /// end (Kirkpatrick et al. 2017, arXiv 1612.00796).
    case elasticWeights(lambda: Double)
    /// So many samples of each earlier task, drawn again in later ones.
    case replay(perTask: Int)
    /// All tasks at once, shuffled: what could be reached.
    case joint
  }

  /// Classes of the tasks.
  public let tasks: [[Int32]]
  public let train: LabeledData
  public let test: LabeledData

  /// Tasks of `classesPerTask` classes in the order of their labels.
  /// - Throws: `TrainingError` if the data has no classes, or they do not divide.
  public init(classIncremental train: LabeledData, test: LabeledData, classesPerTask: Int) throws {
    guard train.isClassification, test.isClassification else {
      throw TrainingError("\(train.name): class-incremental tasks want classes, not numbers")
    }
    let classes = train.classNames.count
    guard classesPerTask > 0, classes % classesPerTask == 0 else {
      throw TrainingError("\(train.name): \(classes) classes do not divide into tasks of \(classesPerTask)")
    }
    tasks = stride(from: 0, to: classes, by: classesPerTask).map { start in
      (start..<start + classesPerTask).map(Int32.init)
    }
    self.train = train
    self.test = test
  }

  /// The samples of a task, in their own order.
  public static func samples(of classes: [Int32], in data: LabeledData) -> [Int] {
    let labels = data.labels ?? []
    return labels.indices.filter { classes.contains(labels[$0]) }
  }

  /// How a run went.
  public struct Outcome: Sendable {
    /// `accuracies[t][k]`: on task `k` after learning task `t`.
    public var accuracies: [[Double]]
    /// On all classes, at the end.
    public var finalAccuracy: Double
    public var variables: Variables
    /// The share of the first layer's gradient elements that were exactly zero, over all steps.
    public var gradientSparsity: Double

    /// The mean over earlier tasks of the best accuracy they ever had minus the last.
    public var forgetting: Double {
      let last = accuracies.count - 1
      guard last > 0 else { return 0 }
      return (0..<last).map { k in (k...last).map { accuracies[$0][k] }.max()! - accuracies[last][k] }
        .reduce(0, +) / Double(last)
    }
  }

  private struct State: TensorTree {
    var variables: Variables
    var optimizer: OptimizerState
    /// Of elastic weights: `Σ F` and `Σ F θ*` of the earlier tasks; the penalty's gradient is `λ (Σ F θ - Σ F θ*)`.
    var importance: Parameters
    var anchor: Parameters

    var leaves: [Tensor] { variables.leaves + optimizer.leaves + importance.leaves + anchor.leaves }
    func replacingLeaves(_ leaves: [Tensor]) -> State {
      var rest = leaves[...]
      func take(_ count: Int) -> [Tensor] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
      }
      return State(
        variables: variables.replacingLeaves(take(variables.leaves.count)),
        optimizer: optimizer.replacingLeaves(take(optimizer.leaves.count)),
        importance: importance.replacingLeaves(take(importance.count)),
        anchor: anchor.replacingLeaves(take(anchor.count)))
    }
  }

  /// Trains a classifier through the tasks, one pass over each in the samples' order.
  /// - `network`: gives scores of all classes
  /// - `onProgress`: told the share done; may throw to end the run
  public func run(
    _ network: any Layer, optimizer: any Optimizer, learningRate: Double, batch: Int = 64, strategy: Strategy = .plain,
    seed: Int = 0, onProgress: (Double) throws -> Void = { _ in }
  ) throws -> Outcome {
    let shape = [1] + train.sampleShape
    let variables = network.initialized(for: shape, key: Key(seed).folding("weights"))
    let zeros = Parameters(zip(variables.parameters.names, variables.parameters.leaves.map { Tensor.zeros(like: $0) }))
    var state = State(
      variables: variables, optimizer: optimizer.initialState(variables.parameters), importance: zeros, anchor: zeros)
    var generator = SeededGenerator(seed: UInt64(seed), stream: 7)
    var kept: [Int] = []
    var accuracies: [[Double]] = []
    var (zeroCount, gradientCount) = (0.0, 0.0)
    let parts = strategy == .joint ? [tasks.flatMap { $0 }] : tasks
    let total = Double(train.count)
    var done = 0.0

    for (number, classes) in parts.enumerated() {
      var order = Self.samples(of: classes, in: train)
      let own = order
      if case .replay = strategy { order = shuffled(order + kept, &generator) }
      if strategy == .joint { order = shuffled(order, &generator) }
      var loop: (count: Int, step: CompiledLoop<State, [Tensor], Tensor>)?
      for start in stride(from: 0, to: order.count, by: batch) {
        let indices = Array(order[start..<min(start + batch, order.count)])
        let samples = try train.batch(of: indices)
        let input = [samples.features, samples.targets, Tensor(learningRate, dtype: .float64)]
        // A last batch with fewer samples has a step of its own.
        if loop?.count != indices.count {
          loop = (
            indices.count,
            try CompiledLoop(loop?.step.state ?? state, example: input, step(network, optimizer, strategy, seed))
          )
        }
        loop!.step.load(input)
        loop!.step.step()
        let counts = loop!.step.output.doubles
        guard counts[0].isFinite else {
          throw TrainingError("the loss became \(counts[0]) in task \(number + 1)")
        }
        zeroCount += counts[1]
        gradientCount += counts[2]
        done += Double(indices.count)
        try onProgress(min(1, done / total))
      }
      if let loop { state = loop.step.state }
      if case .elasticWeights = strategy, number + 1 < parts.count {
        let fisher = try fisherInformation(network, state.variables, own, seed: seed &+ number)
        for name in fisher.names {
          let parameter = state.variables.parameters[name]!
          state.importance[name] = state.importance[name]! + fisher[name]!
          state.anchor[name] = state.anchor[name]! + fisher[name]! * parameter
        }
      }
      if case .replay(let count) = strategy { kept += shuffled(own, &generator).prefix(count) }
      accuracies.append(try tasks.map { try accuracy(network, state.variables, Self.samples(of: $0, in: test)) })
    }
    return Outcome(
      accuracies: accuracies, finalAccuracy: try accuracy(network, state.variables, Array(0..<test.count)),
      variables: state.variables, gradientSparsity: zeroCount / max(gradientCount, 1))
  }

  /// Loss, the number of zero elements of the first parameter's gradient, and the number of all of them.
  private func step(
    _ network: any Layer, _ optimizer: any Optimizer, _ strategy: Strategy, _ seed: Int
  ) -> (State, [Tensor]) -> (State, Tensor) {
    { state, input in
      let key = Key(seed).folding("steps").folding(state.optimizer.step)
      let (loss, next, gradients) = valueAndGrad(
        state.variables.parameters,
        withExtra: { parameters in
          let scope = Scope(
            Variables(parameters: parameters, state: state.variables.state), isTraining: true, key: key)
          let output = network(input[0], scope)
          return (CrossEntropy()(output, input[1]), scope.variables.state)
        })
      var pulled = gradients
      if case .elasticWeights(let lambda) = strategy {
        for name in gradients.names {
          let pull = state.importance[name]! * state.variables.parameters[name]! - state.anchor[name]!
          pulled[name] = gradients[name]! + pull * lambda
        }
      }
      let first = gradients.leaves[0]
      let zeros = (first .== 0).cast(to: .float32).sum()
      var result = state
      (result.variables.parameters, result.optimizer) = optimizer.update(
        state.variables.parameters, gradients: pulled, state: state.optimizer, learningRate: input[2])
      result.variables.state = next
      return (result, Tensor.stack([loss.cast(to: .float32), zeros, Tensor(first.count, dtype: .float32)]))
    }
  }

  /// The mean squared gradient of the log-likelihood, labels drawn from the network's own predictions, over at most 256 samples.
  private func fisherInformation(
    _ network: any Layer, _ variables: Variables, _ samples: [Int], seed: Int
  ) throws -> Parameters {
    let stride = max(1, samples.count / 256)
    let batch = try train.batch(of: samples.enumerated().filter { $0.offset % stride == 0 }.map(\.element))
    let scores = network.apply(variables, batch.features)
    let labels = Tensor.categorical(logits: scores, key: Key(seed).folding("fisher"))
    let squares = vmap(inAxes: [0, 0]) { (sample: [Tensor]) -> [Tensor] in
      grad { (parameters: Parameters) in
        let own = network.apply(
          Variables(parameters: parameters, state: variables.state), sample[0].expandDimensions(at: 0))
        return CrossEntropy()(own, sample[1].expandDimensions(at: 0))
      }(variables.parameters).leaves.map { $0.squared() }
    }([batch.features, labels])
    return variables.parameters.replacingLeaves(squares.map { $0.mean([0]) })
  }

  private func shuffled(_ indices: [Int], _ generator: inout SeededGenerator) -> [Int] {
    generator.permutation(indices.count).map { indices[$0] }
  }

  private func accuracy(_ network: any Layer, _ variables: Variables, _ indices: [Int]) throws -> Double {
    guard !indices.isEmpty else { return .nan }
    var right = 0
    for start in stride(from: 0, to: indices.count, by: 1000) {
      let batch = try test.batch(of: Array(indices[start..<min(start + 1000, indices.count)]))
      let guesses: [Int32] = network.apply(variables, batch.features).argMax().array()
      let labels: [Int32] = batch.targets.array()
      right += zip(guesses, labels).count { $0 == $1 }
    }
    return Double(right) / Double(indices.count)
  }
}
