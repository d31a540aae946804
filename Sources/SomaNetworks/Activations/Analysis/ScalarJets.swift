import Foundation

/// A value and its first three derivatives in the input.
struct ScalarJet {
  var value: Double
  var d1 = 0.0
  var d2 = 0.0
  var d3 = 0.0

  static func + (a: ScalarJet, b: ScalarJet) -> ScalarJet {
    ScalarJet(value: a.value + b.value, d1: a.d1 + b.d1, d2: a.d2 + b.d2, d3: a.d3 + b.d3)
  }
  static prefix func - (a: ScalarJet) -> ScalarJet { ScalarJet(value: -a.value, d1: -a.d1, d2: -a.d2, d3: -a.d3) }

  static func * (a: ScalarJet, b: ScalarJet) -> ScalarJet {
    ScalarJet(
      value: a.value * b.value, d1: a.d1 * b.value + a.value * b.d1,
      d2: a.d2 * b.value + 2 * a.d1 * b.d1 + a.value * b.d2,
      d3: a.d3 * b.value + 3 * a.d2 * b.d1 + 3 * a.d1 * b.d2 + a.value * b.d3)
  }

  static func / (a: ScalarJet, b: ScalarJet) -> ScalarJet {
    // q = a/b: a = q b, differentiated.
    let q = a.value / b.value
    let q1 = (a.d1 - q * b.d1) / b.value
    let q2 = (a.d2 - 2 * q1 * b.d1 - q * b.d2) / b.value
    let q3 = (a.d3 - 3 * q2 * b.d1 - 3 * q1 * b.d2 - q * b.d3) / b.value
    return ScalarJet(value: q, d1: q1, d2: q2, d3: q3)
  }

  var isConstant: Bool { d1 == 0 && d2 == 0 && d3 == 0 }

  /// A function of this value, its derivatives there given.
  func composed(_ value: Double, _ f1: Double, _ f2: Double, _ f3: Double) -> ScalarJet {
    // What does not depend on the input has no derivative, whatever the function does there.
    if isConstant { return ScalarJet(value: value) }
    func times(_ a: Double, _ b: Double) -> Double { b == 0 ? 0 : a * b }
    return ScalarJet(
      value: value, d1: times(f1, d1), d2: times(f2, d1 * d1) + times(f1, d2),
      d3: times(f3, d1 * d1 * d1) + 3 * times(f2, d1 * d2) + times(f1, d3))
  }

  static func power(_ a: ScalarJet, _ b: ScalarJet) -> ScalarJet {
    if b.isConstant {
      let n = b.value
      let y = n == 1 ? a.value : n == 2 ? a.value * a.value : Foundation.pow(a.value, n)
      func term(_ factor: Double, _ power: Double) -> Double {
        factor == 0 ? 0 : factor * (power == 0 ? 1 : power == 1 ? a.value : Foundation.pow(a.value, power))
      }
      return a.composed(y, term(n, n - 1), term(n * (n - 1), n - 2), term(n * (n - 1) * (n - 2), n - 3))
    }
    let exponent =
      b * a.composed(Foundation.log(a.value), 1 / a.value, -1 / (a.value * a.value), 2 / Foundation.pow(a.value, 3))
    let y = Foundation.exp(exponent.value)
    return exponent.composed(y, y, y, y)
  }
}

extension ScalarProgram {
  /// Values and three derivatives at many points. Of a branch only the side that is taken counts; where two sides of a
  /// maximum tie, a constant wins.
  func jets(_ points: [Double]) -> [ScalarJet] {
    var results = [[ScalarJet]](repeating: [], count: nodes.count)
    for (id, node) in nodes.enumerated() {
      switch node.operation {
      case .constant(let bits):
        results[id] = [ScalarJet](repeating: ScalarJet(value: Double(bitPattern: bits)), count: points.count)
      case .parameter(let i):
        results[id] = [ScalarJet](repeating: ScalarJet(value: parameters[i].start), count: points.count)
      case .input: results[id] = points.map { ScalarJet(value: $0, d1: 1) }
      case .function(let function): results[id] = results[node.a].map { function.jet($0) }
      case .arithmetic(let operation):
        let (a, b) = (results[node.a], results[node.b])
        results[id] =
          switch operation {
          case .add: points.indices.map { a[$0] + b[$0] }
          case .subtract: points.indices.map { a[$0] + -b[$0] }
          case .multiply: points.indices.map { a[$0] * b[$0] }
          case .divide: points.indices.map { a[$0] / b[$0] }
          case .power: points.indices.map { .power(a[$0], b[$0]) }
          }
      case .maximum, .minimum:
        let (a, b) = (results[node.a], results[node.b])
        let isMax = node.operation == .maximum
        results[id] = points.indices.map { i in
          if a[i].value.isNaN { return a[i] }
          if b[i].value.isNaN { return b[i] }
          if a[i].value == b[i].value { return a[i].isConstant ? a[i] : b[i] }
          return (a[i].value > b[i].value) == isMax ? a[i] : b[i]
        }
      case .compare:
        let (a, b) = (results[node.a], results[node.b])
        results[id] = points.indices.map { ScalarJet(value: Self.binary(node.operation, a[$0].value, b[$0].value)) }
      case .select:
        let (c, a, b) = (results[node.a], results[node.b], results[node.c])
        results[id] = points.indices.map { c[$0].value != 0 ? a[$0] : b[$0] }
      }
    }
    return results[root]
  }
}

extension ScalarFunction {
  fileprivate func jet(_ x: ScalarJet) -> ScalarJet {
    let u = x.value
    let y = self(u)
    let (f1, f2, f3) = x.isConstant ? (0, 0, 0) : derivatives(u, y)
    return x.composed(y, f1, f2, f3)
  }

  /// The first three derivatives at u, where the value is y.
  private func derivatives(_ u: Double, _ y: Double) -> (Double, Double, Double) {
    switch self {
    case .negate: return (-1, 0, 0)
    case .exp: return (y, y, y)
    case .expm1: return (y + 1, y + 1, y + 1)
    case .log: return (1 / u, -1 / (u * u), 2 / (u * u * u))
    case .log1p:
      let w = 1 / (1 + u)
      return (w, -w * w, 2 * w * w * w)
    case .sqrt: return u == 0 ? (0, 0, 0) : (0.5 / y, -0.25 / (u * y), 0.375 / (u * u * y))
    case .abs: return (u > 0 ? 1 : u < 0 ? -1 : 0, 0, 0)
    case .sign, .floor, .step: return (0, 0, 0)
    case .relu: return (u > 0 ? 1 : 0, 0, 0)
    case .elu:
      let e = u >= 0 ? 0 : y + 1
      return (u >= 0 ? 1 : e, e, e)
    case .erf, .erfc:
      let g = (self == .erf ? 1 : -1) * 1.1283791670955126 * Foundation.exp(-u * u)
      return (g, -2 * u * g, (4 * u * u - 2) * g)
    case .normcdf:
      let g = ScalarFunction.normpdf(u)
      return (g, -u * g, (u * u - 1) * g)
    case .normpdf: return (-u * y, (u * u - 1) * y, (3 * u - u * u * u) * y)
    case .tanh:
      let s = 1 - y * y
      return (s, -2 * y * s, (6 * y * y - 2) * s)
    case .sigmoid:
      let s = y * ScalarFunction.sigmoid(-u)
      return (s, s * (1 - 2 * y), s * (1 - 6 * s))
    case .softplus:
      let (p, q) = (ScalarFunction.sigmoid(u), ScalarFunction.sigmoid(-u))
      return (p, p * q, p * q * (q - p))
    case .sinh: return (Foundation.cosh(u), y, Foundation.cosh(u))
    case .cosh: return (Foundation.sinh(u), y, Foundation.sinh(u))
    case .sech:
      let t = Foundation.tanh(u)
      return (-y * t, y * (2 * t * t - 1), y * t * (5 - 6 * t * t))
    case .sin: return (Foundation.cos(u), -y, -Foundation.cos(u))
    case .cos: return (-Foundation.sin(u), -y, Foundation.sin(u))
    case .tan:
      let s = 1 + y * y
      return (s, 2 * y * s, 2 * s * (1 + 3 * y * y))
    case .atan:
      let w = 1 / (1 + u * u)
      return (w, -2 * u * w * w, (6 * u * u - 2) * w * w * w)
    case .asin:
      let r = 1 / (1 - u * u).squareRoot()
      return (r, u * r * r * r, (1 + 2 * u * u) * Foundation.pow(r, 5))
    case .asinh:
      let r = 1 / (1 + u * u).squareRoot()
      return (r, -u * r * r * r, (2 * u * u - 1) * Foundation.pow(r, 5))
    case .lgamma, .gamma: return (.nan, .nan, .nan)
    }
  }
}
