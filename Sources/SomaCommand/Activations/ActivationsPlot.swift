import ArgumentParser
import Foundation
import SomaNetworks
import SomaReports

struct ActivationsPlot: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot", abstract: "Draw all activations, or those with certain properties, on one page to browse.",
    discussion: """
      The page needs no network: a search box, the class, and the computed properties choose what is shown.

      EXAMPLES
        soma activations plot --all --out activations.html
        soma activations plot --monotone --bounded --out sigmoids.html
      """)
  @Flag(help: "All of them; the default where no property is asked for.") var all = false
  @OptionGroup(title: "Which") var filter: ActivationFilter
  @Option(name: [.customLong("out"), .short], help: ArgumentHelp("Where the page goes.", valueName: "file"))
  var out = "activations.html"
  @OptionGroup(title: "Output") var output: OutputChoice

  func run() throws {
    let progress = ProgressLine(isQuiet: output.quiet)
    let chosen = all ? Activation.find() : filter.chosen(progress)
    let properties = ActivationProperties.of(chosen) { progress.update($0, "looking at \(chosen.count) functions") }
    progress.clear()
    try writeText(ActivationsPage(activations: chosen, properties: properties).page.html, to: out)
    if !output.quiet { Terminal.note("\(chosen.count) activations: \(out)") }
  }
}

/// The catalogue as a page.
struct ActivationsPage {
  var activations: [Activation]
  var properties: [ActivationProperties?]

  var page: Page {
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

  static let places = (0...96).map { -4 + Double($0) / 12 }

  private func item(_ activation: Activation, _ p: ActivationProperties?) -> Gallery.Item {
    Gallery.Item(
      name: activation.name, title: activation.displayName, text: activation.formula, group: activation.family,
      tags: Self.tags(activation, p), curve: Self.curve(activation),
      facts: [("source", activation.source)] + (p.map { Self.facts($0) } ?? [])
        + (activation.notes.isEmpty ? [] : [("notes", activation.notes)]))
  }

  /// Values at `places`, nil for what is no function of one number.
  static func curve(_ activation: Activation) -> [Double]? { activation.values(at: places) }

  static func tags(_ activation: Activation, _ p: ActivationProperties?) -> [String] {
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
