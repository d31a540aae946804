import Foundation
import SomaData
import Yams

extension ExperimentFile {
  /// The experiment as a text that `init(parsing:file:)` reads back.
  /// - Parameter file: where the text will lie; paths are written from its folder
  public func yaml(for file: String) -> String {
    func text(_ value: String) -> Node { Node(value, Tag(.str)) }
    func number(_ value: some CustomStringConvertible) -> Node { Node(value.description) }
    func mapping(_ pairs: [(String, Node?)]) -> Node {
      Node(pairs.compactMap { key, value in value.map { (Node(key), $0) } })
    }
    func list(_ nodes: [Node]) -> Node { Node(nodes, .implicit, .flow) }
    func place(_ path: String?) -> Node? { path.map { text(Self.path($0, from: file)) } }

    let data = mapping([
      samples.isNamed ? ("name", text(samples.source)) : ("file", place(samples.source)),
      ("target", samples.target.map(text)), ("task", samples.task.map { text($0.rawValue) }),
      ("fingerprint", samples.fingerprint.map(text)),
    ])
    let budget = mapping([
      ("parameters", options.parameters.map(number)), ("epochs", number(options.epochs)),
      ("tuning-epochs", options.tuningEpochs.map(number)),
      ("learning-rates", options.learningRates.map { list($0.map(number)) }),
    ])
    let files = mapping([
      ("html", place(output.html)), ("json", place(output.json)), ("tensorboard", place(output.tensorBoard)),
    ])
    let root = mapping([
      ("experiment", text(Kind.compare.rawValue)), ("data", data), ("candidates", Node(candidates.map(text))),
      ("network", text(options.network)), ("optimizer", text(options.optimizer.rawValue)),
      ("batch", number(options.batch)), ("budget", budget), ("seeds", number(options.seeds)),
      ("output", output == Output() ? nil : files),
    ])
    guard let body = try? Yams.serialize(node: root, width: -1, allowUnicode: true) else {
      preconditionFailure("texts and numbers can always be written as YAML")
    }
    return "# soma run \((file as NSString).lastPathComponent)\n" + body
  }

  /// - Throws: `ExperimentFileError` if the file cannot be written.
  public func write(to path: String) throws {
    do {
      try Data(yaml(for: path).utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw ExperimentFileError(path, nil, "cannot be written")
    }
  }

  /// A path, given from where the program runs, as it is called in the folder of `file`.
  private static func path(_ path: String, from file: String) -> String {
    let folder = (file as NSString).deletingLastPathComponent
    guard !folder.isEmpty, !(path as NSString).isAbsolutePath else { return path }
    let here = FileManager.default.currentDirectoryPath
    func parts(_ path: String) -> [Substring] {
      simplified((path as NSString).isAbsolutePath ? path : here + "/" + path).split(separator: "/")
    }
    let (from, to) = (parts(folder), parts(path))
    let common = zip(from, to).prefix { $0 == $1 }.count
    return ([Substring](repeating: "..", count: from.count - common) + to.dropFirst(common)).joined(separator: "/")
  }
}
