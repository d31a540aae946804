import ArgumentParser
import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaNetworks
import SomaReports

struct ActivationsShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show an activation: formula, computed properties, values and derivatives, a plot.",
    discussion: """
      Properties are computed from the formula, on [-8, 8] and from the tails; "proved" are those that interval \
      arithmetic confirms for the whole line.

      EXAMPLES
        soma activations show mish
        soma activations show "leaky-relu(a=20)" --plot leaky.svg
        soma activations show silu --points -1,0,2.5 --json
        soma activations show tanh --relatives
      """)
  @Argument(help: "Its name or an alias, with values of parameters if wanted.") var name: String
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Print the value and two derivatives at these places.", valueName: "list"),
    transform: parsePoints)
  var points: [Double]?
  @Option(help: ArgumentHelp("Draw f, f′ and f″ as SVG.", valueName: "file")) var plot: String?
  @Flag(help: "List entries that are the same, special cases, affine images, derivatives or inverses.")
  var relatives = false
  @OptionGroup(title: "Output") var output: OutputChoice

  private struct Point: Encodable {
    var x: Double
    var value: Double
    var first: Double
    var second: Double
  }

  private struct Whole: Encodable {
    var name: String
    var displayName: String
    var family: String
    var section: String
    var kind: String
    var formula: String
    var computedAs: String?
    var parameters: [String: String]
    var aliases: [String]
    var source: String
    var notes: String
    var properties: [String: String]
    var relatives: [String]?
    var points: [Point]?
  }

  func run() throws {
    let activation = try Activation.named(name)
    let properties = ActivationProperties(activation)
    if points != nil || plot != nil || relatives, !activation.isElementwise {
      throw DataError(activation.name, "is no function of one number: it has no value at a point")
    }
    let values = points.map { evaluate(activation, $0) }
    if let plot { try writeText(chart(activation).svg(), to: plot) }
    let computed = activation.expression.description
    let whole = Whole(
      name: activation.name, displayName: activation.displayName, family: activation.family,
      section: activation.section, kind: activation.kind.rawValue, formula: activation.formula,
      computedAs: activation.isElementwise && computed != activation.formula.filter({ $0 != " " }) ? computed : nil,
      parameters: Dictionary(uniqueKeysWithValues: activation.parameters.map { ($0.name, text($0)) }),
      aliases: Activation.aliases.filter { $0.value.name == activation.name }.keys.sorted(), source: activation.source,
      notes: activation.notes, properties: Dictionary(uniqueKeysWithValues: properties.map(activationFacts) ?? []),
      relatives: relatives ? try activation.relatives().map(\.description) : nil, points: values)
    if output.json { return print(try jsonText(whole)) }
    print(Terminal.bold(whole.displayName) + " (\(whole.name))")
    print("f(x) = \(whole.formula)")
    if !whole.parameters.isEmpty {
      print("parameters: " + activation.parameters.map { "\($0.name) = \(text($0))" }.joined(separator: ", "))
    }
    if !whole.aliases.isEmpty { print("also: \(whole.aliases.joined(separator: ", "))") }
    print("class: \(whole.family)\(whole.section.isEmpty ? "" : " (\(whole.section))"), \(whole.kind)")
    print("source: \(whole.source)")
    if !whole.notes.isEmpty { print("notes: \(whole.notes)") }
    if let properties {
      print("")
      for (name, value) in activationFacts(properties) {
        print("  \(name.padding(toLength: 24, withPad: " ", startingAt: 0)) \(value)")
      }
    }
    if let relatives = whole.relatives {
      print("")
      print(relatives.isEmpty ? "No relatives in the catalogue." : "It is")
      for line in relatives { print("  \(line)") }
    }
    if let values {
      var table = TextColumns(headings: ["x", "f", "f′", "f″"], alignedRight: [0, 1, 2, 3])
      table.rows = values.map { [short($0.x), short($0.value), short($0.first), short($0.second)] }
      print("")
      for line in table.lines { print(line) }
    }
    if let plot, !output.quiet { Terminal.note("Plot: \(plot)") }
  }

  private func text(_ parameter: ActivationParameter) -> String {
    let value =
      switch parameter.value {
      case .number(let value): short(value)
      case .list(let values, _): "[" + values.map(short).joined(separator: ", ") + "]"
      case .activations(let pool): pool.map(\.name).joined(separator: ", ")
      case .formula(let formula): formula.description
      }
    return value + (parameter.isTrained ? " (trained \(parameter.sharing.rawValue))" : "")
  }

  /// Value and derivatives, in double precision.
  private func evaluate(_ activation: Activation, _ points: [Double]) -> [Point] {
    let x = Tensor(points)
    let first = grad { (x: Tensor) in activation(x).sum() }
    let (y, d1, d2) = (activation(x).doubles, first(x).doubles, grad { (x: Tensor) in first(x).sum() }(x).doubles)
    return points.indices.map { Point(x: points[$0], value: y[$0], first: d1[$0], second: d2[$0]) }
  }

  private func chart(_ activation: Activation) -> LineChart {
    let places = (0...400).map { -5 + Double($0) / 40 }
    let points = evaluate(activation, places)
    return LineChart(
      activation.displayName, xTitle: "x", yTitle: "",
      [
        LineChart.Series("f", x: places, y: points.map(\.value)),
        LineChart.Series("f′", x: places, y: points.map(\.first)),
        LineChart.Series("f″", x: places, y: points.map(\.second)),
      ])
  }
}

private func parsePoints(_ text: String) throws -> [Double] {
  try text.split(separator: ",").map { part in
    guard let x = Double(part.trimmingCharacters(in: .whitespaces)) else {
      throw ValidationError("\"\(part)\" is no number.")
    }
    return x
  }
}
