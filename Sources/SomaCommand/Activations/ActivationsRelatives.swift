import ArgumentParser
import SomaExperiments
import SomaNetworks
import SomaReports

struct ActivationsRelatives: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "relatives",
    abstract: "Find what a formula is: an entry, a special case, an affine image, a derivative, an inverse.",
    discussion: """
      Letters that the grammar does not know are open parameters: what is found holds for values without a pattern \
      (0.7, 1.3, …), which stand for any.

      EXAMPLES
        soma activations relatives "relu(x)^2"
        soma activations relatives "where(x>0, a*x, b*x)"
        soma activations relatives "2*sigmoid(2*x)-1"
        soma activations relatives mish
      """)
  @Argument(help: "A formula of x, or the name of an entry.") var formula: String
  @OptionGroup(title: "Output") var output: OutputChoice

  private struct Row: Encodable {
    var relation: String
    var other: String
    var certificate: String
  }

  func run() throws {
    let activation = try Self.activation(formula)
    let found = try activation.relatives()
    if output.json {
      return print(
        try jsonText(found.map { Row(relation: $0.description, other: $0.other, certificate: $0.certificate.rawValue) })
      )
    }
    let values = activation.parameters.filter { !$0.value.elementsText.isEmpty }
    if activation.family == "own", !values.isEmpty, !output.quiet {
      Terminal.note("with " + values.map { "\($0.name) = \($0.value.elementsText)" }.joined(separator: ", "))
    }
    if found.isEmpty { print("No relatives in the catalogue.") }
    for relation in found {
      print(relation.description + (relation.certificate == .formula ? "  (by the formula)" : ""))
    }
  }

  /// An entry by name, or else a formula with open letters.
  static func activation(_ text: String) throws -> Activation {
    let isName = text.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" } && text != "x"
    let isEntry = text.prefix { $0 != "(" }.contains("-") && !text.contains(" ")
    if isName { return try Activation.named(text) }
    if isEntry, let entry = try? Activation.named(text) { return entry }
    return try Activation.parse(openFormula: text)
  }
}

extension ActivationParameter.Value {
  fileprivate var elementsText: String {
    switch self {
    case .number(let value): short(value)
    case .list(let values, _): "[\(values.map(short).joined(separator: ", "))]"
    case .activations, .formula: ""
    }
  }
}
