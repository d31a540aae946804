import Dispatch
import Foundation
import Soma
import Synchronization

/// How two activations of one number are related.
public struct ActivationRelation: Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable {
    /// The same values.
    case same
    /// The other with these values of its parameters.
    case specialCase([String: ActivationParameter.Value])
    /// `p · g(q x + r) + s`
    case affine(p: Double, q: Double, r: Double, s: Double)
    /// The derivative of the other.
    case derivative
    /// The inverse function of the other.
    case inverse
    /// `-g(-x)`
    case reflection
  }

  public enum Certificate: String, Hashable, Sendable {
    /// Both formulas are the same after names are replaced and constants computed.
    case formula
    /// Equal to 1e-9 at 64 points and at 2001 others.
    case numerical
  }

  public var kind: Kind
  public var other: String
  public var certificate: Certificate

  public var description: String {
    func text(_ value: Double) -> String {
      value == value.rounded() && value.magnitude < 1e9 ? "\(Int(value))" : "\((value * 1e6).rounded() / 1e6)"
    }
    switch kind {
    case .same: return "the same as \(other)"
    case .specialCase(let values):
      let list = values.sorted { $0.key < $1.key }.map { name, value in
        switch value {
        case .number(let number): return "\(name)=\(text(number))"
        case .list(let numbers, _): return "\(name)=[\(numbers.map(text).joined(separator: ","))]"
        case .activations, .formula: return name
        }
      }
      return "\(other)(\(list.joined(separator: ", ")))"
    case .affine(let p, let q, let r, let s):
      func signed(_ value: Double) -> String { value < 0 ? "-\(text(-value))" : "+\(text(value))" }
      let inner = (q == 1 ? "x" : q == -1 ? "-x" : "\(text(q))*x") + (r == 0 ? "" : signed(r))
      return "\(p == 1 ? "" : p == -1 ? "-" : "\(text(p))*")\(other)(\(inner))\(s == 0 ? "" : signed(s))"
    case .derivative: return "the derivative of \(other)"
    case .inverse: return "the inverse of \(other)"
    case .reflection: return "-\(other)(-x)"
    }
  }
}

/// An activation's values at fixed points, to compare it with others.
struct RelationProbe {
  /// 64 points of [-6, 6] in no pattern.
  static let points: [Double] = (1...64).map { k in
    -6 + 12 * (Double(k) * 0.618_033_988_749_894_9).truncatingRemainder(dividingBy: 1)
  }
  /// Points for the last word.
  static let grid: [Double] = (0...2000).map { -8 + Double($0) * 0.008 + 0.0013 }

  let activation: Activation
  let program: ScalarProgram
  let values: [Double]
  let scale: Double
  let isConstant: Bool
  private let open: ScalarProgram

  init?(_ activation: Activation) {
    guard let program = ScalarProgram(activation), let open = ScalarProgram(activation, isOpen: true) else {
      return nil
    }
    self.activation = activation
    self.program = program
    self.open = open
    values = program(Self.points)
    scale = Swift.max(values.map(\.magnitude).max() ?? 0, 1e-12)
    isConstant = (values.max() ?? 0) - (values.min() ?? 0) <= 1e-12 * scale
    guard values.allSatisfy(\.isFinite) else { return nil }
  }

  static let tolerance = 1e-9

  private func agrees(_ a: [Double], _ b: [Double]) -> Bool {
    let size = Swift.max(a.map(\.magnitude).filter(\.isFinite).max() ?? 0, 1e-12)
    return zip(a, b).allSatisfy { ($0 - $1).magnitude <= Self.tolerance * size || $0 == $1 || ($0.isNaN && $1.isNaN) }
  }

  /// What this activation is, seen from another: the strongest relation of each sort.
  func relations(to g: RelationProbe, slopes: (Activation) -> [Double]?) -> [ActivationRelation] {
    var result: [ActivationRelation] = []
    func add(_ kind: ActivationRelation.Kind, _ certificate: ActivationRelation.Certificate = .numerical) {
      result.append(.init(kind: kind, other: g.activation.name, certificate: certificate))
    }
    if program.nodes == g.program.nodes {
      add(.same, .formula)
      return result
    }
    if isSame(as: g) {
      add(.same)
      return result
    }
    if let values = specialCase(of: g) { add(.specialCase(values)) }
    if isReflection(of: g) {
      add(.reflection)
    } else if let kind = affine(g) {
      add(kind)
    }
    if let slope = slopes(g.activation), agrees(values, slope) { add(.derivative) }
    if isInverse(of: g) { add(.inverse) }
    return result
  }

  func isSame(as g: RelationProbe) -> Bool {
    agrees(values, g.values) && agrees(program(Self.grid), g.program(Self.grid))
  }

  func isReflection(of g: RelationProbe) -> Bool {
    agrees(values, g.program(Self.points.map { -$0 }).map { -$0 })
      && agrees(program(Self.grid), g.program(Self.grid.map { -$0 }).map { -$0 })
  }

  // MARK: Inverse

  private func isInverse(of g: RelationProbe) -> Bool {
    guard !isConstant, !g.isConstant else { return false }
    let back = g.program(values)
    return zip(back, Self.points).allSatisfy { ($0 - $1).magnitude <= 1e-9 * Swift.max(1, $1.magnitude) }
  }

  // MARK: Affine

  /// `p g(q x + r) + s`, by least squares from the best of a few scales and shifts.
  func affine(_ g: RelationProbe) -> ActivationRelation.Kind? {
    guard !isConstant, !g.isConstant else { return nil }
    let mean = values.reduce(0, +) / Double(values.count)
    let centered = values.map { $0 - mean }
    let total = centered.reduce(0) { $0 + $1 * $1 }
    var starts: [(error: Double, p: [Double])] = []
    for q in [1, -1, 2, -2, 0.5, -0.5, 4, -4, 0.25, -0.25] {
      for r in [0, 1, -1, 2, -2] as [Double] {
        let u = g.program(Self.points.map { q * $0 + r })
        let average = u.reduce(0, +) / Double(u.count)
        var (both, own) = (0.0, 0.0)
        for (a, b) in zip(u, centered) {
          both += (a - average) * b
          own += (a - average) * (a - average)
        }
        guard own.isFinite, both.isFinite, own > 1e-18 else { continue }
        let p = both / own
        starts.append((1 - both * both / (own * total), [p, q, r, mean - p * average]))
      }
    }
    starts.sort { $0.error < $1.error }
    for start in starts.prefix(3) where start.error < 0.2 {
      let fit = CurveFit(
        model: { p in g.program(Self.points.map { p[1] * $0 + p[2] }).map { p[0] * $0 + p[3] } }, target: values,
        limits: [-1e4...1e4, -20...20, -20...20, -1e4...1e4])
      guard let found = fit(from: start.p), found.error < 1e-7 else { continue }
      let p = found.parameters.map(Self.snapped)
      guard p[1].magnitude > 0.05 else { continue }
      func value(_ x: [Double]) -> [Double] { g.program(x.map { p[1] * $0 + p[2] }).map { p[0] * $0 + p[3] } }
      if agrees(values, value(Self.points)), agrees(program(Self.grid), value(Self.grid)) {
        return .affine(p: p[0], q: p[1], r: p[2], s: p[3])
      }
    }
    return nil
  }

  /// Numbers that are nearly simple ones are those.
  private static func snapped(_ value: Double) -> Double {
    for denominator in 1...12 {
      let near = (value * Double(denominator)).rounded() / Double(denominator)
      if (near - value).magnitude < 1e-6 * Swift.max(1, value.magnitude) { return near }
    }
    return value
  }

  // MARK: Special cases

  /// Values of the other's parameters at which it is this activation.
  /// - Parameter thorough: whether other numbers than simple ones are looked for
  func specialCase(of g: RelationProbe, thorough: Bool = true) -> [String: ActivationParameter.Value]? {
    let parameters = g.open.parameters
    guard !parameters.isEmpty, parameters.count <= 8 else { return nil }
    let limits = parameters.map { Self.limits($0, g.activation) }
    func named(_ p: [Double]) -> [String: ActivationParameter.Value]? {
      guard agrees(values, g.open(Self.points, p)), agrees(program(Self.grid), g.open(Self.grid, p)) else { return nil }
      return g.named(p)
    }
    // All combinations of simple numbers at once, point after point: hardly any outlives the second. Parameters of the same
    // name may have the same value.
    let own = Dictionary(open.parameters.map { ($0.name, $0.start) }, uniquingKeysWith: { first, _ in first })
    for sharesNames in own.isEmpty ? [false] : [true, false] {
      let pinned = parameters.map { sharesNames && $0.index == nil ? own[$0.name] : nil }
      let free = pinned.count { $0 == nil }
      guard free <= 5 else { continue }
      let sizes = [0, 40, 24, 12, 8, 6]
      var lists = [[Double]](repeating: [], count: parameters.count)
      var combinations: [[Double]] = [[]]
      for k in parameters.indices {
        let candidates =
          pinned[k].map { [$0] } ?? ([parameters[k].start] + ownNumbers.filter { $0 != parameters[k].start })
        let few = candidates.filter { limits[k].contains($0) }.prefix(sizes[free])
        combinations = combinations.flatMap { head in few.map { head + [$0] } }
      }
      for combination in combinations { for k in lists.indices { lists[k].append(combination[k]) } }
      for i in 0..<8 where !(lists.first?.isEmpty ?? true) {
        let found = g.open(Self.points[i], all: lists)
        let fits = found.indices.filter { (found[$0] - values[i]).magnitude <= Self.tolerance * scale }
        lists = lists.map { list in fits.map { list[$0] } }
      }
      for k in (lists.first ?? []).indices.prefix(8) {
        if let result = named(lists.map { $0[k] }) { return result }
      }
    }
    if !thorough { return nil }
    let start = parameters.map(\.start)
    var starts = [start]
    // Other signs and sizes of one parameter at a time lead to other minima.
    for k in start.indices {
      for other in [-start[k], 0, start[k] * 3] where other != start[k] {
        var moved = start
        moved[k] = other
        starts.append(moved)
      }
    }
    for start in starts.prefix(13) {
      var fit = CurveFit(model: { g.open(Self.points, $0) }, target: values, limits: limits)
      fit.iterations = 60
      guard let found = fit(from: start), found.error < 1e-6 else { continue }
      if let result = named(found.parameters.map(Self.snapped)) ?? named(found.parameters) { return result }
    }
    return nil
  }

  /// Simple numbers, and this activation's own parameters with their simple multiples.
  private var ownNumbers: [Double] {
    var result: [Double] = [0, 1, -1, 0.5, 2, -0.5, -2, 0.25, 3, 4, 0.1, 0.01, 1.702, 10]
    for own in open.parameters.map(\.start) {
      for value in [own, 2 * own, own / 2, 1 / own, -own] where value.isFinite && !result.contains(value) {
        result.append(value)
      }
    }
    return result
  }

  private static func limits(_ parameter: ScalarProgram.Parameter, _ activation: Activation) -> ClosedRange<Double> {
    var (low, high) = (-1e3, 1e3)
    for bound in parameter.parameter.bounds {
      guard let limit = ExpressionEvaluation.number(bound.limit, activation.defaults) else { continue }
      switch bound.comparison {
      case .greater: low = Swift.max(low, limit + 1e-9)
      case .greaterEqual: low = Swift.max(low, limit)
      case .less: high = Swift.min(high, limit - 1e-9)
      case .lessEqual: high = Swift.min(high, limit)
      case .equal: break
      }
    }
    return low <= high ? low...high : parameter.start...parameter.start
  }

  private func named(_ p: [Double]) -> [String: ActivationParameter.Value] {
    var result: [String: ActivationParameter.Value] = [:]
    for (parameter, value) in zip(open.parameters, p) {
      guard parameter.index != nil else {
        result[parameter.name] = .number(value)
        continue
      }
      if case .list(let values, let first)? = result[parameter.name] {
        result[parameter.name] = .list(values + [value], first: first)
      } else if case .list(_, let first) = parameter.parameter.value {
        result[parameter.name] = .list([value], first: first)
      }
    }
    return result
  }
}

/// How many different functions a set of activations holds.
public struct ActivationClasses: Sendable {
  /// Activations that are affine images of each other at their start values.
  public var affine: [[String]]
  /// The same, where an activation also counts as another whose parameters, simple numbers, make it one.
  public var withParameters: [[String]]

  /// Compares all pairs, several side by side.
  /// - Throws: what `progress` throws
  public init(_ activations: [Activation], progress: @escaping @Sendable (Double) throws -> Void = { _ in }) throws {
    let probes = activations.compactMap { RelationProbe($0) }
    let links = Mutex<[(Int, Int, Bool)]>([])
    let failure = Mutex<(any Error)?>(nil)
    let done = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: probes.count) { i in
      guard failure.withLock({ $0 == nil }) else { return }
      for j in probes.indices where j != i {
        if j < i,
          probes[i].isSame(as: probes[j]) || probes[i].isReflection(of: probes[j]) || probes[i].affine(probes[j]) != nil
        {
          links.withLock { $0.append((i, j, true)) }
        } else if probes[i].specialCase(of: probes[j], thorough: false) != nil {
          links.withLock { $0.append((i, j, false)) }
        }
      }
      let share = done.withLock { done in
        done += 1
        return Double(done) / Double(probes.count)
      }
      do { try progress(share) } catch { failure.withLock { $0 = error } }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    let found = links.withLock { $0 }
    func groups(_ pairs: [(Int, Int, Bool)]) -> [[String]] {
      var root = Array(probes.indices)
      func top(_ i: Int) -> Int { root[i] == i ? i : top(root[i]) }
      for (a, b, _) in pairs { root[max(top(a), top(b))] = min(top(a), top(b)) }
      return Dictionary(grouping: probes.indices, by: top).sorted { $0.key < $1.key }
        .map { $0.value.map { probes[$0].activation.name } }
    }
    affine = groups(found.filter(\.2))
    withParameters = groups(found)
  }
}

extension Activation {
  /// How this activation of one number is related to others: where it is the same, a special case, an affine image, the
  /// derivative, the inverse or the reflection of one of them. Parameters have their start values here, and may vary there.
  /// - Throws: `ActivationError` for an activation that is no function of one number or has no finite values.
  public func relatives(among others: [Activation]? = nil) throws(ActivationError) -> [ActivationRelation] {
    guard let own = RelationProbe(self) else { throw .unsuitableKind(name, wanted: "a finite function of one number") }
    var result: [ActivationRelation] = []
    for other in others ?? Self.find(where: \.isElementwise) where other != self {
      guard let probe = RelationProbe(other) else { continue }
      result += own.relations(to: probe) { activation in
        guard let slope = try? activation.derivative(1) else { return nil }
        return slope(Tensor(RelationProbe.points)).doubles
      }
    }
    return result
  }

  /// Entries with the same values as an activation, by other names.
  /// - Throws: as `relatives`
  public static func duplicates(of f: Activation) throws(ActivationError) -> [Activation] {
    let same = try f.relatives().filter { $0.kind == .same }.map(\.other)
    return find { same.contains($0.name) && $0.name != f.name }
  }

  /// A formula in which every letter that is not known is an open parameter; their start values are numbers without a
  /// pattern, so that only a relation for all values is found.
  /// - Throws: `ActivationError` for a formula that cannot be read.
  public static func parse(openFormula formula: String) throws(ActivationError) -> Activation {
    var parameters: [String] = []
    let starts = [0.7, 1.3, 0.45, 1.85, 0.6, 1.15]
    while true {
      let notation = parameters.enumerated().map { "\($0.element)=\(starts[$0.offset % starts.count]):trained" }
      switch attempt(formula, notation.isEmpty ? "-" : notation.joined(separator: ";")) {
      case .success(let activation): return activation
      case .failure(let error):
        guard case .malformedFormula(let inner) = error, parameters.count < starts.count,
          let name = inner.unknownName, !parameters.contains(name)
        else { throw error }
        parameters.append(name)
      }
    }
  }

  // A failure as a value: the compiler (6.3) fails on patterns in the `catch` of a typed error.
  private static func attempt(_ formula: String, _ parameters: String) -> Result<Activation, ActivationError> {
    do { return .success(try parse(formula, parameters)) } catch { return .failure(error) }
  }
}

extension ExpressionError {
  /// The name that has no value, if that is the reason.
  var unknownName: String? {
    guard reason.hasPrefix("unknown name ") else { return nil }
    return String(reason.dropFirst("unknown name ".count).prefix { $0.isLetter || $0.isNumber || $0 == "_" })
  }
}
