import SomaNetworks

/// A published building block or method, as the catalogue of all systems lists it.
public struct PublishedSystem: Sendable, Hashable, Codable {
  /// The room of the code a system belongs to.
  public enum Family: String, Sendable, Hashable, Codable, CaseIterable {
    case activations, neurons, kan, fields, attention, vision, operators, spiking, language, learning, search
    case compression, verification, explanation, generation, weights, theory, applications
  }

  public let number: Int
  /// The name on the command line.
  public let slug: String
  /// The publication's title.
  public let title: String
  public let family: Family
  /// Part, transform, reading, rule, search, benchmark or study; several are separated by commas.
  public let kind: String

  /// The number as it heads file names: three digits.
  public var paddedNumber: String { String(repeating: "0", count: max(0, 3 - String(number).count)) + String(number) }

  /// The system of a slug or a number.
  /// - Throws: `ReproductionError` with the nearest slugs.
  public static func named(_ name: String) throws(ReproductionError) -> PublishedSystem {
    if let match = all.first(where: { $0.slug == name || String($0.number) == name || $0.paddedNumber == name }) {
      return match
    }
    throw ReproductionError(unknown: name, "published system", among: all.map(\.slug))
  }
}

/// What is wrong with a wish about published systems. Prints as one line.
public struct ReproductionError: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }

  init(unknown name: String, _ what: String, among names: [String]) {
    let nearest = nearestNames(to: name, among: names)
    let hint = nearest.isEmpty ? "`soma systems` lists them" : "did you mean \(nearest.joined(separator: ", "))?"
    description = "\(name): no \(what) has this name; \(hint)"
  }
}
