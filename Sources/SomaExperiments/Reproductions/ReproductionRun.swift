/// The budget of a claim check, and the way to tell how far it has come.
public struct ReproductionRun: Sendable {
  public enum Effort: String, Sendable, Hashable, Codable, CaseIterable {
    /// Seconds: shows that every line runs. Its figures mean nothing.
    case smoke
    /// What the specification of the check asks for: a few minutes on two cores.
    case standard
    /// More seeds, more data, longer training.
    case full
  }

  public let effort: Effort
  /// How many seeds: 0 to `seeds - 1`.
  public let seeds: Int
  private let range: ClosedRange<Double>
  private let onProgress: @Sendable (Double, String) throws -> Void

  public init(
    effort: Effort = .standard, seeds: Int,
    onProgress: @escaping @Sendable (_ fraction: Double, _ text: String) throws -> Void = { _, _ in }
  ) {
    self.init(effort, seeds, 0...1, onProgress)
  }

  private init(
    _ effort: Effort, _ seeds: Int, _ range: ClosedRange<Double>,
    _ onProgress: @escaping @Sendable (Double, String) throws -> Void
  ) {
    self.effort = effort
    self.seeds = max(1, seeds)
    self.range = range
    self.onProgress = onProgress
  }

  /// The same run with another number of seeds, for a part of an experiment that wants more.
  public init(_ run: ReproductionRun, seeds: Int) { self.init(run.effort, seeds, run.range, run.onProgress) }

  public var isSmoke: Bool { effort == .smoke }

  /// A number of steps, samples or trials for the effort.
  public func scaled(_ standard: Int, smoke: Int, full: Int? = nil) -> Int {
    switch effort {
    case .smoke: min(smoke, standard)
    case .standard: standard
    case .full: full ?? standard
    }
  }

  /// Tells how far the experiment has come.
  /// - Throws: `ReproductionInterrupted` if it shall end; pass it on.
  public func report(_ fraction: Double, _ text: String) throws {
    try onProgress(range.lowerBound + min(max(fraction, 0), 1) * (range.upperBound - range.lowerBound), text)
  }

  /// The run of a part of the experiment that takes the share `part` of the whole.
  public func part(_ part: ClosedRange<Double>) -> ReproductionRun {
    let length = range.upperBound - range.lowerBound
    let low = range.lowerBound + part.lowerBound * length
    return ReproductionRun(effort, seeds, low...(range.lowerBound + part.upperBound * length), onProgress)
  }
}
