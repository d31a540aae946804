import Foundation
import Soma
import SomaNetworks

/// A formula for a table: a KAN is trained from several starts, made sparse, pruned, its edges recognized as named functions, and read
/// off (Liu et al. 2024, arXiv 2404.19756).
public struct FormulaFit: Sendable {
  /// Nodes of the hidden layers and the outputs; the inputs come from the data.
  public var hidden: [Int]
  /// Intervals of the grids, one after the other; the last ones only refine.
  public var grids: [Int]
  public var order: Int
  /// λ of the sparsity penalty; 0 leaves the network dense.
  public var penalty: Double
  public var prunes: Bool
  public var findsSymbols: Bool
  public var starts: Int
  public var steps: Int
  public var library: [SymbolicFunction]
  public var simplicity: Double

  public init(
    hidden: [Int] = [3], grids: [Int] = [3, 5], order: Int = 3, penalty: Double = 1e-3, prunes: Bool = true,
    findsSymbols: Bool = true, starts: Int = 4, steps: Int = 100,
    library: [SymbolicFunction] = SymbolicFunction.library,
    simplicity: Double = 0.8
  ) {
    require(!grids.isEmpty && grids.allSatisfy { $0 > 0 }, "grids have at least one interval")
    self.hidden = hidden
    self.grids = grids
    self.order = order
    self.penalty = penalty
    self.prunes = prunes
    self.findsSymbols = findsSymbols
    self.starts = starts
    self.steps = steps
    self.library = library
    self.simplicity = simplicity
  }

  public struct Result: Sendable {
    /// The network of learned curves, pruned.
    public var curves: FittedKAN
    /// The network of named functions, if they were looked for.
    public var symbols: FittedKAN?
    /// In the columns' own units.
    public var formula: Formula?
    /// Roots of mean squared errors on the training and on the test samples, in the target's units.
    public var curveErrors: (training: Double, test: Double)
    public var formulaErrors: (training: Double, test: Double)?
    /// The formula with rounded numbers, as it is printed, on the test samples.
    public var printedError: Double?
    /// Standard deviation of the target over the test samples.
    public var deviation: Double
    /// Training inputs, as the networks take them.
    public var inputs: Tensor
  }

  /// A column in the network's units: as it is where its values are near 1 in size, else standardized.
  private struct Column {
    let offset: Double
    let scale: Double

    init(_ values: [Double]) {
      let mean = values.reduce(0, +) / Double(max(1, values.count))
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, values.count))
      let deviation = variance.squareRoot()
      let isPlain = deviation == 0 || (0.2...5).contains(deviation) && abs(mean) <= 3 * deviation
      (offset, scale) = isPlain ? (0, 1) : (mean, deviation)
    }
    func standard(_ x: Double) -> Double { (x - offset) / scale }
    func plain(_ y: Double) -> Double { y * scale + offset }
  }

  /// Fits a formula.
  /// - Parameters:
  ///   - x, y: training rows and their targets.
  ///   - test: rows that are used for nothing but the errors; the training rows if nil.
  /// - Throws: `KANError` if numbers are missing or not finite.
  public func callAsFunction(
    _ x: [[Double]], _ y: [Double], test: (x: [[Double]], y: [Double])? = nil, names: [String], key: Key = Key(0),
    onProgress: (Double, String) throws -> Void = { _, _ in }
  ) throws -> Result {
    guard x.count >= 4, x.count == y.count, let width = x.first?.count, width > 0 else {
      throw KANError("a formula wants at least four rows with numbers")
    }
    guard x.allSatisfy({ $0.count == width && $0.allSatisfy(\.isFinite) }), y.allSatisfy(\.isFinite) else {
      throw KANError("the table has missing or infinite numbers; fill or drop those rows first")
    }
    let held = test ?? (x, y)
    let columns = (0..<width).map { j in Column(x.map { $0[j] }) }
    let target = Column(y)
    func matrix(_ rows: [[Double]]) -> Tensor {
      Tensor(rows.flatMap { row in zip(columns, row).map { $0.standard($1) } }, shape: [rows.count, width])
    }
    let (inputs, outputs) = (matrix(x), Tensor(y.map(target.standard), shape: [y.count, 1]))
    let heldInputs = matrix(held.x)
    func errors(_ kan: FittedKAN) -> (training: Double, test: Double) {
      func error(_ x: Tensor, _ y: [Double]) -> Double {
        let predicted = kan(x).doubles.map(target.plain)
        return Self.rootMeanSquare(zip(predicted, y).map { $0 - $1 })
      }
      return (error(inputs, y), error(heldInputs, held.y))
    }

    let shape: [Int] = [width] + hidden + [1]
    let first = KAN(shape, intervals: grids[0], order: order)
    let plain = KANTraining(steps: steps, gridUpdates: 5, updatingSteps: steps / 2)
    var kan = try plain.best(of: starts, first, inputs, outputs, key: key) {
      try onProgress(0.4 * Double($0) / Double(starts), "start \($0 + 1) of \(starts)")
    }
    if penalty > 0 {
      try onProgress(0.4, "making the network sparse")
      kan = try KANTraining(steps: steps, penalty: penalty).fit(kan, inputs, outputs)
    }
    if prunes {
      try onProgress(0.5, "pruning")
      let smaller = kan.pruned(on: inputs)
      let trained = try KANTraining(steps: steps, gridUpdates: 2, updatingSteps: 20).fit(smaller, inputs, outputs)
      if trained.error(inputs, outputs).isFinite { kan = trained }
    }
    for (i, intervals) in grids.enumerated().dropFirst() {
      try onProgress(0.55 + 0.1 * Double(i) / Double(grids.count), "grid of \(intervals)")
      let finer = try kan.refined(intervals: intervals, on: inputs)
      let trained = try KANTraining(steps: steps).fit(finer, inputs, outputs)
      // A finer grid that fits worse has lost its way.
      if trained.error(inputs, outputs) < kan.error(inputs, outputs) { kan = trained }
    }
    var result = Result(
      curves: kan, curveErrors: errors(kan), deviation: Self.deviation(held.y), inputs: inputs)
    guard findsSymbols else { return result }
    try onProgress(0.7, "looking for named functions")
    var symbols = kan
    for l in kan.network.layers.indices {
      symbols = try Self.symbolicLayer(l, symbols, inputs, library, simplicity)
      symbols = try KANTraining(steps: steps).fit(symbols, inputs, outputs)
      try onProgress(0.7 + 0.3 * Double(l + 1) / Double(kan.network.layers.count), "looking for named functions")
    }
    let variables = zip(names, columns).map { name, column in
      Formula.variable(name).adding(.number(-column.offset)).times(1 / column.scale)
    }
    let standard: Formula = try symbols.formulas(inputs: variables)[0]
    let formula = standard.times(target.scale).adding(Formula.number(target.offset))
    result.symbols = symbols
    result.formula = formula
    result.formulaErrors = errors(symbols)
    let printed = formula.rounded()
    result.printedError = Self.rootMeanSquare(
      zip(held.x, held.y).map { row, y in
        printed.value(Dictionary(zip(names, row)) { first, _ in first }) - y
      })
    return result
  }

  private static func symbolicLayer(
    _ layer: Int, _ kan: FittedKAN, _ x: Tensor, _ library: [SymbolicFunction], _ simplicity: Double
  ) throws -> FittedKAN {
    var result = kan
    for (i, row) in kan.isLive(layer).enumerated() {
      for (o, isLive) in row.enumerated() where isLive {
        guard let best = result.suggestions(layer, i, o, on: x, library: library, simplicity: simplicity).first else {
          continue
        }
        result = result.fixingSymbolic(layer, i, o, best)
      }
    }
    return result
  }

  static func rootMeanSquare(_ values: [Double]) -> Double {
    (values.reduce(0) { $0 + $1 * $1 } / Double(max(1, values.count))).squareRoot()
  }

  static func deviation(_ values: [Double]) -> Double {
    let mean = values.reduce(0, +) / Double(max(1, values.count))
    return rootMeanSquare(values.map { $0 - mean })
  }
}
