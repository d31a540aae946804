import SomaData

/// Something in an experiment file that cannot be used. Prints as one line with the place: `digits.yaml:4:3: …`.
public struct ExperimentFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A place in a text; both numbers begin with 1.
  public struct Place: Hashable, Sendable {
    public var line: Int
    public var column: Int
  }

  public let file: String
  /// Nil where the file as a whole is meant.
  public let place: Place?
  public let problem: String

  init(_ file: String, _ place: Place?, _ problem: String) {
    self.file = file
    self.place = place
    self.problem = problem
  }

  public var description: String {
    oneLine(file) + (place.map { ":\($0.line):\($0.column)" } ?? "") + ": " + oneLine(problem)
  }
}
