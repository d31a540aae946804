import Foundation

/// An experiment with all that is stored of it, in a form other programs read.
public struct ExportedExperiment: Encodable, Sendable {
  public let experiment: Experiment
  public let measurements: [Measurement]
  public let trials: [Trial]

  public init(_ id: Int64, from store: RunStore) throws {
    experiment = try store.experiment(id)
    measurements = try store.measurements(of: id)
    trials = try store.trials(of: id)
  }

  /// Keys sorted, dates in ISO 8601, the settings as an object.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// A line for each trial (RFC 4180), a column for each metric that occurs.
  public func csv() -> String {
    let metrics = Set(trials.flatMap(\.metrics.keys)).sorted()
    let costs = Dictionary(measurements.map { ($0.candidate, $0) }, uniquingKeysWith: { $1 })
    let dates = ISO8601DateFormatter()
    var lines = [
      ["candidate", "purpose", "seed", "learningRate", "epochs", "status"] + metrics
        + ["trainingSeconds", "memoryBytes", "parameters", "ended"]
    ]
    for trial in trials {
      var line = [trial.candidate, trial.purpose.rawValue, String(trial.seed), String(trial.learningRate)]
      line += [String(trial.epochs), trial.status.rawValue]
      line += metrics.map { name in trial.metrics[name].map { String($0) } ?? "" }
      line += [String(trial.trainingSeconds), String(trial.memoryBytes)]
      line += [costs[trial.candidate].map { String($0.parameters) } ?? "", dates.string(from: trial.ended)]
      lines.append(line)
    }
    return lines.map { $0.map(Self.field).joined(separator: ",") + "\r\n" }.joined()
  }

  private static func field(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
    return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}
