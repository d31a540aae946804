import CPNG
import Soma

/// PNG pictures (ISO/IEC 15948), by libpng. Grey and colour are read as they are, in 8 bits; transparency is laid over
/// black.
public enum PNG {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Pixels a picture may have.
  static let pixelLimit = 1 << 26

  public static func decode(_ bytes: [UInt8], file: String) throws -> Image {
    let header = try checkChunks(bytes, file: file)
    // PNG_FORMAT_RGB is 2 and PNG_FORMAT_GRAY 0; the names are macros that Swift cannot see.
    let colour: Image.Colour = header.isColour ? .rgb : .grey
    var pixels = [UInt8](repeating: 0, count: header.width * header.height * colour.rawValue)
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    var problem: String?
    // libpng keeps the addresses of the picture and of the bytes between the two calls.
    withUnsafeMutablePointer(to: &image) { image in
      bytes.withUnsafeBytes { source in
        guard png_image_begin_read_from_memory(image, source.baseAddress, source.count) != 0,
          Int(image.pointee.width) == header.width, Int(image.pointee.height) == header.height
        else {
          problem = message(image)
          return
        }
        image.pointee.format = header.isColour ? 2 : 0
        var black = png_color(red: 0, green: 0, blue: 0)
        let done = pixels.withUnsafeMutableBytes { destination in
          png_image_finish_read(image, &black, destination.baseAddress, 0, nil)
        }
        let text = message(image)
        // Bit 1 is an error, bit 0 a warning: of a colour profile or a comment, which pixels do without, it says nothing of them.
        let isWarned = image.pointee.warning_or_error & 1 != 0 && !isAncillary(text)
        if done == 0 || image.pointee.warning_or_error & 2 != 0 || isWarned { problem = text }
      }
      png_image_free(image)
    }
    if let problem { throw DataError(file, at: .byte(header.dataOffset), "damaged PNG picture: \(problem)") }
    return Image(width: header.width, height: header.height, colour: colour, pixels: pixels)
  }

  public static func encode(_ picture: Image) -> [UInt8] {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    image.width = UInt32(picture.width)
    image.height = UInt32(picture.height)
    image.format = picture.colour == .rgb ? 2 : 0
    // The worst case: every row stored, in deflate blocks of their own, and the chunks around them.
    var size = picture.pixels.count + picture.height * 16 + picture.pixels.count / 1000 + 4096
    var bytes = [UInt8](repeating: 0, count: size)
    let done = bytes.withUnsafeMutableBytes { destination in
      picture.pixels.withUnsafeBytes { source in
        png_image_write_to_memory(&image, destination.baseAddress, &size, 0, source.baseAddress, 0, nil)
      }
    }
    require(done != 0, "libpng cannot write the picture")
    return Array(bytes[..<size])
  }

  /// Whether a message is about a chunk that says nothing of the pixels' places: such chunks' types begin with a small letter.
  private static func isAncillary(_ message: String) -> Bool {
    let type = message.prefix { $0 != ":" }
    return type.count == 4 && message.contains(":") && type.allSatisfy { $0.isASCII && $0.isLetter }
      && type.first!.isLowercase && type != "tRNS"
  }

  private static func message(_ image: UnsafeMutablePointer<png_image>) -> String {
    withUnsafeBytes(of: image.pointee.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  private struct Header {
    var width: Int
    var height: Int
    var isColour: Bool
    var dataOffset: Int
  }

  /// Walks through the chunks, so that a fault has a place and a false size is refused before memory is taken for it.
  private static func checkChunks(_ bytes: [UInt8], file: String) throws -> Header {
    var reader = ByteReader(bytes, file: file)
    guard Array(try reader.take(8, "the signature")) == signature else {
      throw DataError(file, at: .byte(0), "is not a PNG picture: its signature is wrong")
    }
    var header: Header?
    var bitsPerRow = 0
    var dataSize = 0
    while true {
      let start = reader.offset
      let length = Int(try reader.bigEndian(UInt32.self, "a chunk's length"))
      let type = String(decoding: try reader.take(4, "a chunk's type"), as: UTF8.self)
      guard type.utf8.allSatisfy({ (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) }) else {
        throw DataError(file, at: .byte(start + 4), "\(quoted(type)) is not a type of chunk")
      }
      let content = Array(try reader.take(length, "chunk \(type)"))
      let crc = try reader.bigEndian(UInt32.self, "the checksum of chunk \(type)")
      guard crc == Deflate.crc32(bytes[start + 4..<reader.offset - 4]) else {
        throw DataError(file, at: .byte(start), "chunk \(type) is damaged: its checksum is wrong")
      }
      guard header != nil || type == "IHDR" else {
        throw DataError(file, at: .byte(start), "chunk \(type) stands where the header must be")
      }
      switch type {
      case "IHDR":
        guard header == nil else { throw DataError(file, at: .byte(start), "a second header") }
        (header, bitsPerRow) = try Self.header(content, file: file, start: start)
      case "IDAT":
        if dataSize == 0 { header?.dataOffset = start }
        dataSize += length
      case "IEND":
        guard let header, dataSize > 0 else { throw DataError(file, at: .byte(start), "the picture has no data") }
        guard reader.remaining == 0 else {
          throw DataError(file, at: .byte(reader.offset), "something follows the picture's end")
        }
        guard (bitsPerRow + 7) / 8 * header.height <= dataSize * Deflate.largestRatio else {
          throw DataError(
            file, at: .byte(16),
            "\(header.width) × \(header.height) pixels are more than \(dataSize) compressed bytes can hold")
        }
        return header
      default: break
      }
    }
  }

  private static func header(_ content: [UInt8], file: String, start: Int) throws -> (Header, bitsPerRow: Int) {
    var reader = ByteReader(content, file: file)
    guard content.count == 13 else { throw DataError(file, at: .byte(start), "the header has not 13 bytes") }
    let width = Int(try reader.bigEndian(UInt32.self, "the width"))
    let height = Int(try reader.bigEndian(UInt32.self, "the height"))
    let depth = Int(content[8])
    guard let samples = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][Int(content[9])], [1, 2, 4, 8, 16].contains(depth) else {
      throw DataError(file, at: .byte(start + 16), "colour type \(content[9]) with \(depth) bits does not exist")
    }
    guard width > 0, height > 0, let pixels = checkedProduct([width, height]), pixels <= pixelLimit else {
      throw DataError(
        file, at: .byte(start + 8), "\(width) × \(height) pixels; 1 to \(pixelLimit) pixels in all are accepted")
    }
    let header = Header(width: width, height: height, isColour: content[9] & 2 != 0, dataOffset: start)
    return (header, width * depth * samples)
  }
}
