import Foundation
import Soma

extension Embedded {
  /// A photograph, 128 × 128 pixels of grey: the middle of `camera.png` of scikit-image, by Lav Varshney, in the public domain (CC0).
  public static func cameraman() -> Image {
    let side = 128
    guard let packed = Data(base64Encoded: cameramanData, options: .ignoreUnknownCharacters),
      let output = try? Deflate.inflate([UInt8](packed)[...], .zlib, limit: side * side + 1), output.ended,
      output.bytes.count == side * side
    else { preconditionFailure("the embedded photograph is damaged") }
    return Image(width: side, height: side, colour: .grey, pixels: output.bytes)
  }
}
