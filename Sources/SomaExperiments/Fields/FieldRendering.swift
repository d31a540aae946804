import Foundation
import Soma
import SomaData
import SomaLearning

extension SavedField {
  /// A picture of any size.
  /// - Throws: `FieldError` if the field is no picture.
  public func image(width: Int, height: Int) throws -> Image {
    guard case .image(_, _, let channels) = description.signal else {
      throw FieldError("the field holds a \(description.signal.words), no picture")
    }
    let found = try values(at: FieldSignal.places(width: width, height: height))
    let planes = ((found + 1) * 0.5).reshape(height, width, channels).transposed(2, 0, 1)
    return Image(planes)
  }

  /// A sound with any number of samples a second.
  /// - Throws: `FieldError` if the field is no sound.
  public func sound(rate: Int) throws -> Sound {
    guard case .sound(let first, let frames, let channels, let peak) = description.signal else {
      throw FieldError("the field holds a \(description.signal.words), no sound")
    }
    let count = max(2, Int((Double(frames) * Double(rate) / Double(first)).rounded()))
    let found = try values(at: FieldSignal.moments(count)) * peak
    return Sound(rate: rate, channels: channels, samples: found.clipped(-1.0, 1.0).floats)
  }

  private func distances(_ places: Tensor) throws -> [Float] {
    guard case .shape(_, let limit) = description.signal else {
      throw FieldError("the field holds a \(description.signal.words), no shape")
    }
    return (try values(at: places) * limit).floats
  }

  /// The distances in a plane as colours, blue inside and orange outside with lines of equal distance, the outline black.
  /// - Parameter height: where a solid is cut, z in `[-1, 1]`
  public func slice(side: Int, at height: Double = 0) throws -> Image {
    guard case .shape(let dimensions, _) = description.signal else {
      throw FieldError("the field holds a \(description.signal.words), no shape")
    }
    // Rows from the top: y falls.
    let plane = FieldSignal.places(width: side, height: side)
    let (y, x) = (-plane[.all, 0], plane[.all, 1])
    let parts = dimensions == 2 ? [x, y] : [x, y, Tensor.full([side * side], height)]
    let found = try distances(.stack(parts, axis: 1))
    let pixel = Float(2) / Float(side)
    var pixels: [UInt8] = []
    for d in found {
      let band = 0.85 + 0.15 * cos(d * 2 * .pi / 0.05)
      let line = min(max(abs(d) / (1.5 * pixel), 0), 1)
      let colour: [Float] = d < 0 ? [0.42, 0.63, 0.86] : [0.96, 0.76, 0.48]
      pixels += colour.map { UInt8(min(max($0 * band * line * 255, 0), 255)) }
    }
    return Image(width: side, height: side, colour: .rgb, pixels: pixels)
  }

  /// A solid seen from a direction, by sphere tracing (Hart 1996): each ray goes on by the distance that the field gives, a little less
  /// for safety, and is shaded by the field's slope.
  /// - Parameters:
  ///   - angle: around the vertical axis, degrees
  ///   - rise: above the horizon, degrees
  public func traced(side: Int, angle: Double = 30, rise: Double = 25) throws -> Image {
    guard case .shape(3, _) = description.signal else {
      throw FieldError("the field holds a \(description.signal.words), no surface in space")
    }
    let (a, e) = (angle * .pi / 180, rise * .pi / 180)
    typealias P = Mesh.Point
    let back = P(sin(a) * cos(e), sin(e), cos(a) * cos(e))
    let right = P(cos(a), 0, -sin(a))
    let up = back.cross(right)
    var places: [P] = []
    for row in 0..<side {
      for column in 0..<side {
        let u = (Double(column) + 0.5) / Double(side) * 2.4 - 1.2
        let v = 1.2 - (Double(row) + 0.5) / Double(side) * 2.4
        places.append(right * u + up * v + back * 1.8)
      }
    }
    var alive = Array(places.indices)
    var isHit = [Bool](repeating: false, count: places.count)
    var travelled = [Double](repeating: 0, count: places.count)
    for _ in 0..<80 where !alive.isEmpty {
      let at = Tensor(
        alive.flatMap { i -> [Float] in
          let p = places[i]
          return [p.x, p.y, p.z].map { Float(min(max($0, -1), 1)) }
        }, shape: [alive.count, 3])
      let found = try distances(at)
      var next: [Int] = []
      for (k, i) in alive.enumerated() {
        let p = places[i]
        // Outside of the box the way to it counts too.
        let outside = max(abs(p.x) - 1, abs(p.y) - 1, abs(p.z) - 1, 0)
        let d = Double(found[k]) + outside
        if d < 0.004, outside == 0 {
          isHit[i] = true
          continue
        }
        let step = max(d * 0.8, 0.004)
        places[i] = p - back * step
        travelled[i] += step
        if travelled[i] < 3.6 { next.append(i) }
      }
      alive = next
    }
    let hits = places.indices.filter { isHit[$0] }
    var pixels = [UInt8](repeating: 255, count: places.count * 3)
    guard !hits.isEmpty else { return Image(width: side, height: side, colour: .rgb, pixels: pixels) }
    let at = Tensor(
      hits.flatMap { [Float(places[$0].x), Float(places[$0].y), Float(places[$0].z)] }, shape: [hits.count, 3])
    let slopes = try gradient(at: at).floats
    let light = P(0.4, 0.75, 0.5)
    for (k, i) in hits.enumerated() {
      let n = P(Double(slopes[3 * k]), Double(slopes[3 * k + 1]), Double(slopes[3 * k + 2]))
      let lengths = max(n.length * light.length, 1e-9)
      let facing = max(0, n.dot(light) / lengths)
      let sky = 0.5 + 0.5 * n.y / max(n.length, 1e-9)
      let brightness = 0.18 + 0.62 * facing + 0.2 * sky
      for (c, base) in [0.55, 0.72, 0.92].enumerated() {
        pixels[3 * i + c] = UInt8(min(max(base * brightness * 255, 0), 255))
      }
    }
    return Image(width: side, height: side, colour: .rgb, pixels: pixels)
  }

  /// The surface of a solid as triangles.
  public func mesh(nodes: Int) throws -> Mesh {
    guard case .shape(3, _) = description.signal else {
      throw FieldError("the field holds a \(description.signal.words), no surface in space")
    }
    let axis = Tensor.linspace(-1, 1, count: nodes)
    let grid = Tensor.stack(Tensor.meshgrid([axis, axis, axis]).map { $0.flattened() }, axis: 1)
    return Mesh.marchingTetrahedra(try distances(grid), nodes: nodes)
  }

  /// The size of a JPEG of the same quality: the smallest quality setting that reaches it, or the largest there is.
  public static func jpegSize(of image: Image, quality: Double) -> (bytes: Int, setting: Int, quality: Double) {
    func reached(_ setting: Int) -> (Int, Double) {
      let bytes = JPEG.encode(image, quality: setting)
      guard let decoded = try? JPEG.decode(bytes, file: "jpeg") else { return (bytes.count, 0) }
      let error = zip(decoded.pixels, image.pixels).reduce(0.0) {
        $0 + pow((Double($1.0) - Double($1.1)) / 127.5, 2)
      }
      return (
        bytes.count, Metrics.peakSignalToNoise(meanSquaredError: error / Double(image.pixels.count))
      )
    }
    var (low, high) = (1, 100)
    while low < high {
      let middle = (low + high) / 2
      if reached(middle).1 < quality { low = middle + 1 } else { high = middle }
    }
    let (bytes, found) = reached(low)
    return (bytes, low, found)
  }
}
