import ArgumentParser
import Foundation
import Soma
import SomaData
import SomaLearning
import SomaNetworks

/// `soma fit table.csv --method neuron`: learns y ≈ f(w·x) by descent on a convex surrogate, whose error stays within a constant
/// factor of the best neuron's.
struct FitNeuron: ParsableArguments {
  @Option(help: "The activation f: non-decreasing, zero at zero.") var link = "relu"
  @Flag(help: "Cut labels at three times the 99.9 % quantile of their size.") var robust = false
  @Flag(help: "Append no column of ones.") var noConstant = false
  @Option(help: "Steps.") var steps = 300

  mutating func validate() throws {
    guard (1...1_000_000).contains(steps) else { throw ValidationError("--steps must be 1 to 1000000, not \(steps).") }
  }

  private struct Result: Encodable {
    var names: [String]
    var weights: [Double]
    var squaredError: Double
    var variance: Double
    var warnings: [String]
  }

  func run(_ choice: DataChoice, _ input: String?, _ output: OutputChoice) throws {
    let data = try choice.open(input).train
    guard case .values(let targets, let names) = data.target, names.count == 1 else {
      throw DataError(
        try choice.source(input), "a neuron is fitted to one column of numbers; say --task regression if it is one")
    }
    let d = data.sampleShape.elementCount
    var x = Tensor(data.values, shape: [data.count, d]).cast(to: .float64)
    if !noConstant { x = .concatenate([x, .ones([data.count, 1], dtype: .float64)], axis: 1) }
    let y = Tensor(targets).cast(to: .float64)
    let rule = SurrogateNeuron(
      activation: try Activation.named(link), steps: steps, labelClip: robust ? .quantile : .none)
    let fit = try rule.fit(x, y)
    let columns = (data.featureNames.isEmpty ? (0..<d).map { "x\($0)" } : data.featureNames) + (noConstant ? [] : ["1"])
    let result = Result(
      names: columns, weights: fit.weights, squaredError: fit.squaredErrors.last ?? .nan, variance: y.variance().scalar,
      warnings: fit.warnings)
    if output.json { return print(try jsonText(result)) }
    var table = TextColumns(headings: ["column", "weight"], alignedRight: [1])
    table.rows = zip(columns, fit.weights).map { [$0, String(format: "%.6g", $1)] }
    for line in table.lines { print(line) }
    print(
      String(format: "mean squared error %.6g; the labels' variance is %.6g", result.squaredError, result.variance))
    if !output.quiet { for warning in fit.warnings { Terminal.note(warning) } }
  }
}
