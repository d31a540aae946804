import Foundation
import Soma
import SomaData
import SomaLearning
import SomaNetworks

extension SavedModel {
  static func isTable(_ path: String) -> Bool {
    let name = (path.hasSuffix(".gz") ? String(path.dropLast(3)) : path).lowercased()
    return [".csv", ".tsv", ".tab", ".data"].contains { name.hasSuffix($0) }
  }

  /// Scores on labelled samples, or on a text.
  /// - Parameter part: for data sets with a fixed test part: which one.
  /// - Throws: `DataError` if the data does not suit the model.
  public func evaluate(on path: String, part: DataSet.Part = .test) throws -> [String: Double] {
    let network = try network()
    if description.task == .text {
      let corpus = try TextCorpus.read(path, level: level, vocabulary: description.vocabulary)
      let windows = try corpus.windows(length: description.sampleShape[0])
      return try score(network, windows, CrossEntropy(), [.bitsPerCharacter(), .perplexity()])
    }
    let raw = try labeled(path, part)
    let data = description.features.map { $0.apply(to: raw) } ?? raw
    switch description.task {
    case .classification: return try score(network, data, CrossEntropy(), [.accuracy])
    case .regression:
      let outputs = try predict(raw.values)
      guard case .values(let given, _) = raw.target, given.count == outputs.count else {
        throw DataError(path, "its target is not the \(description.targetNames) that the model predicts")
      }
      let mean = given.reduce(0) { $0 + Double($1) } / Double(given.count)
      var (error, spread, absolute) = (0.0, 0.0, 0.0)
      for (a, b) in zip(outputs, given) {
        error += (Double(a) - Double(b)) * (Double(a) - Double(b))
        spread += (Double(b) - mean) * (Double(b) - mean)
        absolute += abs(Double(a) - Double(b))
      }
      let n = Double(given.count)
      return ["R²": 1 - error / spread, "RMSE": (error / n).squareRoot(), "MAE": absolute / n]
    case .text: fatalError("texts were evaluated above")
    }
  }

  private var level: TextCorpus.Level {
    if case .bytes? = description.vocabulary { return .byte }
    return .character
  }

  private func score(
    _ network: any Layer, _ data: any Dataset, _ loss: any Loss, _ metrics: [RunningMetric]
  ) throws -> [String: Double] {
    let inference = Inference(network, loss, metrics)
    let result = try inference.evaluate(variables, DataLoader(data, batchSize: min(128, data.count)))
    return result.metrics.merging(["loss": result.loss]) { $1 }
  }

  private func labeled(_ path: String, _ part: DataSet.Part) throws -> LabeledData {
    let data: LabeledData
    if let encoding = description.encoding, SavedModel.isTable(path) {
      data = try encoding.labeled(try CSV.read(path, options: CSV.Options(kinds: encoding.kinds)))
    } else {
      let parts = try DataSet.open(path)
      data = part == .test ? parts.test ?? parts.train : parts.train
    }
    guard data.sampleShape.dimensions == description.sampleShape else {
      throw DataError(path, "has samples of shape \(data.sampleShape), the model wants \(description.sampleShape)")
    }
    guard data.outputCount == description.outputs else {
      throw DataError(path, "has \(data.outputCount) classes or targets, the model \(description.outputs)")
    }
    return data
  }

  /// Labelled samples as the network wants them, divided: the data's own test part, or a share.
  /// - Throws: `DataError` if the data does not suit the model
  public func split(of path: String, seed: UInt64 = 0) throws -> Split {
    let train = try labeled(path, .train)
    let hasTest = description.encoding == nil && (try DataSet.open(path).test) != nil
    let parts = DataSet.Parts(train: train, test: hasTest ? try labeled(path, .test) : nil)
    let split = parts.split(validation: 0.1, test: 0.1, seed: seed)
    func prepared(_ data: LabeledData) -> LabeledData {
      let mapped = description.features.map { $0.apply(to: data) } ?? data
      guard let targets = description.targets, case .values(let values, let names) = mapped.target else {
        return mapped
      }
      return mapped.replacing(target: .values(targets.apply(to: values), names: names))
    }
    return Split(
      train: prepared(split.train), validation: prepared(split.validation), test: prepared(split.test))
  }

  /// Raw outputs for raw features (logits, or targets in their own unit), row-major.
  public func predict(_ values: [Float]) throws -> [Float] {
    let size = description.sampleShape.reduce(1, *)
    let count = values.count / size
    let mapped = description.features?.apply(to: values) ?? values
    let inference = Inference(try network(), MeanSquaredError())
    let outputs = try inference.predict(
      variables, Tensor(mapped, shape: Shape([count] + description.sampleShape)), batchSize: 256)
    let numbers = outputs.floats
    return description.targets?.invert(numbers) ?? numbers
  }

  /// A table of predictions for the samples of a file: a table without (or with) the target, an archive, a folder of images
  /// or one image.
  /// - Returns: column names, and one row for each sample.
  /// - Throws: `DataError`
  public func predictions(for path: String) throws -> (columns: [String], rows: [[String]]) {
    guard description.task != .text else { throw DataError(path, "the model reads text; predict wants samples") }
    let (names, values) = try samples(path)
    let outputs = try predict(values)
    let count = names.count
    if description.task == .regression {
      let rows = (0..<count).map { i in
        [names[i]] + (0..<description.outputs).map { String(outputs[i * description.outputs + $0]) }
      }
      return (["sample"] + description.targetNames.map { "predicted \($0)" }, rows)
    }
    let probabilities = Tensor(outputs, shape: [count, description.outputs]).softmax().floats
    let rows = (0..<count).map { i -> [String] in
      let row = probabilities[(i * description.outputs)..<((i + 1) * description.outputs)]
      let best = row.indices.max { row[$0] < row[$1] }!
      return [names[i], description.classNames[best - row.startIndex], String(row[best])] + row.map { String($0) }
    }
    return (["sample", "class", "probability"] + description.classNames.map { "p(\($0))" }, rows)
  }

  private func samples(_ path: String) throws -> (names: [String], values: [Float]) {
    if let encoding = description.encoding, SavedModel.isTable(path) {
      let table = try CSV.read(path, options: CSV.Options(kinds: encoding.kinds))
      return (table.lines.map { "line \($0)" }, try encoding.features(of: table))
    }
    let lower = path.lowercased()
    if [".png", ".jpg", ".jpeg"].contains(where: lower.hasSuffix) {
      guard description.sampleShape.count == 3 else { throw DataError(path, "the model does not take images") }
      let colour: Image.Colour = description.sampleShape[0] == 1 ? .grey : .rgb
      let image = try Image.read(path).converted(to: colour)
        .resized(width: description.sampleShape[2], height: description.sampleShape[1])
      return ([path], image.planes)
    }
    let data = try labeled(path, .test)
    return ((0..<data.count).map { String($0) }, data.values)
  }

  /// Text that the model writes, one token after the other.
  /// - Parameters:
  ///   - prompt: what it goes on from; must be made of known characters.
  ///   - temperature: below 1 the likely becomes likelier; 0 always takes the likeliest.
  /// - Throws: `DataError` if the model does not read text, or the prompt has unknown characters.
  public func generate(_ count: Int, prompt: String, temperature: Double, seed: Int) throws -> String {
    guard description.task == .text, let vocabulary = description.vocabulary else {
      throw DataError(description.network, "does not write text")
    }
    let context = description.sampleShape[0]
    let network = try network()
    let next = compile { (input: [Tensor]) -> Tensor in
      // Positions behind the last token are padding, which causal networks do not see from it.
      let logits = network.apply(variables.replacingLeaves(Array(input.dropFirst(2))), input[0])
      return logits.reshape([context, description.outputs]).take(input[1], axis: 0)
    }
    var tokens = try vocabulary.encode(prompt, file: "prompt")
    if tokens.isEmpty { tokens = try vocabulary.encode("\n", file: "prompt") }
    let start = tokens.count
    let key = Key(seed)
    for i in 0..<count {
      let window = Array(tokens.suffix(context))
      let padded = window + [Int32](repeating: 0, count: context - window.count)
      let logits = next([Tensor(padded, shape: [1, context]), Tensor([Int32(window.count - 1)])] + variables.leaves)[0]
      let choice =
        temperature <= 0
        ? logits.argMax(-1) : Tensor.categorical(logits: logits * (1 / temperature), key: key.folding(i))
      tokens.append(choice.item(as: Int32.self))
    }
    return try prompt + vocabulary.decode(Array(tokens[start...]))
  }
}
