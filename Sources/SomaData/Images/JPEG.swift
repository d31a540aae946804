import CJPEG
import Foundation
import Soma

/// JPEG pictures (ITU-T T.81), grey or colour, by libjpeg-turbo. Data that the library would repair are refused.
public enum JPEG {
  static let signature: [UInt8] = [0xFF, 0xD8, 0xFF]

  public static func decode(_ bytes: [UInt8], file: String) throws -> Image {
    guard bytes.starts(with: signature) else {
      throw DataError(file, at: .byte(0), "is not a JPEG picture: it does not start with ff d8 ff")
    }
    var result = soma_jpeg_result()
    var none = [UInt8]()
    try run(bytes, &none, file: file, &result)
    guard let colour = Image.Colour(rawValue: Int(result.channels)) else {
      throw DataError(file, "its colours are neither grey nor RGB nor YCbCr (CMYK, perhaps)")
    }
    let (width, height) = (Int(result.width), Int(result.height))
    // A block of 64 pixels takes at least a bit, so a short file cannot be a large picture.
    guard width * height <= PNG.pixelLimit, width * height <= 65536 + 1024 * bytes.count else {
      throw DataError(file, "\(width) × \(height) pixels are more than \(bytes.count) bytes can credibly hold")
    }
    var pixels = [UInt8](repeating: 0, count: width * height * colour.rawValue)
    try run(bytes, &pixels, file: file, &result)
    return Image(width: width, height: height, colour: colour, pixels: pixels)
  }

  /// A picture packed with loss.
  /// - Parameter quality: 1 to 100
  public static func encode(_ picture: Image, quality: Int = 90) -> [UInt8] {
    require((1...100).contains(quality), "a JPEG's quality is 1 to 100, not \(quality)")
    var (count, result) = (UInt(0), soma_jpeg_result())
    let memory = picture.pixels.withUnsafeBufferPointer { source in
      soma_jpeg_encode(
        source.baseAddress, Int32(picture.width), Int32(picture.height), Int32(picture.channels), Int32(quality),
        &count,
        &result)
    }
    guard let memory else { fatalError("libjpeg cannot write the picture") }
    defer { free(memory) }
    return [UInt8](UnsafeBufferPointer(start: memory, count: Int(count)))
  }

  private static func run(
    _ bytes: [UInt8], _ pixels: inout [UInt8], file: String, _ result: inout soma_jpeg_result
  ) throws {
    let done = bytes.withUnsafeBufferPointer { source in
      pixels.withUnsafeMutableBufferPointer { destination in
        soma_jpeg_decode(
          source.baseAddress, UInt(source.count), destination.isEmpty ? nil : destination.baseAddress,
          UInt(destination.count), &result)
      }
    }
    guard done == 0 else { return }
    let message = withUnsafeBytes(of: result.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    throw DataError(file, at: .byte(Int(result.offset)), "damaged JPEG picture: \(message)")
  }
}
