import SomaNetworks
import SomaReports

/// The catalogue as a page.
public struct ActivationsPage: Sendable {
  public var activations: [Activation]
  public var properties: [ActivationProperties?]
  /// The address of an activation's own page, where there is one.
  public var link: (@Sendable (Activation) -> String)?

  public init(
    activations: [Activation], properties: [ActivationProperties?], link: (@Sendable (Activation) -> String)? = nil
  ) {
    self.activations = activations
    self.properties = properties
    self.link = link
  }

  public var page: Page {
    var page = Page(
      title: "Activation functions",
      subtitle:
        "\(activations.count) functions at their start values. Properties are computed from the formulas; curves over [-4, 4]."
    )
    page.add(
      .gallery(Gallery(places: Self.places, items: zip(activations, properties).map(item), groupTitle: "class")))
    page.footer =
      "Formulas after Kunc & Kléma, Three Decades of Activations (2024, arXiv 2402.09092), and the papers named with each. Made by soma."
    return page
  }

  public static let places = (0...96).map { -4 + Double($0) / 12 }

  private func item(_ activation: Activation, _ p: ActivationProperties?) -> Gallery.Item {
    Gallery.Item(
      name: activation.name, title: activation.displayName, text: activation.formula, group: activation.family,
      tags: Self.tags(activation, p), curve: Self.curve(activation),
      facts: [("source", activation.source)] + (p.map { Self.facts($0) } ?? [])
        + (activation.notes.isEmpty ? [] : [("notes", activation.notes)]), link: link?(activation))
  }

  /// Values at `places`, nil for what is no function of one number.
  public static func curve(_ activation: Activation) -> [Double]? { activation.values(at: places) }

  public static func tags(_ activation: Activation, _ p: ActivationProperties?) -> [String] {
    var tags: [String] = []
    if activation.isTrained { tags.append("trained") }
    if activation.kind != .scalar { tags.append(activation.kind.rawValue) }
    guard let p else { return tags }
    if p.monotonicity == .nonDecreasing { tags.append("monotone") }
    if p.isBounded { tags.append("bounded") }
    if p.curvature == .convex || p.curvature == .affine { tags.append("convex") }
    if p.symmetry != .none { tags.append(p.symmetry.rawValue) }
    if p.smoothness == .smooth { tags.append("smooth") }
    if p.smoothness == .discontinuous { tags.append("jumps") }
    return tags
  }

  private static func facts(_ p: ActivationProperties) -> [(term: String, value: String)] {
    activationFacts(p).filter { $0.1 != "none" && $0.1 != "no" }.map { (term: $0.0, value: $0.1) }
  }
}
