import ArgumentParser
import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaInterchange
import SomaLearning
import SomaNetworks

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract:
      "Read a trained model: signs of its weights, order, sparsity; or a fitted field: what it holds, its size.",
    discussion: """
      EXAMPLES
        soma inspect digits.soma                         shares of negative weights
        soma inspect prices.soma --monotone              does it keep the order of its inputs?
        soma inspect kjv.soma --sparsity --text kjv.txt --cett 0.2
        soma inspect all-MiniLM-L6-v2 --sparsity --text kjv.txt    the folder of a pretrained transformer
        soma info photo.soma                             a fitted field's quality, and its size against PNG and JPEG
      """, aliases: ["info"])
  @Argument(help: "The model's file, or the folder of a pretrained transformer.") var model: String
  @Flag(help: "Whether outputs keep the order of inputs: proven by signs, or a pair that shows they do not.")
  var monotone = false
  @Flag(help: "How sparsely feed-forward blocks work on a text.") var sparsity = false
  @Option(help: ArgumentHelp("The text for --sparsity.", valueName: "file")) var text: String?
  @Option(help: "The error that leaving out inactive neurons may make.") var cett = 0.2
  @OptionGroup(title: "Output") var output: OutputChoice

  func validate() throws {
    guard cett > 0, cett < 1 else { throw ValidationError("--cett must be between 0 and 1, not \(cett).") }
    if sparsity, text == nil { throw ValidationError("--sparsity wants --text FILE.") }
    if sparsity, monotone { throw ValidationError("Give one of --monotone and --sparsity.") }
  }

  func run() throws {
    if SavedField.isField(model) { return try showField(SavedField.load(model)) }
    if FileManager.default.fileExists(atPath: "\(model)/config.json") {
      guard sparsity, let text else {
        throw ComparisonError("\(model): of a pretrained transformer only --sparsity is read")
      }
      return try show(SparsityReading(pretrainedFeedForwards(model, text: text), cett: cett))
    }
    let saved = try SavedModel.load(model)
    if monotone { return try showOrder(saved) }
    if sparsity { return try showSparsity(saved) }
    let signs = SignStructure(saved.variables.parameters)
    if output.json {
      return print(
        try jsonText(
          signs.entries.map { ["name": $0.name, "negative": "\($0.negativeShare)", "inhibition": "\($0.inhibition)"] }))
    }
    var table = TextColumns(headings: ["weight", "numbers", "negative", "Σ|W⁻|/Σ|W|"], alignedRight: [1, 2, 3])
    table.rows = signs.entries.map { entry in
      [
        entry.name, String(entry.count), String(format: "%.1f %%", entry.negativeShare * 100),
        String(format: "%.3f", entry.inhibition),
      ]
    }
    for line in table.lines { print(line) }
  }

  private func showOrder(_ saved: SavedModel) throws {
    guard saved.description.task != .text else { throw ComparisonError("\(model): symbols have no order to keep") }
    let network = try saved.network()
    let shape = saved.inputShape(1)
    let result = network.orderPreservation(saved.variables, for: shape)
    let inputs = shape.elementCount <= 64 ? network.monotoneInputs(saved.variables, for: shape) : []
    let text: String
    switch result {
    case .proven: text = "every output keeps the order of the inputs (proven by the signs of all paths)"
    case .refuted(_, _, let drop): text = "an output falls by \(drop) while no input falls, in standardized inputs"
    case .undecided: text = "undecided: some path may fall, but no pair of inputs that shows it was found"
    }
    if output.json {
      return print(
        try jsonText(["order": text, "nonDecreasingInputs": inputs.map { $0 ? "yes" : "open" }.joined(separator: ",")]))
    }
    print(text)
    if !inputs.isEmpty {
      print("inputs in which it certainly never falls: \(inputs.filter { $0 }.count) of \(inputs.count)")
    }
  }

  private func showSparsity(_ saved: SavedModel) throws {
    guard saved.description.task == .text, let vocabulary = saved.description.vocabulary, let text else {
      throw ComparisonError("\(model): sparsity is read of a language model")
    }
    let corpus = try TextCorpus.read(text, vocabulary: vocabulary)
    let windows = try corpus.windows(length: saved.description.sampleShape[0])
    let tokens = try windows.batch(of: Array(0..<min(windows.count, 16))).features
    try show(SparsityReading(try saved.network(), saved.variables, tokens, cett: cett))
  }

  private func show(_ reading: SparsityReading) throws {
    guard !reading.layers.isEmpty else { throw ComparisonError("\(model): it has no feed-forward blocks") }
    var table = TextColumns(
      headings: ["block", "threshold", "inactive", "zero", "reuse", "co-activation gap", "KB a token", "with reuse"],
      alignedRight: Set(1...7))
    table.rows = reading.layers.map { layer in
      [
        layer.path, String(format: "%.4g", layer.threshold), String(format: "%.1f %%", layer.sparsity * 100),
        String(format: "%.1f %%", layer.zeros * 100), String(format: "%.2f", layer.reuse),
        String(format: "%.2f", layer.coactivationGap), String(format: "%.0f", layer.bytesPerToken / 1024),
        String(format: "%.0f", layer.bytesWithReuse / 1024),
      ]
    }
    if output.json {
      return print(try jsonText(table.rows.map { Dictionary(uniqueKeysWithValues: zip(table.headings, $0)) }))
    }
    for line in table.lines { print(line) }
  }

  private struct FieldFacts: Encodable {
    var signal: String
    var network: String
    var parameters: Int
    var bits: Int
    var quality: Double
    var fileBytes: Int
    var numberBytes: Int
    var source: String
    var sourceBytes: Int
    var pngBytes: Int?
    var jpegBytes: Int?
    var jpegSetting: Int?
  }

  private func showField(_ field: SavedField) throws {
    guard !monotone, !sparsity else { throw FieldError("\(model): order and sparsity are read of trained models") }
    let about = field.description
    var facts = FieldFacts(
      signal: about.signal.words, network: about.specification.name, parameters: field.parameters.elementCount,
      bits: about.bits ?? 32, quality: about.quality,
      fileBytes: (try? FileManager.default.attributesOfItem(atPath: model)[.size] as? NSNumber)?.intValue ?? 0,
      numberBytes: field.payloadBytes(), source: about.source, sourceBytes: about.sourceBytes)
    if case .image(let width, let height, _) = about.signal {
      // The picture that the field draws, packed without loss, and with the loss that the field itself has against the original.
      let image = try field.image(width: width, height: height)
      facts.pngBytes = PNG.encode(image).count
      let jpeg = SavedField.jpegSize(of: image, quality: about.quality)
      (facts.jpegBytes, facts.jpegSetting) = (jpeg.bytes, jpeg.setting)
    }
    if output.json { return print(try jsonText(facts)) }
    print("\(facts.signal), fitted to \(facts.source) (\(facts.sourceBytes) bytes)")
    print(
      "\(facts.network), \(facts.parameters) numbers of \(facts.bits) bits: "
        + String(format: "PSNR %.2f dB", facts.quality))
    print("file \(facts.fileBytes) bytes, numbers alone \(facts.numberBytes)")
    if let png = facts.pngBytes, let jpeg = facts.jpegBytes, let setting = facts.jpegSetting {
      print("the picture it draws: PNG \(png) bytes; JPEG with as much loss \(jpeg) bytes (quality setting \(setting))")
    }
  }
}
