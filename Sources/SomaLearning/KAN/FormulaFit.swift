import Foundation
import Soma
import SomaNetworks

/// A formula for a table: a KAN is trained from several starts, made sparse, pruned, its edges recognized as named functions, and read
/// off (Liu et al. 2024, arXiv 2404.19756).
public struct FormulaFit: Sendable {
  /// Nodes of the hidden layers; nil: none, 1 and 3 are tried, and the smallest that validates nearly as well as the best is kept.
  public var hidden: [Int]?
  /// Intervals of the grids, one after the other; the last ones only refine.
  public var grids: [Int]
  public var order: Int
  /// λ of the sparsity penalty, which is tried and so is thirty times as much; 0 leaves the network dense.
  public var penalty: Double
  public var prunes: Bool
  public var findsSymbols: Bool
  public var starts: Int
  public var steps: Int
  public var library: [SymbolicFunction]
  public var simplicity: Double
  /// Significant digits of the printed formula.
  public var digits: Int
  /// The functions of edges; nil: B-splines, whose grids follow the data and are refined.
  public var basis: (any EdgeBasis)?

  /// All functions but the constant: whether an edge matters is for the pruning to say.
  public static let functions = SymbolicFunction.library.filter { $0.name != "0" }

  public init(
    hidden: [Int]? = nil, grids: [Int] = [3, 5], order: Int = 3, penalty: Double = 1e-3, prunes: Bool = true,
    findsSymbols: Bool = true, starts: Int = 4, steps: Int = 100,
    library: [SymbolicFunction] = FormulaFit.functions,
    simplicity: Double = 0.8, digits: Int = 4, basis: (any EdgeBasis)? = nil
  ) {
    self.basis = basis
    require(digits > 0, "numbers are printed with at least one digit")
    self.digits = digits
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
    /// The formula without terms that hardly matter, its numbers rounded.
    public var printed: Formula?
    /// Its error on the test samples.
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
  /// - `x, y`: training rows and their targets.
  /// - `test`: rows that are used for nothing but the errors; the training rows if nil.
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

    // Every fifth training row decides between networks.
    let choosing = (0..<x.count).filter { x.count >= 50 && $0 % 5 == 4 }
    let learning = (0..<x.count).filter { x.count < 50 || $0 % 5 != 4 }
    func part(_ rows: [Int]) -> (x: Tensor, y: Tensor) {
      let places = Tensor(rows.map { Int32($0) })
      return (inputs.take(places), outputs.take(places))
    }
    let known = part(learning)
    let judged = choosing.isEmpty ? known : part(choosing)
    var best: (kan: FittedKAN, error: Double)?
    let shapes = hidden.map { [$0] } ?? [[], [1], [3]]
    let penalties = penalty > 0 ? [penalty, 30 * penalty] : [0]
    for (i, hidden) in shapes.enumerated() {
      for (j, penalty) in penalties.enumerated() {
        let share = (Double(i) + Double(j) / Double(penalties.count)) / Double(shapes.count)
        try onProgress(0.7 * share, "network \(([width] + hidden + [1]).map(String.init).joined(separator: "-"))")
        let kan = try candidate([width] + hidden + [1], penalty, known, judged, key)
        let error = kan.error(judged.x, judged.y)
        // A larger network has to be clearly better.
        if best == nil || error < 0.95 * best!.error || !best!.error.isFinite { best = (kan, error) }
      }
    }
    let kan = best!.kan
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
    let rows = x.map { Dictionary(zip(names, $0)) { first, _ in first } }
    let printed = formula.printed(on: rows, digits: digits)
    result.printed = printed
    result.printedError = Self.rootMeanSquare(
      zip(held.x, held.y).map { row, y in
        printed.value(Dictionary(zip(names, row)) { first, _ in first }) - y
      })
    return result
  }

  /// A network of a shape: the best of some starts by what was minimized, pruned, on finer grids as far as they validate better.
  private func candidate(
    _ shape: [Int], _ penalty: Double, _ known: (x: Tensor, y: Tensor), _ judged: (x: Tensor, y: Tensor), _ key: Key
  ) throws -> FittedKAN {
    let network =
      basis.map { basis in
        KAN(shape.map { .init($0) }) { KANLayer($0, basis: basis, usesScale: false, usesMask: true) }
      } ?? KAN(shape, intervals: grids[0], order: order)
    let plain = KANTraining(steps: steps, gridUpdates: basis == nil ? 5 : 0, updatingSteps: steps / 2)
    var best: (kan: FittedKAN, value: Double)?
    for start in 0..<starts {
      var kan = try plain.fit(FittedKAN(network, key: key.folding("start\(start)")), known.x, known.y)
      if penalty > 0 { kan = try KANTraining(steps: steps, penalty: penalty).fit(kan, known.x, known.y) }
      // A start that needs fewer edges for nearly the same error is the better one.
      let activity = kan.activity(known.x)
      let sparsity = penalty * KANSparsity()(activity, kan.variables.parameters).scalar
      let value = (activity.output - known.y).squared().mean().scalar + sparsity
      if best == nil || value < best!.value || !best!.value.isFinite { best = (kan, value) }
    }
    var kan = best!.kan
    func keeping(_ trained: FittedKAN) {
      if trained.error(judged.x, judged.y) < kan.error(judged.x, judged.y) { kan = trained }
    }
    if prunes {
      let smaller = kan.pruned(on: known.x)
      let trained = try KANTraining(steps: steps / 2, penalty: penalty / 10).fit(smaller, known.x, known.y)
      // The smaller network is wanted: it may be a little worse.
      if trained.error(judged.x, judged.y) < 1.1 * kan.error(judged.x, judged.y) { kan = trained }
    }
    for intervals in basis == nil ? grids.dropFirst() : [] {
      let finer = try kan.refined(intervals: intervals, on: known.x)
      keeping(try KANTraining(steps: steps, penalty: penalty / 10).fit(finer, known.x, known.y))
    }
    return kan
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
