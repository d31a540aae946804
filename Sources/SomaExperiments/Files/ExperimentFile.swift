import Foundation
import SomaData

/// A comparison as a file: data, candidates, budget, seeds and outputs. What it leaves open is what `soma compare` takes.
///
/// ```yaml
/// experiment: compare
/// data:
///   name: digits          # or file: prices.csv, with target: price
/// candidates: [relu, gelu, mlp-deep:mish]
/// network: mlp
/// optimizer: adam
/// batch: 64
/// budget:
///   parameters: 20000
///   epochs: 30
///   tuning-epochs: 15
///   learning-rates: [0.001, 0.003, 0.01]
/// seeds: 5
/// output:
///   html: page.html
/// ```
/// Paths are meant from the file's folder.
public struct ExperimentFile: Sendable, Hashable {
  public enum Kind: String, Sendable, CaseIterable { case compare }

  /// Which samples.
  public struct Samples: Sendable, Hashable {
    /// A data set's name, or the path of a table, an archive or a folder of images.
    public var source: String
    public var target: String?
    public var task: TabularEncoding.Task?
    /// What `PreparedData` must find; nil accepts any samples.
    public var fingerprint: String?

    public init(
      _ source: String, target: String? = nil, task: TabularEncoding.Task? = nil, fingerprint: String? = nil
    ) {
      (self.source, self.target, self.task, self.fingerprint) = (source, target, task, fingerprint)
    }

    var isNamed: Bool { source.hasPrefix("periodic:") || DataSet.all.contains { $0.name == source } }
  }

  /// Files that a run writes; nil are not written.
  public struct Output: Sendable, Hashable {
    public var html: String?
    public var json: String?
    /// A folder for TensorBoard.
    public var tensorBoard: String?

    public init(html: String? = nil, json: String? = nil, tensorBoard: String? = nil) {
      (self.html, self.json, self.tensorBoard) = (html, json, tensorBoard)
    }
  }

  public var samples: Samples
  public var candidates: [String]
  public var options: FairComparison.Options
  public var output: Output
  /// Where things stand in the file that this was read from.
  var places: Places?

  struct Places: Sendable, Hashable {
    var file: String
    var candidates: ExperimentFileError.Place?
    var fingerprint: ExperimentFileError.Place?
  }

  public init(
    _ samples: Samples, candidates: [String], options: FairComparison.Options = FairComparison.Options(),
    output: Output = Output()
  ) {
    (self.samples, self.candidates, self.options, self.output) = (samples, candidates, options, output)
  }

  /// Loads the samples and scales the candidates.
  /// - Throws: `ExperimentFileError` with the place if this was read from a file and the candidates do not suit the data or
  ///   the samples are not those of the fingerprint; else what `FairComparison` throws; `DataError`.
  public func comparison() throws -> FairComparison {
    let parts = try DataSet.open(samples.source, target: samples.target, task: samples.task)
    let prepared = try PreparedData(parts, name: samples.source)
    if let wanted = samples.fingerprint, wanted != prepared.facts.fingerprint {
      let problem =
        "\(samples.source) holds other samples than this experiment is about (fingerprint \(prepared.facts.fingerprint))"
      guard let places else { throw ComparisonError(problem) }
      throw ExperimentFileError(places.file, places.fingerprint, problem)
    }
    guard let places else { return try FairComparison(prepared, candidates: candidates, options: options) }
    do {
      return try FairComparison(prepared, candidates: candidates, options: options)
    } catch {
      throw ExperimentFileError(places.file, places.candidates, "\(error)")
    }
  }

  /// The same experiment with all that was left open filled in as `comparison` found it.
  public func settled(by comparison: FairComparison) -> ExperimentFile {
    let settings = comparison.settings
    var file = self
    file.samples.fingerprint = settings.data.fingerprint
    file.candidates = settings.candidates
    file.options.parameters = settings.parameters
    file.options.batch = settings.batch
    file.options.learningRates = settings.learningRates
    file.options.tuningEpochs = settings.tuningEpochs
    return file
  }
}
