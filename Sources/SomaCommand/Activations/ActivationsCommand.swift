import ArgumentParser
import Foundation
import Soma
import SomaNetworks
import SomaReports

struct ActivationsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "activations",
    abstract: "List activation functions, look into one, find its relatives, draw them all.",
    discussion: """
      To train with them on your data: soma compare --data FILE relu gelu mish, or soma compare digits --all-activations.
      """,
    subcommands: [
      ActivationsList.self, ActivationsShow.self, ActivationsRelatives.self, ActivationsPlot.self,
      ActivationsTable.self, ActivationsFit.self, ActivationsBench.self,
    ], defaultSubcommand: ActivationsList.self, aliases: ["activation"])
}

/// What activations are chosen by.
struct ActivationFilter: ParsableArguments {
  @Option(
    name: .customLong("class"), help: ArgumentHelp("A class of the survey, such as relu-based.", valueName: "class"))
  var family: String?
  @Option(help: "scalar, gated, multi-input, vector, stochastic, composite or attention.") var kind: Activation.Kind?
  @Flag(help: "Never falls.") var monotone = false
  @Flag(help: "Has a least and a greatest value.") var bounded = false
  @Flag(help: "Convex.") var convex = false
  @Flag(help: "Odd.") var odd = false
  @Flag(help: "Even.") var even = false
  @Flag(help: "Odd or even.") var symmetric = false
  @Flag(help: "All derivatives looked at are continuous.") var smooth = false
  @Flag(name: [.customLong("trainable"), .customLong("trained")], help: "Has trained parameters.") var trainable = false

  func validate() throws {
    if let family, !Activation.families.contains(family) {
      throw ValidationError(
        "There is no class \"\(family)\"; there are \(Activation.families.joined(separator: ", ")).")
    }
  }

  var needsProperties: Bool { monotone || bounded || convex || odd || even || symmetric || smooth }

  /// The entries that fit, in the catalogue's order.
  func chosen(_ progress: ProgressLine? = nil) -> [Activation] {
    let candidates = Activation.find(family: family) { activation in
      (kind == nil || activation.kind == kind) && (!trainable || activation.isTrained)
    }
    guard needsProperties else { return candidates }
    let properties = ActivationProperties.of(candidates) {
      progress?.update($0, "looking at \(candidates.count) functions")
    }
    return zip(candidates, properties).compactMap { activation, properties in
      properties.map(fits) == true ? activation : nil
    }
  }

  private func fits(_ p: ActivationProperties) -> Bool {
    (!monotone || p.monotonicity == .nonDecreasing || p.monotonicity == .constant) && (!bounded || p.isBounded)
      && (!convex || p.curvature == .convex || p.curvature == .affine) && (!odd || p.symmetry == .odd)
      && (!even || p.symmetry == .even) && (!symmetric || p.symmetry != .none) && (!smooth || p.smoothness == .smooth)
  }
}

extension Activation.Kind: ExpressibleByArgument {}

struct ActivationsList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the activations, all or those with certain computed properties.",
    discussion: """
      EXAMPLES
        soma activations list
        soma activations list --monotone --bounded
        soma activations list --class square-based --odd
        soma activations list --trainable --json
      """)
  @OptionGroup(title: "Which") var filter: ActivationFilter
  @OptionGroup(title: "Output") var output: OutputChoice

  private struct Row: Encodable {
    var name: String
    var displayName: String
    var family: String
    var section: String
    var kind: String
    var formula: String
    var isTrained: Bool
    var source: String
  }

  func run() throws {
    let progress = ProgressLine(isQuiet: output.quiet)
    let chosen = filter.chosen(progress)
    progress.clear()
    if output.json {
      print(
        try jsonText(
          chosen.map {
            Row(
              name: $0.name, displayName: $0.displayName, family: $0.family, section: $0.section,
              kind: $0.kind.rawValue,
              formula: $0.formula, isTrained: $0.isTrained, source: $0.source)
          }))
      return
    }
    var table = TextColumns(headings: ["name", "kind", "formula", "source"])
    table.rows = chosen.map { [$0.name, $0.kind.rawValue, shortened($0.formula, 72), $0.source] }
    for line in table.lines { print(line) }
    if !output.quiet { Terminal.note("\(chosen.count) of \(Activation.find().count) activations.") }
  }
}

/// The beginning of a text that is too long for a column.
private func shortened(_ text: String, _ limit: Int) -> String {
  text.count <= limit ? text : String(text.prefix(limit - 1)) + "…"
}
