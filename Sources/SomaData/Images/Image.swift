import Soma

/// A picture of 8-bit samples: rows from the top, pixels from the left, channels together.
public struct Image: Hashable, Sendable {
  public enum Colour: Int, Sendable, Codable {
    case grey = 1
    case rgb = 3
  }

  public let width: Int
  public let height: Int
  public let colour: Colour
  /// `height × width × channels`.
  public let pixels: [UInt8]

  /// - Precondition: the pixels fill the picture.
  public init(width: Int, height: Int, colour: Colour, pixels: [UInt8]) {
    require(
      width > 0 && height > 0 && pixels.count == width * height * colour.rawValue,
      "\(pixels.count) samples do not fill \(width) × \(height) pixels of \(colour)")
    self.width = width
    self.height = height
    self.colour = colour
    self.pixels = pixels
  }

  public var channels: Int { colour.rawValue }

  /// Reads a PNG or JPEG file; its first bytes tell which.
  /// - Throws: `DataError` if it is neither, damaged, or too large.
  public static func read(_ path: String) throws -> Image {
    try decode(try readFile(path, limit: 1 << 30), file: path)
  }

  public static func decode(_ bytes: [UInt8], file: String) throws -> Image {
    if bytes.starts(with: PNG.signature) { return try PNG.decode(bytes, file: file) }
    if bytes.starts(with: JPEG.signature) { return try JPEG.decode(bytes, file: file) }
    throw DataError(file, at: .byte(0), "is neither a PNG nor a JPEG picture")
  }

  /// Writes a PNG file atomically.
  public func writePNG(to path: String) throws {
    try writeFile(PNG.encode(self), to: path)
  }

  /// Writes a JPEG file atomically.
  public func writeJPEG(to path: String, quality: Int = 90) throws {
    try writeFile(JPEG.encode(self, quality: quality), to: path)
  }

  /// The picture in another colour mode. Grey is `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601), rounded.
  public func converted(to colour: Colour) -> Image {
    switch (self.colour, colour) {
    case (.grey, .grey), (.rgb, .rgb): return self
    case (.grey, .rgb):
      return Image(width: width, height: height, colour: .rgb, pixels: pixels.flatMap { [$0, $0, $0] })
    case (.rgb, .grey):
      let grey = stride(from: 0, to: pixels.count, by: 3).map { i in
        let sum = 299 * Int(pixels[i]) + 587 * Int(pixels[i + 1]) + 114 * Int(pixels[i + 2])
        return UInt8((sum + 500) / 1000)
      }
      return Image(width: width, height: height, colour: .grey, pixels: grey)
    }
  }

  /// The picture at another size: triangle filter, widened when shrinking so that every pixel counts (the method that
  /// Pillow calls bilinear).
  public func resized(width newWidth: Int, height newHeight: Int) -> Image {
    guard newWidth != width || newHeight != height else { return self }
    let across = ResampleWeights(from: width, to: newWidth)
    let down = ResampleWeights(from: height, to: newHeight)
    var rows = [Float](repeating: 0, count: height * newWidth * channels)
    for y in 0..<height {
      for x in 0..<newWidth {
        for channel in 0..<channels {
          var sum: Float = 0
          for (i, weight) in across.weights[x].enumerated() {
            sum += weight * Float(pixels[(y * width + across.starts[x] + i) * channels + channel])
          }
          rows[(y * newWidth + x) * channels + channel] = sum
        }
      }
    }
    let stride = newWidth * channels
    var result = [UInt8](repeating: 0, count: newHeight * stride)
    for y in 0..<newHeight {
      for x in 0..<stride {
        var sum: Float = 0
        for (i, weight) in down.weights[y].enumerated() { sum += weight * rows[(down.starts[y] + i) * stride + x] }
        result[y * stride + x] = UInt8(Swift.min(Swift.max(sum.rounded(), 0), 255))
      }
    }
    return Image(width: newWidth, height: newHeight, colour: colour, pixels: result)
  }

  /// The samples as numbers in `0 … 1`, channels first: `[channels, height, width]`, row-major.
  public var planes: [Float] {
    var result = [Float](repeating: 0, count: pixels.count)
    let size = width * height
    for channel in 0..<channels {
      for i in 0..<size { result[channel * size + i] = Float(pixels[i * channels + channel]) / 255 }
    }
    return result
  }

  /// The samples as numbers in `0 … 1`: `[channels, height, width]`.
  public var tensor: Tensor { Tensor(planes, shape: [channels, height, width]) }

  /// A picture of `[height, width]`, `[1, height, width]` or `[3, height, width]` numbers; outside `0 … 1` they are cut
  /// off, NaN is black.
  public init(_ tensor: Tensor) {
    let shape = tensor.rank == 2 ? [1] + tensor.shape.dimensions : tensor.shape.dimensions
    require(
      shape.count == 3 && (shape[0] == 1 || shape[0] == 3), "a picture is [1 or 3, height, width], not \(tensor.shape)")
    let values = tensor.floats
    let size = shape[1] * shape[2]
    var pixels = [UInt8](repeating: 0, count: values.count)
    for channel in 0..<shape[0] {
      for i in 0..<size {
        let value = values[channel * size + i]
        pixels[i * shape[0] + channel] = value.isNaN ? 0 : UInt8((Swift.min(Swift.max(value, 0), 1) * 255).rounded())
      }
    }
    self.init(width: shape[2], height: shape[1], colour: shape[0] == 1 ? .grey : .rgb, pixels: pixels)
  }
}

/// For each new sample, the old ones it draws from and their weights.
private struct ResampleWeights {
  var starts = [Int]()
  var weights = [[Float]]()

  init(from old: Int, to new: Int) {
    require(new > 0, "a picture has at least one pixel")
    let scale = Double(old) / Double(new)
    let radius = Swift.max(scale, 1)
    for i in 0..<new {
      let centre = (Double(i) + 0.5) * scale
      let start = Swift.max(Int(centre - radius + 0.5), 0)
      let end = Swift.min(Int(centre + radius + 0.5), old)
      let raw = (start..<end).map { Swift.max(0, 1 - abs((Double($0) + 0.5 - centre) / radius)) }
      let sum = raw.reduce(0, +)
      starts.append(start)
      weights.append(raw.map { Float($0 / sum) })
    }
  }
}
