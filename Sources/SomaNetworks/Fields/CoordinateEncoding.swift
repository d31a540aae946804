import Foundation
import Soma

/// What a coordinate network sees instead of bare coordinates.
public enum CoordinateEncoding: Sendable, Hashable {
  /// The coordinates themselves.
  case identity
  /// `x, sin 2ⁱπx, cos 2ⁱπx` for `i < levels` (Mildenhall et al. 2020, arXiv 2003.08934).
  case octaves(Int)
  /// `sin 2πBx, cos 2πBx` with `count` rows of `B` drawn from N(0, deviation²) and fixed (Tancik et al. 2020, arXiv 2006.10739).
  case randomFrequencies(count: Int, deviation: Double, seed: Int = 0)

  /// The octaves that a signal of `samples` a side can carry: `⌊log₂(samples/4)⌋`, at least 1.
  public static func octaves(forSamples samples: Int) -> CoordinateEncoding {
    .octaves(max(1, Int(log2(Double(max(samples, 8)) / 4))))
  }

  /// The number of features of `dimensions` coordinates.
  public func width(_ dimensions: Int) -> Int {
    switch self {
    case .identity: dimensions
    case .octaves(let levels): dimensions * (1 + 2 * levels)
    case .randomFrequencies(let count, _, _): 2 * count
    }
  }

  /// - Shape: `[..., d]` → `[..., width(d)]`
  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .identity: return x
    case .octaves(let levels):
      let angles = (0..<levels).map { x * (Double.pi * Double(1 << $0)) }
      return .concatenate([x] + angles.flatMap { [$0.sin(), $0.cos()] }, axis: -1)
    case .randomFrequencies(let count, let deviation, let seed):
      let frequencies = Tensor.normal(
        [x.shape.last, count], deviation: deviation, key: Key(seed).folding("frequencies"), dtype: x.dtype)
      let angles = x.matmul(frequencies) * (2 * Double.pi)
      return .concatenate([angles.sin(), angles.cos()], axis: -1)
    }
  }
}
