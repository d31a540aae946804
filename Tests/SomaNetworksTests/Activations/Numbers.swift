import Soma
import SomaNetworks

/// `f` and its first derivatives at each of `x`, in `float64`.
func values(_ f: @escaping (Tensor) -> Tensor, _ x: [Double], order: Int = 0) -> [Double] {
  var g = f
  for _ in 0..<order {
    let inner = g
    g = grad { inner($0).sum() }
  }
  return g(Tensor(x)).doubles
}

/// The largest difference, relative to the expected value where that is above `floor`.
func relativeError(_ values: [Double], _ expected: [Double], floor: Double = 1e-300) -> Double {
  guard values.count == expected.count else { return .infinity }
  return zip(values, expected).map { abs($0 - $1) / max(abs($1), floor) }.reduce(0) { $1 > $0 || $1.isNaN ? $1 : $0 }
}

/// Central differences of `f`, step `h`.
func slopes(_ f: @escaping (Tensor) -> Tensor, _ x: [Double], step h: Double = 1e-5) -> [Double] {
  zip(values(f, x.map { $0 + h }), values(f, x.map { $0 - h })).map { ($0 - $1) / (2 * h) }
}

/// A scalar of `float64`.
func double(_ value: Double) -> Tensor { Tensor(value, dtype: .float64) }
