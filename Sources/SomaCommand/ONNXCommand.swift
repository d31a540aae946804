import ArgumentParser
import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaInterchange
import SomaNetworks

struct ONNXCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "onnx",
    abstract: "Models of the ONNX standard: what is in a file, run it, draw it, check it.",
    discussion: """
      EXAMPLES
        soma onnx show resnet.onnx
        soma onnx check bert.onnx --dim batch=1 --dim sequence=128
        soma onnx run resnet.onnx --input image=picture.npy --out answers.npz
        soma onnx draw resnet.onnx --out resnet.svg
        soma onnx export digits.soma --out digits.onnx --batch 32
        soma onnx samples samples/
        soma onnx conformance tests/
      """,
    subcommands: [Show.self, Check.self, Run.self, Draw.self, Export.self, Samples.self, Conformance.self])

  /// Lengths and shapes that a model leaves open.
  struct Lengths: ParsableArguments {
    @Option(name: .customLong("dim"), help: ArgumentHelp("The length of a named axis.", valueName: "name=length"))
    var dimensions: [String] = []
    @Option(name: .customLong("shape"), help: ArgumentHelp("An input's shape.", valueName: "input=2x3x4"))
    var shapes: [String] = []

    func values() throws -> (dimensions: [String: Int], shapes: [String: Shape]) {
      var lengths = [String: Int]()
      for text in dimensions {
        let (name, value) = try pair(text, "--dim")
        guard let length = Int(value), length >= 0 else { throw ValidationError("--dim \(text): no length") }
        lengths[name] = length
      }
      var wholes = [String: Shape]()
      for text in shapes {
        let (name, value) = try pair(text, "--shape")
        let parts = value.split(separator: "x").map { Int($0) }
        guard parts.allSatisfy({ $0 ?? -1 >= 0 }) else { throw ValidationError("--shape \(text): no shape") }
        wholes[name] = Shape(parts.compactMap { $0 })
      }
      return (lengths, wholes)
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Inputs, outputs, operators and size of a model.")

    @Argument(help: "The model's file.") var model: String
    @OptionGroup(title: "Output") var output: OutputChoice

    func run() throws {
      let model = try ONNXModel.read(model)
      let counts = model.operatorCounts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      if output.json {
        struct Description: Encodable {
          var operatorSet: Int?
          var producer: String
          var parameters: Int
          var bytes: Int
          var inputs: [String]
          var outputs: [String]
          var operators: [String: Int]
        }
        return print(
          try jsonText(
            Description(
              operatorSet: model.operatorSet, producer: model.producer, parameters: model.parameters.count,
              bytes: model.parameters.bytes, inputs: model.inputs.map(\.description),
              outputs: model.outputs.map(\.description), operators: model.operatorCounts)))
      }
      print(
        "operator set \(model.operatorSet.map(String.init) ?? "none"), made by \(model.producer.isEmpty ? "?" : model.producer)"
      )
      print("\(model.parameters.count) numbers, \(formattedBytes(model.parameters.bytes))")
      for port in model.inputs { print("input   \(port.description)") }
      for port in model.outputs { print("output  \(port.description)") }
      var table = TextColumns(headings: ["operator", "nodes"], alignedRight: [1])
      table.rows = counts.map { [$0.key, String($0.value)] }
      for line in table.lines { print(line) }
    }
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Whether Soma can run a model: its graph, the operations and memory of a run.")

    @Argument(help: "The model's file.") var model: String
    @OptionGroup(title: "Shapes") var lengths: Lengths
    @OptionGroup(title: "Output") var output: OutputChoice

    func run() throws {
      let values = try lengths.values()
      let network = try ONNXModel.read(model).network(dimensions: values.dimensions, shapes: values.shapes)
      let executable = try Executable(network.graph)
      let cost = executable.graph.cost()
      if output.json {
        return print(
          try jsonText([
            "nodes": executable.graph.nodes.count, "operations": cost.total.operations,
            "memory": executable.memory.total,
          ]))
      }
      for (name, type) in zip(network.inputNames, network.graph.inputTypes) { print("input   \(name): \(type)") }
      for (name, type) in zip(network.outputNames, network.graph.outputTypes) { print("output  \(name): \(type)") }
      print("\(executable.graph.nodes.count) primitives, \(cost.total.operations) operations a run")
      print("memory \(formattedBytes(executable.memory.total))")
    }
  }

  struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Run a model on arrays.",
      discussion:
        "Inputs are .npy files by name, or one .npz archive with all. Outputs are printed, or written to an .npz archive."
    )

    @Argument(help: "The model's file.") var model: String
    @Option(help: ArgumentHelp("An input.", valueName: "name=file.npy")) var input: [String] = []
    @Option(help: ArgumentHelp("All inputs.", valueName: "file.npz")) var inputs: String?
    @Option(help: ArgumentHelp("Where to write the outputs.", valueName: "file.npz")) var out: String?
    @OptionGroup(title: "Output") var output: OutputChoice

    func run() throws {
      var arrays = try inputs.map { try NPZ.read($0) } ?? [:]
      for text in input {
        let (name, path) = try pair(text, "--input")
        arrays[name] = try NPY.read(path)
      }
      let results = try ONNXModel.read(model).run(arrays)
      if let out {
        try NPZ.write(Dictionary(results.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }), to: out)
        if !output.quiet { Terminal.note("\(results.count) outputs: \(out)") }
      } else if output.json {
        print(try jsonText(Dictionary(results.map { ($0.name, $0.value.doubles) }, uniquingKeysWith: { $1 })))
      } else {
        for (name, value) in results { print("\(name): \(value)") }
      }
    }
  }

  struct Draw: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Draw a model's graph as SVG, or as DOT.")

    @Argument(help: "The model's file.") var model: String
    @Option(help: ArgumentHelp("The picture's file.", valueName: "file.svg or .dot")) var out: String
    @OptionGroup(title: "Shapes") var lengths: Lengths

    func run() throws {
      let values = try lengths.values()
      let network = try ONNXModel.read(model).network(dimensions: values.dimensions, shapes: values.shapes)
      let names = Dictionary(uniqueKeysWithValues: network.inputNames.enumerated().map { ($0.offset, $0.element) })
      try Diagram(network.graph.simplified(), depth: 1, inputs: names).write(to: out)
      Terminal.note(out)
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a model that was trained here as an ONNX model.",
      discussion: """
        Its input is what the network takes: standardized as in training, with the number of samples fixed. A ready network
        such as resnet8:gelu is written as it begins, with random numbers.
        """)

    @OptionGroup(title: "Network") var network: InspectedNetwork
    @Option(help: ArgumentHelp("The file to write.", valueName: "file.onnx")) var out: String
    @Option(help: "Samples of a run.") var batch = 1
    @Option(help: "The seed of a ready network's numbers.") var seed = 0
    @OptionGroup(title: "Output") var output: OutputChoice

    func validate() throws {
      guard (1...1 << 20).contains(batch) else {
        throw ValidationError("--batch must be between 1 and 1048576, not \(batch).")
      }
    }

    func run() throws {
      let (_, layer, one) = try network.resolve()
      let type = TensorType(shape: Shape([batch] + one.shape.dimensions.dropFirst()), dtype: one.dtype)
      let isFile = FileManager.default.fileExists(atPath: network.network)
      let variables =
        isFile ? try SavedModel.load(network.network).variables : layer.initialized(for: one, key: Key(seed))
      let graph = Graph(tracing: [type]) { [layer.apply(variables, $0[0])] }
      try ONNXExport.write(graph.simplified(), inputNames: ["input"], outputNames: ["output"], to: out)
      if !output.quiet { Terminal.note(out) }
    }
  }

  struct Samples: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write small networks, layers and activations of every kind, with an input and its output.",
      discussion: "For scripts/check-onnx-export.py, which runs them with onnxruntime.")

    @Argument(help: "The folder to write into.") var directory: String
    @OptionGroup(title: "Output") var output: OutputChoice

    func run() throws {
      let samples = try ONNXSample.all()
      var written = 0
      for sample in samples {
        do {
          try sample.write(to: directory)
          written += 1
        } catch let error as ONNXError where error.kind == .unsupported {
          print("not written  \(sample.name): \(error)")
        }
      }
      print("\(written) of \(samples.count) written to \(directory)")
    }
  }

  struct Conformance: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Run the standard's own tests, as scripts/make-onnx-conformance.py writes them.",
      discussion: "Exit status 1 if a test failed that is not listed as not supported.")

    @Argument(help: "The folder with the tests.") var directory: String
    @Option(help: "Only tests whose name contains this.") var filter: String?
    @Flag(help: "Print passed tests too.") var all = false
    @OptionGroup(title: "Output") var output: OutputChoice

    func run() throws {
      let names = try ONNXConformance.tests(in: directory).filter { filter == nil || $0.contains(filter ?? "") }
      let progress = ProgressLine(isQuiet: output.quiet)
      var outcomes = [ONNXConformance.Outcome]()
      for (i, name) in names.enumerated() {
        progress.update(Double(i) / Double(names.count), name)
        outcomes.append(ONNXConformance.run(name, in: directory))
      }
      progress.clear()
      let scope = outcomes.filter(\.isInScope)
      let passed = scope.filter { $0.verdict == .passed }.count
      let failed = outcomes.filter { if case .failed = $0.verdict { true } else { false } }.count
      if output.json {
        struct Row: Encodable { var name: String, verdict: String, reason: String, inScope: Bool }
        print(
          try jsonText(outcomes.map { Row(name: $0.name, verdict: $0.word, reason: $0.reason, inScope: $0.isInScope) }))
      } else {
        for outcome in outcomes where all || outcome.verdict != .passed {
          print("\(outcome.word)  \(outcome.name)\(outcome.reason.isEmpty ? "" : ": \(outcome.reason)")")
        }
        print(
          "\(outcomes.count) tests: \(outcomes.filter { $0.verdict == .passed }.count) passed, \(failed) failed, "
            + "\(outcomes.filter { $0.word == "not supported" }.count) not supported")
        let share = scope.isEmpty ? 0 : Double(passed) / Double(scope.count) * 100
        print(
          "in the default domain, without sequences, maps, optional values and text: \(passed) of \(scope.count) passed "
            + String(format: "(%.1f %%)", share))
      }
      if failed > 0 { throw ExitCode(1) }
    }
  }
}

extension ONNXConformance.Outcome {
  fileprivate var word: String {
    switch verdict {
    case .passed: "passed"
    case .failed: "failed"
    case .notSupported: "not supported"
    }
  }
  fileprivate var reason: String {
    switch verdict {
    case .passed: ""
    case .failed(let text), .notSupported(let text): text
    }
  }
}

/// The two sides of `name=value`.
private func pair(_ text: String, _ option: String) throws -> (String, String) {
  guard let place = text.lastIndex(of: "="), place > text.startIndex else {
    throw ValidationError("\(option) wants NAME=VALUE, not \(text)")
  }
  return (String(text[..<place]), String(text[text.index(after: place)...]))
}
