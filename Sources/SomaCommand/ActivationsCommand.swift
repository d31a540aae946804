import ArgumentParser
import Foundation
import Soma
import SomaData
import SomaNetworks
import SomaReports

struct ActivationsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "activations", abstract: "List activation functions, or look into one.",
    subcommands: [List.self, Show.self], defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the activations, all or those with certain computed properties.",
      discussion: """
        EXAMPLES
          soma activations list
          soma activations list --monotone --bounded
          soma activations list --trained --json
        """)
    @Flag(help: "Never falls.") var monotone = false
    @Flag(help: "Has a least and a greatest value.") var bounded = false
    @Flag(help: "Convex.") var convex = false
    @Flag(help: "Odd or even.") var symmetric = false
    @Flag(help: "Has trained parameters.") var trained = false
    @OptionGroup(title: "Output") var output: OutputChoice

    private struct Row: Encodable {
      var name: String
      var displayName: String
      var family: String
      var kind: String
      var formula: String
      var source: String
    }

    func run() throws {
      let chosen = Activation.all.filter { activation in
        if trained && !activation.isTrained { return false }
        guard monotone || bounded || convex || symmetric else { return true }
        guard let p = ActivationProperties(activation) else { return false }
        return (!monotone || p.monotonicity == .nonDecreasing)
          && (!bounded || (p.range.lowerBound.isFinite && p.range.upperBound.isFinite))
          && (!convex || p.curvature == .convex || p.curvature == .affine) && (!symmetric || p.symmetry != .none)
      }
      if output.json {
        print(
          try jsonText(
            chosen.map {
              Row(
                name: $0.name, displayName: $0.displayName, family: $0.family, kind: $0.kind.rawValue,
                formula: $0.formula,
                source: $0.source)
            }))
        return
      }
      var table = TextColumns(headings: ["name", "kind", "formula", "source"])
      table.rows = chosen.map { [$0.name, $0.kind.rawValue, $0.formula, $0.source] }
      for line in table.lines { print(line) }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show an activation: formula, computed properties, values and derivatives, a plot.",
      discussion: """
        Properties are computed from the formula, on [-8, 8] and from the tails.

        EXAMPLES
          soma activations show mish
          soma activations show gelu --plot gelu.svg
          soma activations show silu --points -1,0,2.5 --json
        """)
    @Argument(help: "Its name or an alias.") var name: String
    @Option(
      parsing: .unconditional,
      help: ArgumentHelp("Print the value and two derivatives at these places.", valueName: "list"),
      transform: parsePoints)
    var points: [Double]?
    @Option(help: ArgumentHelp("Draw f, f′ and f″ as SVG.", valueName: "file")) var plot: String?
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
      var formula: String
      var parameters: [String: String]
      var source: String
      var properties: [String: String]
      var points: [Point]?
    }

    func run() throws {
      let activation = try Activation.named(name)
      let properties = ActivationProperties(activation)
      let isScalar = activation.isElementwise
      if points != nil || plot != nil, !isScalar {
        throw DataError(activation.name, "is no function of one number: it has no value at a point")
      }
      let values = points.map { evaluate(activation, $0) }
      if let plot { try writeText(chart(activation).svg(), to: plot) }
      let whole = Whole(
        name: activation.name, displayName: activation.displayName, formula: activation.formula,
        parameters: Dictionary(uniqueKeysWithValues: activation.parameters.map { ($0.name, text($0)) }),
        source: activation.source,
        properties: Dictionary(uniqueKeysWithValues: properties.map(rows) ?? []), points: values)
      if output.json {
        print(try jsonText(whole))
        return
      }
      print(Terminal.bold(whole.displayName) + " (\(whole.name))")
      print("f(x) = \(whole.formula)")
      if !whole.parameters.isEmpty {
        print(
          "parameters: "
            + whole.parameters.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }.joined(separator: ", "))
      }
      print("source: \(whole.source)")
      if let properties {
        print("")
        for (name, value) in rows(properties) {
          print("  \(name.padding(toLength: 24, withPad: " ", startingAt: 0)) \(value)")
        }
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

    private func rows(_ p: ActivationProperties) -> [(String, String)] {
      func optional(_ value: Double?) -> String { value.map(short) ?? "none" }
      return [
        ("f(0)", short(p.valueAtZero)), ("range", "\(short(p.range.lowerBound)) … \(short(p.range.upperBound))"),
        ("symmetry", p.symmetry.rawValue), ("monotonicity", p.monotonicity.rawValue),
        ("curvature", p.curvature.rawValue),
        ("smoothness", p.smoothness.rawValue), ("Lipschitz constant", short(p.lipschitzConstant)),
        ("limits at ∓∞", "\(optional(p.limits.low)), \(optional(p.limits.high))"),
        ("slopes at ∓∞", "\(optional(p.slopes.low)), \(optional(p.slopes.high))"),
        ("kinks", p.kinks.isEmpty ? "none" : p.kinks.map(short).joined(separator: ", ")),
        ("jumps", p.jumps.isEmpty ? "none" : p.jumps.map(short).joined(separator: ", ")),
        (
          "minima",
          p.minima.isEmpty ? "none" : p.minima.map { "\(short($0.y)) at \(short($0.x))" }.joined(separator: ", ")
        ),
        (
          "E f(z), E f(z)², E f′(z)²",
          "\(short(p.moments.mean)), \(short(p.moments.secondMoment)), \(short(p.moments.slopeMoment)) for standard normal z"
        ),
        ("gain for initialization", short(p.moments.initialGain)),
      ]
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
}

private func parsePoints(_ text: String) throws -> [Double] {
  try text.split(separator: ",").map { part in
    guard let x = Double(part.trimmingCharacters(in: .whitespaces)) else {
      throw ValidationError("\"\(part)\" is no number.")
    }
    return x
  }
}
