import Foundation
import SomaData

extension ExperimentFile {
  /// Reads a file. All of it is checked before anything runs.
  /// - Throws: `ExperimentFileError` with line and column of an unknown key (and the nearest known one), a value of the wrong
  ///   kind or out of its range, an unknown candidate, a file that is missing.
  public init(contentsOf path: String) throws {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw ExperimentFileError(path, nil, "does not exist or may not be read")
    }
    defer { try? file.close() }
    guard let data = try? file.read(upToCount: ExperimentNode.largestFile + 1) else {
      throw ExperimentFileError(path, nil, "cannot be read")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw ExperimentFileError(path, nil, "is no UTF-8 text")
    }
    try self.init(parsing: text, file: path)
  }

  /// - Parameter file: the path that errors name, and from whose folder paths are meant
  /// - Throws: `ExperimentFileError`
  public init(parsing text: String, file: String) throws {
    let root = try ExperimentNode(parsing: text, file: file)
    let keys = try root.keys([
      "experiment", "data", "candidates", "network", "optimizer", "batch", "budget", "seeds", "output",
    ])
    if let kind = keys["experiment"] { _ = try kind.word(Kind.self) }
    guard let data = keys["data"] else { throw root.error("data is missing: say data: {name: digits}") }
    guard let list = keys["candidates"] else {
      throw root.error("candidates are missing: say candidates: [relu, gelu]")
    }
    samples = try Self.samples(data)
    options = try Self.options(keys)
    candidates = try Self.candidates(list, network: options.network)
    output = try keys["output"].map(Self.output) ?? Output()
    places = Places(
      file: file, candidates: list.place, fingerprint: try data.keys(Self.dataKeys)["fingerprint"]?.place)
  }

  private static let dataKeys = ["name", "file", "target", "task", "fingerprint"]

  private static func samples(_ node: ExperimentNode) throws -> Samples {
    let keys = try node.keys(dataKeys)
    let source: String
    switch (keys["name"], keys["file"]) {
    case (let name?, nil):
      source = try name.text()
      do {
        if source.hasPrefix("periodic:") {
          _ = try PeriodicTask.named(String(source.dropFirst(9)))
        } else {
          _ = try DataSet.named(source)
        }
      } catch { throw name.error("\(error)") }
      if let extra = keys["target"] ?? keys["task"] { throw extra.error("\(extra.name) is for files, not for names") }
    case (nil, let path?):
      source = Self.path(try path.text(), besides: node.file)
      guard FileManager.default.fileExists(atPath: source) else { throw path.error("\(source) does not exist") }
    default: throw node.error("data wants one of name and file")
    }
    return Samples(
      source, target: try keys["target"]?.text(), task: try keys["task"]?.word(TabularEncoding.Task.self),
      fingerprint: try keys["fingerprint"]?.text())
  }

  private static func options(_ keys: [String: ExperimentNode]) throws -> FairComparison.Options {
    var options = FairComparison.Options()
    if let network = keys["network"] {
      options.network = try network.text()
      do { _ = try Candidate.specification(options.network, network: options.network) } catch {
        throw network.error("\(error)")
      }
    }
    if let seeds = keys["seeds"] { options.seeds = try seeds.integer(in: FairComparison.Limits.seeds) }
    if let batch = keys["batch"] { options.batch = try batch.integer(in: FairComparison.Limits.batch) }
    if let optimizer = keys["optimizer"] { options.optimizer = try optimizer.word(OptimizerChoice.self) }
    guard let budget = try keys["budget"]?.keys(["parameters", "epochs", "tuning-epochs", "learning-rates"]) else {
      return options
    }
    if let epochs = budget["epochs"] { options.epochs = try epochs.integer(in: FairComparison.Limits.epochs) }
    options.parameters = try budget["parameters"]?.integer(in: 1...Int.max)
    options.tuningEpochs = try budget["tuning-epochs"]?.integer(in: FairComparison.Limits.epochs)
    if let rates = budget["learning-rates"] {
      var seen: [Double] = []
      for item in try rates.items() {
        let rate = try item.positiveNumber()
        if seen.contains(rate) { throw item.error("the learning rate \(rate) is given twice") }
        seen.append(rate)
      }
      options.learningRates = seen
    }
    return options
  }

  private static func candidates(_ node: ExperimentNode, network: String) throws -> [String] {
    var names: [String] = []
    for item in try node.items() {
      let name = try item.text()
      if names.contains(name) { throw item.error("\(name) is given twice") }
      do { _ = try Candidate.specification(name, network: network) } catch { throw item.error("\(error)") }
      names.append(name)
    }
    return names
  }

  private static func output(_ node: ExperimentNode) throws -> Output {
    let keys = try node.keys(["html", "json", "tensorboard"])
    func place(_ key: String) throws -> String? { try keys[key].map { Self.path(try $0.text(), besides: node.file) } }
    return Output(html: try place("html"), json: try place("json"), tensorBoard: try place("tensorboard"))
  }

  /// A path in a file, from where the program runs.
  static func path(_ path: String, besides file: String) -> String {
    let folder = (file as NSString).deletingLastPathComponent
    guard !folder.isEmpty, !(path as NSString).isAbsolutePath else { return path }
    return simplified(folder + "/" + path)
  }

  /// The same path without `.` and without a folder that `..` leaves again.
  static func simplified(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
    }
    return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
  }
}
