import Foundation

/// A published system that is built here: what it is, what its authors claim, and the experiment that checks it.
///
/// The experiment is a function of its budget and its seeds; it knows nothing of the store, the terminal or pages:
///
/// ```swift
/// public let gelu = Reproduction(
///   "gelu", source: "Hendrycks & Gimpel 2016, arXiv 1606.08415", definition: "x·Φ(x)", interface: ["Activation.gelu"],
///   claim: "…", check: "…", verdictRule: "…", seeds: 3
/// ) { run in
///   …
///   return Finding(…)
/// }
/// ```
public struct Reproduction: Sendable {
  public let system: PublishedSystem
  /// Authors, year, arXiv number.
  public let source: String
  /// What it computes, with the formula.
  public let definition: String
  /// The public names that implement it.
  public let interface: [String]
  public let claim: String
  /// What the experiment does.
  public let check: String
  /// Which results make it reproduced, partly reproduced, or not.
  public let verdictRule: String
  /// Seeds of a standard run.
  public let seeds: Int
  /// Seeds of a full run.
  public let fullSeeds: Int
  public let experiment: @Sendable (ReproductionRun) throws -> Finding
  /// Further sets of problems, by name, that are run for themselves (`soma reproduce kan --set feynman`).
  public let sets: [String: @Sendable (ReproductionRun) throws -> Finding]

  public init(
    _ slug: String, source: String, definition: String, interface: [String], claim: String, check: String,
    verdictRule: String, seeds: Int, fullSeeds: Int? = nil,
    sets: [String: @Sendable (ReproductionRun) throws -> Finding] = [:],
    experiment: @escaping @Sendable (ReproductionRun) throws -> Finding
  ) {
    guard let system = PublishedSystem.all.first(where: { $0.slug == slug }) else {
      fatalError("no published system is called \(slug)")
    }
    self.system = system
    self.source = source
    self.definition = definition
    self.interface = interface
    self.claim = claim
    self.check = check
    self.verdictRule = verdictRule
    self.seeds = seeds
    self.fullSeeds = fullSeeds ?? seeds
    self.experiment = experiment
    self.sets = sets
  }

  /// Runs the experiment and notes what came out.
  /// - Parameter set: the experiment of this name in `sets`; the claim's if nil
  /// - Throws: what the experiment throws: `DataError` if data is missing, `ReproductionInterrupted`.
  public func run(
    effort: ReproductionRun.Effort = .standard, seeds: Int? = nil, set: String? = nil,
    onProgress: @escaping @Sendable (_ fraction: Double, _ text: String) throws -> Void = { _, _ in }
  ) throws -> (record: ReproductionRecord, finding: Finding) {
    let seeds =
      seeds
      ?? {
        switch effort {
        case .smoke: 1
        case .standard: self.seeds
        case .full: fullSeeds
        }
      }()
    let clock = ContinuousClock()
    let start = clock.now
    var chosen = experiment
    if let set {
      guard let other = sets[set] else {
        let known = sets.isEmpty ? "it has none" : "there are \(sets.keys.sorted().joined(separator: ", "))"
        throw ReproductionError("\(system.slug): no set of problems is called \(set); \(known)")
      }
      chosen = other
    }
    let finding = try chosen(ReproductionRun(effort: effort, seeds: seeds, onProgress: onProgress))
    let record = ReproductionRecord(
      self, finding, effort: effort, seeds: seeds, seconds: (clock.now - start) / .seconds(1))
    return (record, finding)
  }
}

/// What a claim came to when it was checked here.
public enum Verdict: String, Sendable, Hashable, Codable, CaseIterable {
  case reproduced
  case partly = "partly reproduced"
  case notReproduced = "not reproduced at this scale"
}

/// The experiment was ended on request.
public struct ReproductionInterrupted: Error, Sendable { public init() {} }
