import Foundation
import Soma
import SomaData
import SomaLearning

/// What a field stands for: a picture, a sound, or a shape as signed distances.
public enum FieldSignal: Sendable, Hashable, Codable {
  case image(width: Int, height: Int, channels: Int)
  case sound(rate: Int, frames: Int, channels: Int, peak: Double)
  /// Distances are cut at ±`limit` and divided by it.
  case shape(dimensions: Int, limit: Double)

  public var inputs: Int {
    switch self {
    case .image: 2
    case .sound: 1
    case .shape(let dimensions, _): dimensions
    }
  }
  public var outputs: Int {
    switch self {
    case .image(_, _, let channels): channels
    case .sound(_, _, let channels, _): channels
    case .shape: 1
    }
  }

  /// The longest side in samples.
  public var samples: Int {
    switch self {
    case .image(let width, let height, _): max(width, height)
    case .sound(_, let frames, _, _): frames
    case .shape: 64
    }
  }

  public var words: String {
    switch self {
    case .image(let width, let height, let channels):
      "picture of \(width) × \(height) pixels, \(channels == 1 ? "grey" : "colour")"
    case .sound(let rate, let frames, let channels, _):
      "sound of \(formattedNumberOfSeconds(Double(frames) / Double(rate))) s at \(rate) Hz, \(channels) channel\(channels == 1 ? "" : "s")"
    case .shape(let dimensions, _): dimensions == 2 ? "outline in the plane" : "surface in space"
    }
  }

  /// Whether sizes are such as a picture, a sound or a shape can have: a file may claim any.
  public var isCredible: Bool {
    func isCredible(_ counts: [Int]) -> Bool {
      guard counts.allSatisfy({ $0 > 0 }), let all = checkedProduct(counts) else { return false }
      return all <= 1 << 28
    }
    switch self {
    case .image(let width, let height, let channels): return isCredible([width, height, channels]) && channels <= 4
    case .sound(let rate, let frames, let channels, let peak):
      return isCredible([frames, channels]) && channels <= 64 && (1...(1 << 24)).contains(rate) && peak > 0
        && peak.isFinite
    case .shape(let dimensions, let limit): return (2...3).contains(dimensions) && limit > 0 && limit.isFinite
    }
  }

  private func formattedNumberOfSeconds(_ value: Double) -> String { String(format: "%.3g", value) }

  /// Places of a picture of any size, the same as those of its first size at the corners: `(y, x)` in `[-1, 1]²`, row by row.
  public static func places(width: Int, height: Int) -> Tensor {
    func axis(_ n: Int) -> Tensor { .linspace(-1, 1, count: max(n, 2), dtype: .float64)[0..<max(n, 1)] }
    let grid = Tensor.meshgrid([axis(height), axis(width)]).map { $0.flattened() }
    return Tensor.stack(grid, axis: 1).cast(to: .float32)
  }

  /// Moments of a sound in `[-1, 1]`: `[frames, 1]`.
  public static func moments(_ frames: Int) -> Tensor {
    Tensor.linspace(-1, 1, count: max(frames, 2), dtype: .float64).cast(to: .float32).reshape(max(frames, 2), 1)
  }
}

/// The samples that a field is fitted to.
public struct FieldSamples: Sendable {
  public var signal: FieldSignal
  /// `[n, d]` in `[-1, 1]^d`
  public var places: Tensor
  /// `[n, channels]` in about `[-1, 1]`
  public var values: Tensor

  public init(_ image: Image) {
    signal = .image(width: image.width, height: image.height, channels: image.channels)
    places = FieldSignal.places(width: image.width, height: image.height)
    values = Tensor(image.pixels.map { Float($0) / 127.5 - 1 }, shape: [image.width * image.height, image.channels])
  }

  /// - Throws: `FieldError` for a sound of one moment, which is no function of time.
  public init(_ sound: Sound) throws {
    guard sound.frames >= 2 else {
      throw FieldError("a sound of one sample is no function of time; it takes at least 2")
    }
    let peak = max(sound.samples.map { abs($0) }.max() ?? 1, 1e-9)
    signal = .sound(rate: sound.rate, frames: sound.frames, channels: sound.channels, peak: Double(peak))
    places = FieldSignal.moments(sound.frames)
    values = Tensor(sound.samples.map { $0 / peak }, shape: [sound.frames, sound.channels])
  }

  /// - Parameter count: samples of the distance
  public init(_ mesh: Mesh, count: Int = 20_000, limit: Double = 0.2, seed: UInt64 = 0) {
    let (places, distances) = SignedDistance(mesh.fitted()).samples(count, seed: seed)
    let isFlat = mesh.dimensions == 2
    signal = .shape(dimensions: mesh.dimensions, limit: limit)
    self.places = Tensor(
      places.flatMap { isFlat ? [Float($0.x), Float($0.y)] : [Float($0.x), Float($0.y), Float($0.z)] },
      shape: [count, mesh.dimensions])
    values = Tensor(distances.map { Float(min(max($0 / limit, -1), 1)) }, shape: [count, 1])
  }
}
