import Foundation
import Soma
import SomaData
import SomaNetworks

/// How far a run has come.
struct TrainingPosition: Codable {
  var epoch = 0
  /// The next batch of the epoch.
  var batch = 0
  var step = 0
  var learningRate = 0.0
  /// Sums over the epoch so far.
  var lossSum = 0.0
  var lossWeight = 0.0
  var metricSums: [Double] = []
  var metricWeights: [Double] = []
  var history: [EpochSummary] = []
  var order: DataOrder?

  /// What decides which samples a batch has.
  struct DataOrder: Codable, Equatable, CustomStringConvertible {
    /// Nil for streams that do not know.
    var samples: Int?
    var batchSize: Int
    var seed: UInt64?
    var dropsLast: Bool
    var description: String {
      "\(samples.map(String.init) ?? "unknown") samples in batches of \(batchSize), "
        + (seed.map { "seed \($0)" } ?? "in their own order")
        + (dropsLast ? ", the last part left out" : "")
    }
  }

  /// - Throws: `TrainingError` if an epoch that has begun would go on with other data.
  mutating func join(_ data: any BatchSource) throws {
    let given = DataOrder(
      samples: data.sampleCount, batchSize: data.batchSize, seed: data.seed, dropsLast: data.dropsLast)
    if batch > 0, let order, order != given {
      throw TrainingError("the run stands inside an epoch of \(order); it cannot go on with \(given)")
    }
    order = given
  }

  mutating func endEpoch(_ summary: EpochSummary) {
    history.append(summary)
    epoch += 1
    batch = 0
    lossSum = 0
    lossWeight = 0
    metricSums = metricSums.map { _ in 0 }
    metricWeights = metricWeights.map { _ in 0 }
  }
}

/// What a checkpoint says beside its tensors.
private struct CheckpointHeader: Codable {
  static let currentVersion = 1
  var version = currentVersion
  var seed: Int
  var position: TrainingPosition
  var plateau: Plateau?
  var earlyStopping: EarlyStopping?
  /// The names in their order, which an archive does not keep.
  var parameters: [String]
  var state: [String]
  var slots: [String: [String]]
  var hasAverage: Bool
  var hasBest: Bool
}

extension Trainer {
  /// Writes all that a run needs to go on: a `.npz` archive of the parameters, the network's state, the optimizer's state,
  /// averages and best variables, and an entry `header` with JSON (position in the data and schedule, plateau, early
  /// stopping, history). The file is replaced as a whole or not at all.
  /// - Throws: `DataError` if the file cannot be written, `TrainingError` before the first step.
  public func save(to path: String) throws {
    guard let state = latestState else { throw TrainingError("there is nothing to save before the first step") }
    let header = CheckpointHeader(
      seed: seed, position: position, plateau: plateau, earlyStopping: earlyStopping,
      parameters: state.variables.parameters.names, state: state.variables.state.names,
      slots: state.optimizer.slots.mapValues(\.names), hasAverage: state.average != nil, hasBest: best != nil)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    var arrays = ["header": Tensor([UInt8](try encoder.encode(header))), "optimizer/step": state.optimizer.step]
    func add(_ tensors: Parameters, _ room: String) {
      for (name, tensor) in zip(tensors.names, tensors.leaves) { arrays["\(room)/\(name)"] = tensor }
    }
    add(state.variables.parameters, "parameters")
    add(state.variables.state, "state")
    for (slot, tensors) in state.optimizer.slots { add(tensors, "optimizer/\(slot)") }
    if let average = state.average { add(average, "average") }
    if let best {
      add(best.parameters, "best/parameters")
      add(best.state, "best/state")
    }
    try NPZ.write(arrays, to: path)
  }

  /// Takes a run up where a checkpoint left it: `fit` with the same data continues it bit for bit.
  /// - Throws: `DataError` if the file is damaged, or was made with another optimizer, other averages or another seed.
  public func load(from path: String) throws {
    let arrays = try NPZ.read(path)
    let header = try Self.header(arrays, path)
    guard header.version == CheckpointHeader.currentVersion else {
      throw DataError(
        path, "is a checkpoint of version \(header.version); this program reads \(CheckpointHeader.currentVersion)")
    }
    guard header.seed == seed else {
      throw DataError(path, "was made with seed \(header.seed); the run has \(seed)")
    }
    func take(_ name: String) throws -> Tensor {
      guard let tensor = arrays[name] else { throw DataError(path, at: .entry(name + ".npy", byte: nil), "is missing") }
      return tensor
    }
    func take(_ names: [String], _ room: String) throws -> Parameters {
      Parameters(try names.map { ($0, try take("\(room)/\($0)")) })
    }
    let variables = Variables(
      parameters: try take(header.parameters, "parameters"), state: try take(header.state, "state"))
    guard header.hasAverage == (averaging != nil) else {
      throw DataError(
        path, header.hasAverage ? "holds averaged weights; the run has none" : "lacks the averaged weights")
    }
    let expected = optimizer.initialState(variables.parameters)
    guard expected.slots.mapValues(\.names) == header.slots else {
      throw DataError(
        path,
        "was made with another optimizer: it keeps \(header.slots.keys.sorted()), the run's \(expected.slots.keys.sorted())"
      )
    }
    guard header.position.isSound(metrics: metrics.count) else {
      throw DataError(path, "its header contradicts itself")
    }
    var optimizerState = expected
    optimizerState.step = try take("optimizer/step")
    for (slot, names) in header.slots { optimizerState.slots[slot] = try take(names, "optimizer/\(slot)") }
    let average = header.hasAverage ? try take(header.parameters, "average") : nil
    let loadedBest =
      header.hasBest
      ? Variables(
        parameters: try take(header.parameters, "best/parameters"), state: try take(header.state, "best/state")) : nil

    func check(_ tensors: Parameters, like models: Parameters, _ room: String) throws {
      for (name, model) in zip(models.names, models.leaves) {
        guard let tensor = tensors[name], tensor.shape != model.shape || tensor.dtype != model.dtype else { continue }
        throw DataError(
          path, at: .entry("\(room)/\(name).npy", byte: nil),
          "is \(tensor.dtype)\(tensor.shape), not \(model.dtype)\(model.shape)")
      }
    }
    for (slot, models) in expected.slots {
      try check(optimizerState.slots[slot]!, like: models, "optimizer/\(slot)")
    }
    if let average { try check(average, like: variables.parameters, "average") }
    if let loadedBest {
      try check(loadedBest.parameters, like: variables.parameters, "best/parameters")
      try check(loadedBest.state, like: variables.state, "best/state")
    }
    guard optimizerState.step.shape == .scalar, optimizerState.step.dtype == .int32 else {
      throw DataError(path, at: .entry("optimizer/step.npy", byte: nil), "is no int32 scalar")
    }

    forgetLoops()
    state = TrainingState(variables: variables, optimizer: optimizerState, average: average)
    position = header.position
    plateau = header.plateau
    earlyStopping = header.earlyStopping
    best = loadedBest
    isRestored = false
    lastCheckpoint = path
  }

  /// The variables in a checkpoint, without the rest: the averaged weights if there are any.
  /// - Throws: `DataError` if the file is damaged.
  public static func variables(from path: String) throws -> Variables {
    let arrays = try NPZ.read(path)
    let header = try header(arrays, path)
    let room = header.hasAverage ? "average" : "parameters"
    func take(_ names: [String], _ room: String) throws -> Parameters {
      Parameters(
        try names.map { name in
          guard let tensor = arrays["\(room)/\(name)"] else {
            throw DataError(path, at: .entry("\(room)/\(name).npy", byte: nil), "is missing")
          }
          return (name, tensor)
        })
    }
    return Variables(parameters: try take(header.parameters, room), state: try take(header.state, "state"))
  }

  private static func header(_ arrays: [String: Tensor], _ path: String) throws -> CheckpointHeader {
    guard let text = arrays["header"], text.dtype == .uint8 else {
      throw DataError(path, "is no checkpoint: it has no header")
    }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return try decoder.decode(CheckpointHeader.self, from: Data(text.bytes))
    } catch {
      throw DataError(path, at: .entry("header.npy", byte: nil), "is not the header of a checkpoint")
    }
  }
}

extension TrainingPosition {
  fileprivate func isSound(metrics: Int) -> Bool {
    epoch >= 0 && batch >= 0 && step >= batch && (metricSums.isEmpty || metricSums.count == metrics)
      && metricSums.count == metricWeights.count
  }
}
