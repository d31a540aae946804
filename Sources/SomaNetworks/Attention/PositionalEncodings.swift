import Foundation
import Soma

/// One trained vector for each position, added.
/// - Shape: `[n, t, d]`, unchanged; t at most `length`
public struct LearnedPositions: Layer {
  /// The longest sequence; the first input's length if nil.
  public var length: Int?
  public var initializer: Initializer
  public init(_ length: Int? = nil, initializer: Initializer = .normal(0.02)) {
    self.length = length
    self.initializer = initializer
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let (t, longest) = (x.shape[-2], length ?? x.shape[-2])
    require(t <= longest, "\(scope.path): a sequence of \(t) for \(longest) learned positions")
    let table = scope.parameter("weight", [longest, x.shape.last], initializer, dtype: x.dtype)
    return x + (t == longest ? table : table[0..<t])
  }
}

/// Sines and cosines of the position, wavelengths from 2π to 2π·10⁴, added: even channels sine, odd cosine. (Vaswani
/// et al.
/// 2017, arXiv 1706.03762)
/// - Shape: `[n, t, d]`, unchanged
public struct SinusoidalPositions: Layer {
  public var base: Double
  public init(base: Double = 10_000) { self.base = base }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let (t, d) = (x.shape[-2], x.shape.last)
    var values = [Double](repeating: 0, count: t * d)
    for p in 0..<t {
      for i in 0..<d {
        let angle = Double(p) * pow(base, -Double(i / 2 * 2) / Double(d))
        values[p * d + i] = i % 2 == 0 ? sin(angle) : cos(angle)
      }
    }
    return x + Tensor(values, shape: [t, d]).cast(to: x.dtype)
  }
}

/// Pairs of channels turned by an angle that grows with the position, so that products of queries and keys depend on
/// the
/// distance only. Channel i of the first half pairs with channel i of the second. (Su et al. 2021, arXiv 2104.09864)
public struct RotaryPositions: Sendable, Hashable {
  public var base: Double
  public init(base: Double = 10_000) { self.base = base }

  /// - `start`: the position of the first element.
  /// - Shape: `[…, t, d]`, d even, unchanged
  public func callAsFunction(_ x: Tensor, start: Tensor? = nil) -> Tensor {
    let (t, d) = (x.shape[-2], x.shape.last)
    require(d % 2 == 0, "rotary positions want an even number of channels, not \(d)")
    let frequencies = Tensor((0..<(d / 2)).map { pow(base, -2 * Double($0) / Double(d)) }).cast(to: x.dtype)
    var positions = Tensor.iota([t, 1], axis: 0, dtype: x.dtype)
    if let start { positions = positions + start.cast(to: x.dtype).reshape([1, 1]) }
    let angles = positions * frequencies
    let (c, s) = (angles.cos(), angles.sin())
    let halves = x.split(2, axis: -1)
    return .concatenate([halves[0] * c - halves[1] * s, halves[0] * s + halves[1] * c], axis: -1)
  }
}

/// A penalty on scores that grows with the distance, with a slope for each head: `2^(-8 i / heads)` for i = 1 … heads
/// (powers between for numbers of heads that are no power of two). (Press, Smith, Lewis 2021, arXiv 2108.12409)
public struct LinearBiases: Sendable, Hashable {
  public init() {}

  public func slopes(_ heads: Int) -> [Double] {
    func geometric(_ n: Int) -> [Double] { (1...n).map { pow(2, -8 * Double($0) / Double(n)) } }
    var whole = 1
    while whole * 2 <= heads { whole *= 2 }
    if whole == heads { return geometric(heads) }
    return geometric(whole) + stride(from: 0, to: 2 * (heads - whole), by: 2).map { geometric(2 * whole)[$0] }
  }

  /// `-slope · |i - j|`, the query at position `start + i`.
  /// - Shape: `[heads, queries, keys]`
  public func bias(heads: Int, queries: Int, keys: Int, start: Tensor? = nil, dtype: DType) -> Tensor {
    var i = Tensor.iota([queries, 1], axis: 0, dtype: dtype)
    if let start { i = i + start.cast(to: dtype).reshape([1, 1]) }
    let distance = (i - Tensor.iota([1, keys], axis: 1, dtype: dtype)).abs()
    return -Tensor(slopes(heads)).cast(to: dtype).reshape([heads, 1, 1]) * distance
  }
}
