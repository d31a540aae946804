import ArgumentParser
import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaInterchange
import SomaNetworks
import SomaReports

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Score a trained model on labelled samples, or on a text.",
    discussion: """
      EXAMPLES
        soma evaluate fashion.soma fashion-mnist
        soma evaluate prices.soma other-prices.csv
        soma evaluate kjv.soma other.txt --json
      """)

  @Argument(help: "The model's file.") var model: String
  @Argument(help: "A data set's name, a file or a folder.") var data: String
  @Flag(help: "The training part, of a data set with a fixed test part.") var trainingPart = false
  @OptionGroup(title: "Output") var output: OutputChoice

  func run() throws {
    let scores = try SavedModel.load(model).evaluate(on: data, part: trainingPart ? .train : .test)
    if output.json {
      print(try jsonText(scores))
    } else {
      for (name, value) in scores.sorted(by: { $0.key < $1.key }) { print("\(name): \(short(value))") }
    }
  }
}

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Predict with a trained model: a table, images or an archive in, CSV out.",
    discussion: """
      Tables need the columns the model was trained on, in any order; the target may be missing.

      EXAMPLES
        soma predict prices.soma houses.csv --out predicted.csv
        soma predict fashion.soma shirt.png
        soma predict digits.soma digits | head
      """)

  @Argument(help: "The model's file.") var model: String
  @Argument(help: "A table, an image, a folder of images, an .npz archive or a data set's name.") var data: String
  @Option(help: ArgumentHelp("Where to write the table. Default: standard output.", valueName: "file")) var out: String?

  func run() throws {
    let (columns, rows) = try SavedModel.load(model).predictions(for: data)
    let text = ([columns] + rows).map { $0.map(csvField).joined(separator: ",") + "\n" }.joined()
    if let out {
      try writeText(text, to: out)
      Terminal.note("\(rows.count) predictions: \(out)")
    } else {
      print(text, terminator: "")
    }
  }

  private func csvField(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
    return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}

struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Let a trained language model write.",
    discussion: """
      EXAMPLES
        soma generate kjv.soma --prompt "In the beginning" --count 400
        soma generate gpt2/ --prompt "The capital of France is" --temperature 0     a Hugging Face folder
      """)

  @Argument(help: "The model's file, or a pretrained decoder's folder.") var model: String
  @Option(help: "What it goes on from.") var prompt = ""
  @Option(help: "Tokens to write.") var count = 300
  @Option(help: "Below 1 the likely becomes likelier; 0 takes the likeliest.") var temperature = 0.8
  @Option(help: "Another seed, another text.") var seed = 0

  mutating func validate() throws {
    guard (1...1_000_000).contains(count) else {
      throw ValidationError("--count must be between 1 and 1000000, not \(count).")
    }
    guard temperature >= 0, temperature.isFinite else {
      throw ValidationError("--temperature must be at least 0, not \(temperature).")
    }
  }

  func run() throws {
    if FileManager.default.fileExists(atPath: "\(model)/config.json") {
      let generator = try TextGenerator.read(model)
      return print(
        try generator.continuation(of: prompt, count: count, temperature: temperature, key: Key(seed)))
    }
    print(try SavedModel.load(model).generate(count, prompt: prompt, temperature: temperature, seed: seed))
  }
}

/// A network to look at: a model's file, or a specification with the shape of its input.
struct InspectedNetwork: ParsableArguments {
  @Argument(help: "A model's file, or a ready network such as mlp:gelu, resnet18, gpt.") var network: String

  @Option(
    help: ArgumentHelp(
      "One sample's shape, such as 3,32,32. Default: what is usual for the network.", valueName: "lengths"),
    transform: parseShape)
  var input: [Int]?

  @Option(help: "Classes, predicted numbers, or symbols of the vocabulary.") var outputs = 10

  mutating func validate() throws {
    guard (1...10_000_000).contains(outputs) else {
      throw ValidationError("--outputs must be between 1 and 10000000, not \(outputs).")
    }
  }

  /// The layer and the type of a batch of one.
  func resolve() throws -> (name: String, layer: any Layer, input: TensorType) {
    if FileManager.default.fileExists(atPath: network) {
      let model = try SavedModel.load(network)
      let dtype: DType = model.description.task == .text ? .int32 : .float32
      return (model.description.network, try model.network(), TensorType(shape: model.inputShape(1), dtype: dtype))
    }
    let specification = try NetworkSpecification(parsing: network)
    let sample = input ?? specification.usualInput
    let shape = Shape([1] + sample)
    let dtype: DType = specification.readsSymbols ? .int32 : .float32
    return (
      specification.description, specification.network(input: shape, outputs: outputs),
      TensorType(shape: shape, dtype: dtype)
    )
  }
}

private func parseShape(_ text: String) throws -> [Int] {
  let lengths = try text.split(whereSeparator: { ",x×".contains($0) }).map { part in
    guard let n = Int(part.trimmingCharacters(in: .whitespaces)), n > 0, n < 1 << 20 else {
      throw ValidationError("\"\(part)\" is no length of an axis.")
    }
    return n
  }
  guard (1...4).contains(lengths.count) else { throw ValidationError("a sample has 1 to 4 axes, not \"\(text)\".") }
  return lengths
}

struct DescribeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "describe",
    abstract: "List a network's layers with shapes, parameters, operations and memory.",
    discussion: """
      EXAMPLES
        soma describe resnet8
        soma describe gpt --input 256 --outputs 65
        soma describe fashion.soma --json
      """)

  @OptionGroup(title: "Network") var network: InspectedNetwork
  @OptionGroup(title: "Output") var output: OutputChoice

  private struct Part: Encodable {
    var layer: String
    var shape: String
    var parameters: Int
    var operations: Int
  }

  private struct Whole: Encodable {
    var network: String
    var input: String
    var output: String
    var parameters: Int
    var state: Int
    var operations: Int
    var bytesMoved: Int
    var peakActivationBytes: Int
    var inferenceMemoryBytes: Int
    var layers: [Part]
  }

  func run() throws {
    let (name, layer, input) = try network.resolve()
    let (graph, types) = (layer.graph(for: input), layer.variableTypes(for: input))
    let cost = graph.cost()
    let executable = try Executable(graph)
    var parts: [Part] = []
    // Layers in the order in which they first compute, with the shape they last put out.
    for node in graph.nodes where !node.scope.isEmpty {
      guard let last = node.outputs.last else { continue }
      let shape = graph.types[last].description
      if let i = parts.firstIndex(where: { $0.layer == node.scope }) {
        parts[i].shape = shape
      } else {
        let own = types.parameters.filter {
          $0.name.hasPrefix(node.scope + "/") && !$0.name.dropFirst(node.scope.count + 1).contains("/")
        }
        parts.append(
          Part(
            layer: node.scope, shape: shape, parameters: own.reduce(0) { $0 + $1.type.shape.elementCount },
            operations: cost.byScope[node.scope]?.operations ?? 0))
      }
    }
    let whole = Whole(
      network: name, input: input.description, output: graph.outputTypes[0].description,
      parameters: types.parameterCount,
      state: types.state.reduce(0) { $0 + $1.type.shape.elementCount }, operations: cost.total.operations,
      bytesMoved: cost.total.bytesMoved, peakActivationBytes: cost.peakActivationBytes,
      inferenceMemoryBytes: executable.memory.total, layers: parts)
    if output.json {
      print(try jsonText(whole))
      return
    }
    var table = TextColumns(headings: ["layer", "output", "parameters", "operations"], alignedRight: [2, 3])
    table.rows = parts.map { [$0.layer, $0.shape, grouped($0.parameters), grouped($0.operations)] }
    for line in table.lines { print(line) }
    print("")
    print("\(name): \(input) → \(graph.outputTypes[0])")
    print("parameters \(grouped(whole.parameters))" + (whole.state > 0 ? ", state \(grouped(whole.state))" : ""))
    print("operations for one sample \(grouped(whole.operations)) (a multiplication with an addition counts as two)")
    print(
      "memory for one sample \(formattedBytes(whole.inferenceMemoryBytes)), of which \(formattedBytes(executable.memory.intermediates)) for values in between"
    )
  }

  private func grouped(_ n: Int) -> String {
    var digits = Array(String(n))
    var place = digits.count - 3
    while place > 0 {
      digits.insert(",", at: place)
      place -= 3
    }
    return String(digits)
  }
}

struct DrawCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "draw",
    abstract: "Draw a network as SVG or DOT, with the shapes on its wires.",
    discussion: """
      A file that ends in .dot or .gv gets the graph in Graphviz' language.

      EXAMPLES
        soma draw resnet8 --out resnet8.svg
        soma draw mlp:mish --operations --out mlp.svg
        soma draw resnet8 --out resnet8.dot
        soma draw gpt --depth 1 > gpt.svg
      """)

  @OptionGroup(title: "Network") var network: InspectedNetwork
  @Option(help: "Layers down to this depth become one box each.") var depth = 2
  @Flag(help: "Draw every operation.") var operations = false
  @Option(help: ArgumentHelp("Where to write the picture. Default: standard output.", valueName: "file")) var out:
    String?

  mutating func validate() throws {
    guard (1...100).contains(depth) else { throw ValidationError("--depth must be between 1 and 100, not \(depth).") }
  }

  func run() throws {
    let (_, layer, input) = try network.resolve()
    let diagram = Diagram(layer.graph(for: input).simplified(), depth: operations ? nil : depth)
    guard let out else { return print(diagram.svg(), terminator: "") }
    try diagram.write(to: out)
    Terminal.note("Picture: \(out)")
  }
}

extension Diagram {
  /// As DOT if the file's name ends in `.dot` or `.gv`, else as SVG.
  /// - Throws: `DataError`
  func write(to path: String) throws {
    let isDOT = [".dot", ".gv"].contains { path.lowercased().hasSuffix($0) }
    try writeText(isDOT ? dot() : svg(), to: path)
  }
}
