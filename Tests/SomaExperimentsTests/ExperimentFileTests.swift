import Foundation
import Testing

@testable import SomaExperiments

@Suite struct ExperimentFileTests {
  static let whole = """
    experiment: compare
    data:
      name: iris
    candidates:
      - relu
      - mlp-deep:gelu
    network: mlp
    optimizer: momentum
    batch: 16
    budget:
      parameters: 400
      epochs: 6
      tuning-epochs: 2
      learning-rates: [0.003, 3e-2]
    seeds: 2
    output:
      html: page.html
      tensorboard: events
    """

  @Test func everythingIsRead() throws {
    let file = try ExperimentFile(parsing: Self.whole, file: "iris.yaml")
    #expect(file.samples == .init("iris"))
    #expect(file.candidates == ["relu", "mlp-deep:gelu"])
    let options = file.options
    #expect(options.network == "mlp" && options.optimizer == .momentum && options.batch == 16 && options.seeds == 2)
    #expect(options.parameters == 400 && options.epochs == 6 && options.tuningEpochs == 2)
    #expect(options.learningRates == [0.003, 0.03])
    #expect(file.output == .init(html: "page.html", tensorBoard: "events"))
  }

  @Test func whatIsLeftOpenIsTheCommandsDefault() throws {
    let file = try ExperimentFile(parsing: "{data: {name: iris}, candidates: relu}", file: "a.yaml")
    #expect(file.options == FairComparison.Options() && file.candidates == ["relu"] && file.output == .init())
  }

  /// Edits of the whole file, and where the error must point.
  static let faults: [(change: (String, String), place: String, says: String)] = [
    (("  epochs: 6", "  epoch: 6"), "12:3", "unknown key \"epoch\" in budget; did you mean epochs?"),
    (("seeds: 2", "sedes: 2"), "15:1", "unknown key \"sedes\"; did you mean seeds?"),
    (("epochs: 6", "epochs: six"), "12:11", "budget.epochs wants a whole number, not \"six\""),
    (("epochs: 6", "epochs: 6.5"), "12:11", "budget.epochs wants a whole number, not \"6.5\""),
    (("epochs: 6", "epochs: 0"), "12:11", "budget.epochs must be between 1 and 1000000, not 0"),
    (("epochs: 6", "epochs: [6]"), "12:11", "budget.epochs wants a whole number, not a list"),
    (("epochs: 6", "epochs:"), "12:10", "budget.epochs wants a whole number, not nothing"),
    (("parameters: 400", "parameters: -1"), "11:15", "budget.parameters must be at least 1, not -1"),
    (("seeds: 2", "seeds: 1001"), "15:8", "seeds must be between 1 and 1000, not 1001"),
    (("batch: 16", "batch: 99999999999999999999"), "9:8", "batch wants a whole number"),
    (("0.003, 3e-2", "0.003, 0"), "14:27", "budget.learning-rates[2] must be above 0"),
    (("0.003, 3e-2", "0.003, .inf"), "14:27", "budget.learning-rates[2] wants a number, not \".inf\""),
    (("0.003, 3e-2", "0.003, 0.003"), "14:27", "the learning rate 0.003 is given twice"),
    (("[0.003, 3e-2]", "[]"), "14:19", "budget.learning-rates is an empty list"),
    (("optimizer: momentum", "optimizer: adamm"), "8:12", "did you mean adam?"),
    (("experiment: compare", "experiment: train"), "1:13", "which is none of compare"),
    (("  - relu", "  - reul"), "5:5", "did you mean relu"),
    (("  - relu", "  - {name: relu}"), "5:5", "candidates[1] wants a text, not keys with values"),
    (("mlp-deep:gelu", "relu"), "6:5", "relu is given twice"),
    (("network: mlp", "network: mlpp"), "7:10", "did you mean"),
    (("name: iris", "name: irises"), "3:9", "no data set has this name"),
    (("name: iris", "file: nowhere.csv"), "3:9", "nowhere.csv does not exist"),
    (("name: iris", "name: iris\n  target: x"), "4:11", "data.target is for files"),
    (("name: iris", "target: x"), "3:3", "data wants one of name and file"),
    (("  name: iris", "  - iris"), "3:3", "data wants keys with values"),
    (("output:", "candidates: [elu]\noutput:"), "4:1", "candidates is given twice"),
    (("  epochs: 6", "\tepochs: 6"), "12:1", "is no YAML here"),
    (("[0.003, 3e-2]", "[0.003, 3e-2"), "15:6", "is no YAML here"),
  ]

  @Test(arguments: faults.indices) func faultsAreToldWithLineAndColumn(_ index: Int) throws {
    let fault = Self.faults[index]
    let text = Self.whole.replacingOccurrences(of: fault.change.0, with: fault.change.1)
    #expect(text != Self.whole)
    let error = try #require(throws: ExperimentFileError.self) { try ExperimentFile(parsing: text, file: "iris.yaml") }
    let line = error.description
    #expect(line.hasPrefix("iris.yaml:\(fault.place): ") && line.contains(fault.says), "\(line)")
    #expect(!line.contains("\n"))
  }

  @Test(arguments: [
    "", "# nothing", "- relu", "relu", "a: b: c", "{", "&a [*a]", "\u{0}", "--- a\n--- b", "? [1]\n: 2",
  ])
  func whatIsNoExperimentIsRefused(_ text: String) {
    #expect(throws: ExperimentFileError.self) { try ExperimentFile(parsing: text, file: "a.yaml") }
  }

  @Test func deepNestingLongTextsAndManyAliasesEndInAnError() {
    let layers = (1..<30).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]" }.joined(separator: "\n")
    for text in [
      String(repeating: "[", count: 300_000), String(repeating: "{a: ", count: 100_000),
      String(repeating: "x", count: 2 << 20), "a0: &a0 [x, x]\n" + layers,
    ] {
      #expect(throws: ExperimentFileError.self) { try ExperimentFile(parsing: text, file: "a.yaml") }
    }
  }

  /// Every prefix, and every byte replaced by characters that mean something to YAML: an error or an experiment, no crash.
  @Test func damagedFilesNeverStopTheProgram() {
    let bytes = Array(Self.whole.utf8)
    var texts = bytes.indices.map { Array(bytes[..<$0]) }
    for i in bytes.indices {
      for character in "[{:-*&!#|>'\"%@\n\t?,".utf8 {
        var changed = bytes
        changed[i] = character
        texts.append(changed)
      }
    }
    var refused = 0
    for text in texts {
      do { _ = try ExperimentFile(parsing: String(decoding: text, as: UTF8.self), file: "a.yaml") } catch {
        #expect(error is ExperimentFileError, "\(error)")
        refused += 1
      }
    }
    #expect(refused > texts.count / 2)
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    var options = FairComparison.Options()
    options.parameters = 12_345
    options.learningRates = [1.0 / 3, 1e-5, 0.1]
    options.seeds = 7
    options.optimizer = .lion
    let folder = try TemporaryFolder()
    let table = folder.file("a: \"table\" #1.csv")
    try Data("x,y\n1,2\n".utf8).write(to: URL(fileURLWithPath: table))
    let file = ExperimentFile(
      .init(table, target: "- price: €", task: .regression, fingerprint: "0123456789012345"),
      candidates: ["relu", "mlp:gelu", "leaky-relu(a=100/3)"], options: options,
      output: .init(html: folder.file("page.html"), json: folder.file("true"), tensorBoard: folder.file("~")))
    for place in [folder.file("e.yaml"), "/nowhere/else/e.yaml"] {
      var read = try ExperimentFile(parsing: file.yaml(for: place), file: place)
      read.places = nil
      #expect(read == file)
    }
  }

  @Test func pathsAreMeantFromTheFilesFolder() throws {
    #expect(ExperimentFile.path("a.csv", besides: "e.yaml") == "a.csv")
    #expect(ExperimentFile.path("./a.csv", besides: "e.yaml") == "./a.csv")
    #expect(ExperimentFile.path("a.csv", besides: "sub/e.yaml") == "sub/a.csv")
    #expect(ExperimentFile.path("../a.csv", besides: "sub/e.yaml") == "a.csv")
    #expect(ExperimentFile.path("../../a.csv", besides: "sub/e.yaml") == "../a.csv")
    #expect(ExperimentFile.path("/data/a.csv", besides: "sub/e.yaml") == "/data/a.csv")
    #expect(ExperimentFile.path("../a.csv", besides: "/x/sub/e.yaml") == "/x/a.csv")
    let file = ExperimentFile(.init("data/a.csv"), candidates: ["relu"])
    #expect(file.yaml(for: "sub/e.yaml").contains("file: ../data/a.csv"))
    #expect(file.yaml(for: "data/e.yaml").contains("file: a.csv"))
    #expect(file.yaml(for: "e.yaml").contains("file: data/a.csv"))
  }

  @Test func theSavedFileIsTheSameComparison() throws {
    let folder = try TemporaryFolder()
    var options = FairComparison.Options()
    options.epochs = 3
    options.seeds = 2
    options.batch = 16
    options.parameters = 300
    options.optimizer = .momentum
    let asked = ExperimentFile(.init("iris"), candidates: ["relu", "tanh"], options: options)
    let comparison = try asked.comparison()
    let place = folder.file("iris.yaml")
    try asked.settled(by: comparison).write(to: place)
    let again = try ExperimentFile(contentsOf: place).comparison()
    #expect(again.settings == comparison.settings && again.settings.hash == comparison.settings.hash)

    let store = try RunStore(path: folder.file("runs.sqlite"))
    let first = try comparison.run(in: store)
    let second = try again.run(in: store)
    #expect(first.start == .new && second.start == .stored && first.experimentID == second.experimentID)
  }

  @Test func otherSamplesThanTheFingerprintsAreRefusedWithTheLine() throws {
    let text = "data:\n  name: iris\n  fingerprint: 0000000000000000\ncandidates: [relu]\n"
    let error = try #require(throws: ExperimentFileError.self) {
      try ExperimentFile(parsing: text, file: "iris.yaml").comparison()
    }
    #expect(error.description.hasPrefix("iris.yaml:3:16: iris holds other samples"))
  }

  @Test func candidatesThatDoNotSuitTheDataAreToldWithTheirLine() throws {
    let text = "data: {name: iris}\ncandidates:\n  - relu\n  - gpt\n"
    let error = try #require(throws: ExperimentFileError.self) {
      try ExperimentFile(parsing: text, file: "iris.yaml").comparison()
    }
    #expect(error.description.hasPrefix("iris.yaml:3:3: "), "\(error)")
  }
}
