import ArgumentParser
import SomaData

/// Which samples a command works on. Commands take a data set's name as an argument and pass it to `open`.
struct DataChoice: ParsableArguments {
  @Option(help: ArgumentHelp("Your own data: a .csv, .tsv or .npz file, or a folder of images.", valueName: "path"))
  var data: String?

  @Option(help: ArgumentHelp("The column to predict, for tables. Default: the last one.", valueName: "column"))
  var target: String?

  @Option(
    help: ArgumentHelp(
      "Whether the target holds classes or numbers (classification, regression; default: what its values look like), or a made task: periodic:sin, periodic:mod, periodic:composed, judged outside of the training interval.",
      valueName: "task"))
  var task: Task?

  enum Task: ExpressibleByArgument, Hashable {
    case classification, regression
    case periodic(String)

    init?(argument: String) {
      switch argument {
      case "classification": self = .classification
      case "regression": self = .regression
      default:
        guard argument.hasPrefix("periodic:"), let task = try? PeriodicTask.named(String(argument.dropFirst(9))) else {
          return nil
        }
        self = .periodic(task.name)
      }
    }

    static var allValueStrings: [String] {
      ["classification", "regression"] + PeriodicTask.all.map { "periodic:\($0.name)" }
    }

    /// What a table's target is read as.
    var encoding: TabularEncoding.Task? {
      switch self {
      case .classification: .classification
      case .regression: .regression
      case .periodic: nil
      }
    }
  }

  /// Whether the options say which samples, so that no name has to.
  var isComplete: Bool {
    if case .periodic? = task { return true }
    return data != nil
  }

  mutating func validate() throws {
    if case .periodic? = task, data != nil { throw ValidationError("Give one of --data and a periodic --task.") }
  }

  /// What the samples are called: the path, or the name.
  func source(_ name: String?) throws -> String {
    if case .periodic(let name)? = task { return "periodic:\(name)" }
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
      source, target: target, task: task?.encoding)
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

/// - Throws: `ValidationError` if an option's value, where it is given, lies outside of a range.
func checkOption(_ value: Int?, _ name: String, _ range: ClosedRange<Int>) throws {
  guard let value, !range.contains(value) else { return }
  throw ValidationError("--\(name) must be between \(range.lowerBound) and \(range.upperBound), not \(value).")
}

/// How much is printed, and in what form.
struct OutputChoice: ParsableArguments {
  @Flag(help: "Print the result as JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "No progress and no remarks, only results.")
  var quiet = false
}
