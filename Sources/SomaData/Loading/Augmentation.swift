import Soma

/// A random change to a sample that does not change what it shows.
public protocol Augmentation: Sendable {
  /// Changes one sample's features in place.
  /// - Parameter shape: `[channels, height, width]` or `[height, width]` for pictures.
  func apply(to values: inout [Float], shape: Shape, using generator: inout SeededGenerator)
}

/// Mirrors a picture left to right with a given probability.
public struct RandomFlip: Augmentation {
  public var probability: Float

  public init(probability: Float = 0.5) { self.probability = probability }

  public func apply(to values: inout [Float], shape: Shape, using generator: inout SeededGenerator) {
    guard generator.uniform() < probability else { return }
    let width = shape.last
    for start in stride(from: 0, to: values.count, by: width) { values[start..<start + width].reverse() }
  }
}

/// Shifts a picture by up to `padding` pixels in each direction, as if cut from the picture with a zero border
/// (He et al. 2016, arXiv:1512.03385, §4.2).
public struct RandomCrop: Augmentation {
  public var padding: Int

  public init(padding: Int = 4) {
    require(padding >= 0, "a border of \(padding) pixels")
    self.padding = padding
  }

  public func apply(to values: inout [Float], shape: Shape, using generator: inout SeededGenerator) {
    require(shape.rank >= 2, "a picture has height and width; the shape is \(shape)")
    let (height, width) = (shape[-2], shape[-1])
    let down = generator.below(2 * padding + 1) - padding
    let right = generator.below(2 * padding + 1) - padding
    guard down != 0 || right != 0 else { return }
    var result = [Float](repeating: 0, count: values.count)
    for plane in stride(from: 0, to: values.count, by: height * width) {
      for y in 0..<height where (0..<height).contains(y + down) {
        for x in 0..<width where (0..<width).contains(x + right) {
          result[plane + y * width + x] = values[plane + (y + down) * width + x + right]
        }
      }
    }
    values = result
  }
}

/// Blanks a square of `size` pixels, which may reach over the edge (Cutout: DeVries, Taylor 2017, arXiv:1708.04552).
public struct Cutout: Augmentation {
  public var size: Int

  public init(size: Int) {
    require(size > 0, "a square of \(size) pixels")
    self.size = size
  }

  public func apply(to values: inout [Float], shape: Shape, using generator: inout SeededGenerator) {
    require(shape.rank >= 2, "a picture has height and width; the shape is \(shape)")
    let (height, width) = (shape[-2], shape[-1])
    let top = generator.below(height) - size / 2
    let left = generator.below(width) - size / 2
    for plane in stride(from: 0, to: values.count, by: height * width) {
      for y in Swift.max(top, 0)..<Swift.min(top + size, height) {
        for x in Swift.max(left, 0)..<Swift.min(left + size, width) { values[plane + y * width + x] = 0 }
      }
    }
  }
}

/// Adds independent normal noise to each feature (Box–Muller).
public struct GaussianNoise: Augmentation {
  /// The noise's standard deviation, in the features' unit.
  public var deviation: Float

  public init(deviation: Float) { self.deviation = deviation }

  public func apply(to values: inout [Float], shape: Shape, using generator: inout SeededGenerator) {
    for i in values.indices { values[i] += deviation * generator.normal() }
  }
}
