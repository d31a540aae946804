import Foundation
import Soma
import SomaData
import SomaLearning
import SomaNetworks

/// Quality against stored bits.
public struct RateDistortion: Sendable {
  public struct Point: Sendable, Hashable {
    /// Numbers that are stored.
    public var numbers: Int
    /// Bits of a number; 32: not rounded.
    public var bits: Int
    public var storedBits: Int
    /// PSNR in decibels.
    public var quality: Double

    public init(numbers: Int, bits: Int, storedBits: Int, quality: Double) {
      self.numbers = numbers
      self.bits = bits
      self.storedBits = storedBits
      self.quality = quality
    }
  }

  /// A file's header: seed, sizes, step.
  public static let headerBits = 128

  /// The parameters rounded to each of some bits, all with one step for each tensor, packed by the arithmetic coder; with the quality.
  public static func points(
    _ parameters: Parameters, bits: [Int], quality: (Parameters) -> Double
  ) -> [Point] {
    bits.map { bits in
      guard bits < 32 else {
        return Point(
          numbers: parameters.elementCount, bits: 32, storedBits: headerBits + 32 * parameters.elementCount,
          quality: quality(parameters))
      }
      let quantizer = UniformQuantizer(bits: bits)
      var stored = headerBits
      let rounded = parameters.map { _, tensor in
        let coded = quantizer(tensor.floats)
        stored +=
          32 + 8
          * ArithmeticCoder.encode(coded.multiples.map { $0 + quantizer.limit }, alphabet: 2 * quantizer.limit + 1)
          .count
        return Tensor(quantizer.decode(coded), shape: tensor.shape)
      }
      return Point(
        numbers: parameters.elementCount, bits: bits, storedBits: stored, quality: quality(rounded))
    }
  }

  /// The best quality for at most so many bits, as a curve of its corners.
  public static func hull(_ points: [Point]) -> [Point] {
    var best = -Double.infinity
    return points.sorted { $0.storedBits < $1.storedBits }.filter { point in
      guard point.quality > best else { return false }
      best = point.quality
      return true
    }
  }

  /// How many decibels the first curve lies above the second on average over the logarithm of the rates that both reach, each
  /// interpolated linearly between its corners (after Bjøntegaard 2001, who fits cubics).
  public static func averageGain(_ first: [Point], over second: [Point]) -> Double {
    let (a, b) = (hull(first), hull(second))
    guard a.count > 1, b.count > 1 else { return .nan }
    func rate(_ p: Point) -> Double { log(Double(p.storedBits)) }
    let (low, high) = (max(rate(a[0]), rate(b[0])), min(rate(a.last!), rate(b.last!)))
    guard high > low else { return .nan }
    func quality(_ curve: [Point], _ x: Double) -> Double {
      let i = curve.indices.dropLast().last { rate(curve[$0]) <= x } ?? 0
      let (p, q) = (curve[i], curve[i + 1])
      return p.quality + (q.quality - p.quality) * (x - rate(p)) / (rate(q) - rate(p))
    }
    let count = 200
    return (0..<count).reduce(0) { sum, k in
      let x = low + (high - low) * (Double(k) + 0.5) / Double(count)
      return sum + quality(a, x) - quality(b, x)
    } / Double(count)
  }
}
