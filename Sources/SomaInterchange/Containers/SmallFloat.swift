import Foundation
import Soma

/// A floating-point format of 8 or 4 bits (Micikevicius et al. 2022, arXiv 2209.05433; Noune et al. 2022, arXiv
/// 2206.02915; the OCP Microscaling Formats specification 1.0).
struct SmallFloat: Sendable {
  /// The value of each code.
  let values: [Float]
  /// The finite values in ascending order, each with its code; where zero has two codes, the positive one.
  let ladder: [Float]
  let hasInfinity: Bool
  let hasNaN: Bool
  let isUnsigned: Bool

  init(exponentBits: Int, mantissaBits: Int, bias: Int, special: Special) {
    let count = 1 << (1 + exponentBits + mantissaBits)
    values = (0..<count).map { code in
      let mantissa = code & (1 << mantissaBits - 1)
      let exponent = code >> mantissaBits & (1 << exponentBits - 1)
      let isNegative = code >> (exponentBits + mantissaBits) == 1
      let isTop = exponent == 1 << exponentBits - 1
      switch special {
      case .ieee where isTop: return mantissa == 0 ? (isNegative ? -.infinity : .infinity) : .nan
      case .nanOnly where isTop && mantissa == 1 << mantissaBits - 1: return .nan
      case .unsignedZero where isNegative && exponent == 0 && mantissa == 0: return .nan
      default: break
      }
      let size =
        exponent == 0
        ? scalbn(Float(mantissa), 1 - bias - mantissaBits)
        : scalbn(1 + scalbn(Float(mantissa), -mantissaBits), exponent - bias)
      return isNegative ? -size : size
    }
    hasInfinity = special == .ieee
    hasNaN = special != .none
    isUnsigned = false
    ladder = Set(values.filter(\.isFinite).map { $0 == 0 ? 0 : $0 }).sorted()
  }

  /// Powers of two from 2⁻¹²⁷ to 2¹²⁷, and NaN.
  private init(exponents: Void) {
    values = (0..<256).map { $0 == 255 ? .nan : Float(scalbn(1.0, $0 - 127)) }
    ladder = Array(values.dropLast())
    hasInfinity = false
    hasNaN = true
    isUnsigned = true
  }

  enum Special { case ieee, nanOnly, unsignedZero, none }

  static let e4m3 = SmallFloat(exponentBits: 4, mantissaBits: 3, bias: 7, special: .nanOnly)
  static let e4m3z = SmallFloat(exponentBits: 4, mantissaBits: 3, bias: 8, special: .unsignedZero)
  static let e5m2 = SmallFloat(exponentBits: 5, mantissaBits: 2, bias: 15, special: .ieee)
  static let e5m2z = SmallFloat(exponentBits: 5, mantissaBits: 2, bias: 16, special: .unsignedZero)
  static let e2m1 = SmallFloat(exponentBits: 2, mantissaBits: 1, bias: 1, special: .none)
  static let e8m0 = SmallFloat(exponents: ())

  /// The nearest value, halves to the even code. Beyond the largest: the largest if it saturates, else infinity or NaN.
  func nearest(_ x: Float, saturates: Bool) -> Float {
    let largest = ladder[ladder.count - 1]
    if x.isNaN { return hasNaN ? .nan : 0 }
    if isUnsigned { return nearestPower(x) }
    let beyond: Float =
      saturates || !hasNaN ? largest : hasInfinity ? .infinity : .nan
    let size = abs(x)
    if size.isInfinite {
      let special: Float =
        saturates ? largest : hasInfinity ? .infinity : hasNaN ? .nan : largest
      return x < 0 ? -special : special
    }
    // A value that would round to the next step above the largest overflows.
    let step = largest - ladder[ladder.count - 2]
    if size >= largest + step / 2 { return x < 0 ? -beyond : beyond }
    if size > largest { return x < 0 ? -largest : largest }
    var (low, high) = (ladder.count / 2, ladder.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if ladder[middle] < size { low = middle + 1 } else { high = middle }
    }
    var result = ladder[low]
    if low > ladder.count / 2, result != size {
      let below = ladder[low - 1]
      let (up, down) = (result - size, size - below)
      // The ladder's middle is zero: steps counted from there have the parity of the code.
      if down < up || (down == up && (low - 1 - ladder.count / 2) % 2 == 0) { result = below }
    }
    if x.sign == .minus { return result == 0 && isZeroUnsigned ? 0 : -result }
    return result
  }

  private var isZeroUnsigned: Bool { hasNaN && !hasInfinity && values[values.count / 2].isNaN }

  private func nearestPower(_ x: Float) -> Float {
    guard x > 0 else { return x == 0 ? ladder[0] : .nan }
    guard x.isFinite else { return ladder[ladder.count - 1] }
    let exponent = Int(x.exponent)
    let up = x.significand >= 1.5 ? 1 : 0
    return ladder[min(max(exponent + up + 127, 0), ladder.count - 1)]
  }
}

extension ElementFormat {
  var smallFloat: SmallFloat? {
    switch self {
    case .float8E4M3: .e4m3
    case .float8E4M3Z: .e4m3z
    case .float8E5M2: .e5m2
    case .float8E5M2Z: .e5m2z
    case .float4E2M1: .e2m1
    case .float8E8M0: .e8m0
    default: nil
    }
  }
}

extension SmallFloat {
  /// The nearest values of a tensor's elements, as an operation that can be traced: the element's place among the
  /// midpoints of the format names its value.
  func nearest(_ x: Tensor, saturates: Bool) -> Tensor {
    if x.isConcrete {
      return Tensor(x.floats.map { nearest($0, saturates: saturates) }, shape: x.shape)
    }
    var midpoints = [Float]()
    var results = [ladder[0]]
    for (a, b) in zip(ladder, ladder.dropFirst()) {
      let middle = a + (b - a) / 2
      // A midpoint belongs to the even side.
      midpoints.append(nearest(middle, saturates: true) == a ? middle.nextUp : middle)
      results.append(b)
    }
    let x = x.cast(to: .float32)
    let places = Tensor(midpoints).searchSorted(x, side: .right)
    let inside = Tensor(results).take(places)
    let largest = ladder[ladder.count - 1]
    let step = largest - ladder[ladder.count - 2]
    let beyond = nearest(largest + step, saturates: saturates)
    let infinite = nearest(.infinity, saturates: saturates)
    let size = x.abs()
    var result = Tensor.select(size .>= largest + step / 2, Tensor(beyond) * x.sign(), inside)
    result = Tensor.select(x.isInfinite(), Tensor(infinite) * x.sign(), result)
    return Tensor.select(x.isNaN(), Tensor(hasNaN ? Float.nan : 0), result)
  }
}
