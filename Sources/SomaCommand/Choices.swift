import ArgumentParser
import SomaData

/// Which samples a command works on. Commands take a data set's name as an argument and pass it to `open`.
struct DataChoice: ParsableArguments {
  @Option(help: ArgumentHelp("Your own data: a .csv, .tsv or .npz file, or a folder of images.", valueName: "path"))
  var data: String?

  @Option(help: ArgumentHelp("The column to predict, for tables. Default: the last one.", valueName: "column"))
  var target: String?

  @Option(help: "Whether the target holds classes or numbers. Default: what its values look like.")
  var task: Task?

  enum Task: String, CaseIterable, ExpressibleByArgument { case classification, regression }

  /// What the samples are called: the path, or the name.
  func source(_ name: String?) throws -> String {
    if let data { return data }
    guard let name else {
      throw ValidationError(
        "Say which data: one of \(DataSet.all.map(\.name).joined(separator: ", ")), or --data PATH.")
    }
    return name
  }

  /// Loads the samples of `--data`, or of a name (or a path) given as an argument.
  /// - Throws: `DataError`
  func open(_ name: String?) throws -> DataSet.Parts {
    let source = try source(name)
    return try DataSet.open(
      source, target: target, task: task.map { $0 == .classification ? .classification : .regression })
  }
}

/// Which network, how large.
struct NetworkChoice: ParsableArguments {
  @Option(help: ArgumentHelp("A ready network, such as mlp, resnet8, mlp:mish.", valueName: "network"))
  var network: String = "mlp"

  @Option(help: ArgumentHelp("Scale the network's width to this many parameters.", valueName: "count"))
  var parameters: Int?

  mutating func validate() throws {
    if let parameters, parameters < 1 { throw ValidationError("--parameters must be at least 1, not \(parameters).") }
  }
}

/// How much is printed, and in what form.
struct OutputChoice: ParsableArguments {
  @Flag(help: "Print the result as JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "No progress and no remarks, only results.")
  var quiet = false
}
