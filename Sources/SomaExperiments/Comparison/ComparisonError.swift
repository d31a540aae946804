/// Something in a comparison's settings or data that it cannot work with. Prints as one line.
public struct ComparisonError: Error, Hashable, Sendable, CustomStringConvertible {
  public let problem: String
  public init(_ problem: String) { self.problem = problem }
  public var description: String { problem }
}
