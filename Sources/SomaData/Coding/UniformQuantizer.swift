import Foundation
import Soma

/// Numbers as whole multiples of a step: `Δ = max|z| / (2^{b-1} - 1)`, `z ≈ Δ · round(z/Δ)`, halves away from zero.
public struct UniformQuantizer: Sendable, Hashable {
  /// 2 to 16.
  public var bits: Int
  /// Numbers that share a step; nil: all.
  public var block: Int?

  public init(bits: Int, block: Int? = nil) {
    require((2...16).contains(bits) && (block ?? 1) > 0, "numbers take 2 to 16 bits, not \(bits)")
    self.bits = bits
    self.block = block
  }

  /// The largest multiple.
  public var limit: Int { (1 << (bits - 1)) - 1 }

  public struct Coded: Sendable, Hashable {
    public var multiples: [Int]
    /// One for each block.
    public var steps: [Float]
  }

  /// - Precondition: finite numbers.
  public func callAsFunction(_ values: [Float]) -> Coded {
    require(values.allSatisfy(\.isFinite), "only finite numbers are quantized")
    let size = block ?? max(values.count, 1)
    var result = Coded(multiples: [], steps: [])
    for start in stride(from: 0, to: values.count, by: size) {
      let part = values[start..<min(start + size, values.count)]
      let largest = part.map { abs($0) }.max() ?? 0
      let step = largest / Float(limit)
      result.steps.append(step)
      result.multiples += part.map { step > 0 ? Int(($0 / step).rounded(.toNearestOrAwayFromZero)) : 0 }
    }
    return result
  }

  /// The numbers again.
  public func decode(_ coded: Coded) -> [Float] {
    let size = block ?? max(coded.multiples.count, 1)
    return coded.multiples.enumerated().map { Float($1) * coded.steps[$0 / size] }
  }

  /// The rounded numbers as a tensor, with the slope of the identity: training that knows of the rounding.
  public func straightThrough(_ z: Tensor) -> Tensor {
    let step = z.stopGradient().abs().max() * (1 / Double(limit))
    return Soma.straightThrough(z) { value in
      let scaled = value / step
      return (scaled.abs() + 0.5).floor() * scaled.sign() * step
    }
  }
}
