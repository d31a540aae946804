import ArgumentParser
import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// `soma fit table.csv --formula`: a Kolmogorov-Arnold network is trained, pruned and read off as a formula.
struct FitFormula: ParsableArguments {
  @Flag(help: "Fit a formula; the same as --method formula.") var formula = false
  @Option(
    help: ArgumentHelp(
      "Nodes of all layers, such as 2,5,1; the first must be the number of columns. Default: the columns, then none, 1 or 3, then 1.",
      valueName: "counts"))
  var shape: IntegerList?
  @Option(help: ArgumentHelp("Grid intervals, one grid after the other. Default: 3,5.", valueName: "counts"))
  var grid: IntegerList?
  @Option(help: "Order of the splines.") var order = 3
  @Option(
    help: ArgumentHelp(
      "Functions on edges: \(EdgeBasisNames.all.map(\.name).joined(separator: ", ")), each with :COUNT if wanted, or activation:NAME. Default: B-splines, whose grids are refined.",
      valueName: "basis"))
  var basis: String?
  @Option(help: ArgumentHelp("Weight of the sparsity penalty; 0: none.", valueName: "λ")) var sparsify = 1e-3
  @Flag(inversion: .prefixedNo, help: "Remove nodes and edges that matter little.") var prune = true
  @Flag(inversion: .prefixedNo, help: "Replace learned edges by named functions.") var symbolic = true
  @Option(help: "Networks that are begun; the best is kept.") var starts = 4
  @Option(help: "L-BFGS steps of each stage.") var iterations = 100
  @Option(help: "Significant digits of printed numbers.") var digits = 4
  @Option(
    help: ArgumentHelp("How much simple functions are preferred to near ones, 0 to 1.", valueName: "share"))
  var simplicity = 0.8
  @Option(help: ArgumentHelp("Draw the network with its edges' functions.", valueName: "path")) var draw: String?
  @Option(name: .customLong("formula-seed"), help: "Seed of starts and of the split into training and test rows.")
  var seed = 0

  mutating func validate() throws {
    if let shape {
      guard shape.values.count >= 2, shape.values.allSatisfy({ $0 > 0 }) else {
        throw ValidationError("--shape wants at least two positive counts, such as 2,5,1.")
      }
      guard shape.values.last == 1 else { throw ValidationError("--shape must end in 1: one column is predicted.") }
    }
    if basis != nil, grid != nil { throw ValidationError("--grid is the B-splines' and does not go with --basis.") }
    if let grid, grid.values.isEmpty || !grid.values.allSatisfy({ (1...1000).contains($0) }) {
      throw ValidationError("--grid wants counts of 1 to 1000, such as 3,5,10.")
    }
    guard (1...SplineSum.highestOrder).contains(order) else {
      throw ValidationError("--order must be 1 to \(SplineSum.highestOrder), not \(order).")
    }
    guard sparsify >= 0, sparsify.isFinite else { throw ValidationError("--sparsify must not be negative.") }
    guard (1...100).contains(starts), (1...100_000).contains(iterations), (1...15).contains(digits),
      (0...1).contains(simplicity)
    else {
      throw ValidationError(
        "--starts must be 1 to 100, --iterations 1 to 100000, --digits 1 to 15, --simplicity 0 to 1.")
    }
  }

  private struct Report: Encodable {
    var target: String
    var rows: Int
    var formula: String?
    var shape: [Int]
    var parameters: Int
    var networkError: Double
    var formulaError: Double?
    var printedFormulaError: Double?
    var deviation: Double
  }

  func run(_ choice: DataChoice, _ input: String?, _ output: OutputChoice) throws {
    let parts = try choice.open(input)
    let source = try choice.source(input)
    let (x, y, names, target) = try Self.columns(parts.train, source)
    if let shape, shape.values[0] != names.count {
      throw DataError(
        source,
        "has \(names.count) input columns (\(names.joined(separator: ", "))), --shape begins with \(shape.values[0])")
    }
    let test: (x: [[Double]], y: [Double])
    let training: (x: [[Double]], y: [Double])
    if let held = parts.test {
      let other = try Self.columns(held, source)
      (training, test) = ((x, y), (other.x, other.y))
    } else {
      // Every fifth row of a shuffled order is kept for the errors.
      let order = Tensor.uniform([x.count], key: Key(seed)).argSort().doubles.map { Int($0) }
      let (kept, held) = (order.indices.filter { $0 % 5 != 4 }, order.indices.filter { $0 % 5 == 4 })
      training = (kept.map { x[order[$0]] }, kept.map { y[order[$0]] })
      test = (held.map { x[order[$0]] }, held.map { y[order[$0]] })
    }
    let fit = FormulaFit(
      hidden: shape.map { Array($0.values.dropFirst().dropLast()) }, grids: grid?.values ?? [3, 5], order: order,
      penalty: sparsify, prunes: prune, findsSymbols: symbolic, starts: starts, steps: iterations,
      simplicity: simplicity, digits: digits, basis: try basis.map { try EdgeBasisNames.named($0) })
    let progress = ProgressLine(isQuiet: output.quiet)
    defer { progress.clear() }
    let result = try fit(training.x, training.y, test: test.y.isEmpty ? nil : test, names: names, key: Key(seed)) {
      progress.update($0, $1)
    }
    progress.clear()
    let text = result.printed?.description
    if let draw {
      let picture = (result.symbols ?? result.curves).picture(
        "\(target) of \(source)", on: result.inputs, inputs: names, outputs: [target])
      try writeText(picture.svg(), to: draw)
      if !output.quiet { Terminal.note("Picture: \(draw)") }
    }
    let report = Report(
      target: target, rows: x.count, formula: text, shape: result.curves.network.widths.map(\.nodes),
      parameters: result.curves.parameterCount, networkError: result.curveErrors.test,
      formulaError: result.formulaErrors?.test, printedFormulaError: result.printedError, deviation: result.deviation)
    if output.json { return print(try jsonText(report)) }
    if let text { print(Terminal.bold("\(target) ≈ \(text)")) }
    func share(_ error: Double) -> String {
      String(format: "%.4g (%.1f %% of the variance explained)", error, 100 * (1 - pow(error / result.deviation, 2)))
    }
    print(
      "rows: \(training.y.count) to fit, \(test.y.count) kept for the errors; deviation of \(target): "
        + String(format: "%.4g", result.deviation))
    print(
      "network \(report.shape.map(String.init).joined(separator: "-")), \(report.parameters) numbers: error \(share(result.curveErrors.test))"
    )
    if let errors = result.formulaErrors { print("formula: error \(share(errors.test))") }
    if let printed = result.printedError { print("formula as printed: error \(share(printed))") }
  }

  /// Rows of numbers, and the one column that is predicted.
  private static func columns(_ data: LabeledData, _ source: String) throws -> (
    x: [[Double]], y: [Double], names: [String], target: String
  ) {
    guard case .values(let targets, let names) = data.target, names.count == 1 else {
      throw DataError(source, "a formula is fitted to one column of numbers; say --task regression if it is one")
    }
    let d = data.sampleShape.elementCount
    let rows = (0..<data.count).map { i in (0..<d).map { Double(data.values[i * d + $0]) } }
    let inputs = data.featureNames.isEmpty ? (0..<d).map { "x\($0)" } : data.featureNames
    return (rows, targets.map(Double.init), inputs, names[0])
  }
}

/// Numbers separated by commas.
struct IntegerList: ExpressibleByArgument {
  var values: [Int]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard !parts.isEmpty, parts.allSatisfy({ $0 != nil }) else { return nil }
    values = parts.compactMap { $0 }
  }
}
