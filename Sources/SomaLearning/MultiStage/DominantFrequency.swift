import Foundation
import Soma

/// The frequency that carries most of a residue, in cycles per unit of a coordinate in `[-1, 1]`.
public enum DominantFrequency {
  /// Of `count` values at even distances over `[-1, 1]`: the largest bin above zero of the Fourier transform of the values less their
  /// mean, under a Hann window; `f = k/2 · (N - 1)/N`.
  public static func ofGrid(_ values: [Double]) -> Double { ofGrid(values, sides: [values.count])[0] }

  /// The same on a grid of several dimensions, one frequency an axis, of the largest bin with no negative frequency.
  /// - Parameter values: the last axis fastest
  public static func ofGrid(_ values: [Double], sides: [Int]) -> [Double] {
    require(sides.reduce(1, *) == values.count && sides.allSatisfy { $0 >= 4 }, "\(values.count) values on \(sides)")
    let mean = values.reduce(0, +) / Double(values.count)
    var field = Tensor(values.map { $0 - mean }, shape: Shape(sides))
    for (axis, n) in sides.enumerated() {
      var shape = [Int](repeating: 1, count: sides.count)
      shape[axis] = n
      let window = (0..<n).map { 0.5 - 0.5 * cos(2 * .pi * Double($0) / Double(n - 1)) }
      field = field * Tensor(window).reshape(Shape(shape))
    }
    let (real, imaginary) = field.fourier(axes: Array(sides.indices))
    let power = (real * real + imaginary * imaginary).doubles
    let strides = Shape(sides).strides
    var (best, place) = (-1.0, [Int](repeating: 0, count: sides.count))
    for i in power.indices {
      let index = sides.indices.map { i / strides[$0] % sides[$0] }
      guard zip(index, sides).allSatisfy({ $0 <= $1 / 2 }), index.contains(where: { $0 > 0 }) else { continue }
      if power[i] > best { (best, place) = (power[i], index) }
    }
    return zip(place, sides).map { Double($0) / 2 * Double($1 - 1) / Double($1) }
  }

  /// Of values at any places of one coordinate in `[-1, 1]`: half the changes of sign, over the length.
  public static func ofSignChanges(_ x: [Double], _ values: [Double]) -> Double {
    let order = x.indices.sorted { x[$0] < x[$1] }
    var (changes, last) = (0, 0.0)
    for i in order where values[i] != 0 {
      if last != 0, (values[i] > 0) != (last > 0) { changes += 1 }
      last = values[i]
    }
    return Double(changes) / 4
  }
}
