import ArgumentParser
import Foundation
import Soma
import SomaNetworks
import SomaReports

struct ActivationsFit: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract: "Fit a ratio of two polynomials to an activation: start values of a Padé unit.",
    discussion: """
      The ratio is P(x)/Q(x), P(x) = a0 + a1 x + …, Q(x) = 1 + b1 |x| + b2 |x|² + … with b ≥ 0, so it has no poles.

      EXAMPLES
        soma activations fit --target gelu --degree 5/4
        soma activations fit --target mish --degree 7/6 --range -5,5 --plot mish-fit.svg
        soma activations fit --target "tanh(x)*exp(-x^2)" --json
      """)
  @Option(help: "A formula of x, or the name of an entry.") var target: String
  @Option(help: ArgumentHelp("Degrees of numerator and denominator.", valueName: "m/n"), transform: parseDegrees)
  var degree = Degrees(numerator: 5, denominator: 4)
  @Option(
    parsing: .unconditional, help: ArgumentHelp("Where it is fitted.", valueName: "low,high"),
    transform: parseRange)
  var range = -3.0...3.0
  @Option(help: ArgumentHelp("Draw the error as SVG.", valueName: "file")) var plot: String?
  @Option(help: ArgumentHelp("Write a page with both functions, the error and the coefficients.", valueName: "file"))
  var html: String?
  @OptionGroup(title: "Output") var output: OutputChoice

  struct Degrees {
    var numerator: Int
    var denominator: Int
  }

  private struct Result: Encodable {
    var target: String
    var numerator: [Double]
    var denominator: [Double]
    var range: [Double]
    var maximumError: Double
    var least: Double
    var greatest: Double
  }

  func run() throws {
    let activation = try ActivationsRelatives.activation(target)
    guard activation.isElementwise else {
      throw ValidationError("--target: \(activation.name) is no function of one number.")
    }
    let fit = try RationalFit(
      { activation($0) }, numerator: degree.numerator, denominator: degree.denominator, on: range)
    guard fit.maximumError.isFinite else {
      throw ValidationError(
        "--range: \(target) has no finite value somewhere in \(range.lowerBound)…\(range.upperBound).")
    }
    let bounds = fit.coefficients.bounds(Interval(range.lowerBound, range.upperBound))
    let result = Result(
      target: activation.name, numerator: fit.coefficients.numerator, denominator: fit.coefficients.denominator,
      range: [range.lowerBound, range.upperBound], maximumError: fit.maximumError, least: bounds.low,
      greatest: bounds.high)
    if let plot { try writeText(charts(activation, fit)[1].svg(), to: plot) }
    if let html { try writeText(page(activation, fit, result).html, to: html) }
    if output.json { return print(try jsonText(result)) }
    for (name, value) in coefficients(result) { print("\(name) = \(value)") }
    print("")
    for (name, value) in facts(result) { print("\(name): \(value)") }
    for file in [plot, html].compactMap(\.self) where !output.quiet { Terminal.note("Written: \(file)") }
  }

  private func coefficients(_ result: Result) -> [(String, String)] {
    func named(_ values: [Double], _ letter: String, from first: Int) -> [(String, String)] {
      values.enumerated().map { ("\(letter)\($0.offset + first)", String(format: "%.12g", $0.element)) }
    }
    return named(result.numerator, "a", from: 0) + named(result.denominator, "b", from: 1)
  }

  private func facts(_ result: Result) -> [(String, String)] {
    [
      ("largest error on \(short(range.lowerBound))…\(short(range.upperBound))", short(result.maximumError)),
      ("values of the ratio there", "\(short(result.least))…\(short(result.greatest))"),
    ]
  }

  /// Both functions; the error.
  private func charts(_ activation: Activation, _ fit: RationalFit) -> [LineChart] {
    let count = 400
    let x = (0...count).map {
      range.lowerBound + (range.upperBound - range.lowerBound) * Double($0) / Double(count)
    }
    let wanted = activation(Tensor(x)).doubles
    let found = PadeActivation(fit.coefficients, growsFreely: true)(Tensor(x)).doubles
    return [
      LineChart(
        "\(activation.displayName) and its ratio of degrees \(degree.numerator)/\(degree.denominator)", xTitle: "x",
        yTitle: "", [.init(activation.name, x: x, y: wanted), .init("ratio", x: x, y: found)]),
      LineChart(
        "Error", xTitle: "x", yTitle: "ratio - \(activation.name)",
        [.init("error", x: x, y: zip(found, wanted).map { $0 - $1 })]),
    ]
  }

  private func page(_ activation: Activation, _ fit: RationalFit, _ result: Result) -> Page {
    var page = Page(
      title: "\(activation.displayName) as a ratio of polynomials",
      subtitle: "P(x)/Q(x), P = Σ a_k x^k, Q = 1 + Σ b_k |x|^k")
    page.add(
      .figures(charts(activation, fit)), .facts(facts(result).map { (term: $0.0, value: $0.1) }),
      .facts(coefficients(result).map { (term: $0.0, value: $0.1) }))
    return page
  }
}

private func parseDegrees(_ text: String) throws -> ActivationsFit.Degrees {
  let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
  guard parts.count == 2, let m = parts[0], let n = parts[1], (0...12).contains(m), (0...12).contains(n) else {
    throw ValidationError("\"\(text)\" is not m/n with degrees of 0 to 12.")
  }
  return ActivationsFit.Degrees(numerator: m, denominator: n)
}

private func parseRange(_ text: String) throws -> ClosedRange<Double> {
  let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
  guard parts.count == 2, let low = parts[0], let high = parts[1], low < high, low.isFinite, high.isFinite else {
    throw ValidationError("\"\(text)\" is not low,high with low below high.")
  }
  return low...high
}
