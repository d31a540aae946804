import Foundation
import Soma
import SomaData
import Testing

@Suite struct ImageTests {
  static func grey(_ y: Int, _ x: Int) -> UInt8 { UInt8(y * 40 + x * 5) }
  static func rgb(_ y: Int, _ x: Int) -> [UInt8] { [UInt8(y * 40), UInt8(x * 25), UInt8((y + x) * 15)] }

  /// The samples of a picture given by a formula.
  static func picture(_ height: Int, _ width: Int, _ formula: (_ y: Int, _ x: Int) -> [UInt8]) -> [UInt8] {
    var pixels = [UInt8]()
    for y in 0..<height {
      for x in 0..<width { pixels += formula(y, x) }
    }
    return pixels
  }

  @Test func readsPNG() throws {
    let grey = try Image.read(Golden.path("grey.png"))
    #expect(grey.width == 9 && grey.height == 6 && grey.colour == .grey)
    #expect(grey.pixels == Self.picture(6, 9) { [Self.grey($0, $1)] })
    let rgb = try Image.read(Golden.path("rgb.png"))
    #expect(rgb.pixels == Self.picture(6, 9, Self.rgb))
    let alpha = try Image.read(Golden.path("rgba.png"))
    #expect(alpha.pixels == Self.picture(6, 9) { ($0 + $1) % 2 == 0 ? Self.rgb($0, $1) : [0, 0, 0] })
    let bits = try Image.read(Golden.path("one-bit.png"))
    #expect(bits.pixels == Self.picture(6, 9) { [($0 + $1) % 2 == 0 ? 255 : 0] })
    let palette = try Image.read(Golden.path("palette.png"))
    #expect(palette.colour == .rgb)
    #expect(palette.pixels[..<3] == [0, 0, 0] && palette.pixels[27..<30] == [255, 0, 0])
  }

  @Test(arguments: ["rgb", "progressive", "grey"]) func readsJPEG(_ name: String) throws {
    let picture = try Image.read(Golden.path("\(name).jpg"))
    let expected = try NPY.read(Golden.path("\(name)-jpg.npy"))
    #expect(picture.width == 56 && picture.height == 40 && picture.channels == (name == "grey" ? 1 : 3))
    // Two versions of libjpeg-turbo may round the colour conversion differently.
    let largest = zip(picture.pixels, expected.bytes).map { abs(Int($0) - Int($1)) }.max()
    #expect(picture.pixels.count == expected.count && largest! <= 1)
  }

  static let smooth = Image(
    width: 56, height: 40, colour: .rgb,
    pixels: picture(40, 56) { y, x in [UInt8(y * 6), UInt8(x * 4), UInt8(255 - y * 3 - x * 2)] })

  @Test(arguments: [("small", 17, 11), ("large", 75, 90)]) func resizesAsPillow(_ name: String, _ w: Int, _ h: Int)
    throws
  {
    let resized = Self.smooth.resized(width: w, height: h)
    let expected = try NPY.read(Golden.path("resized-\(name).npy")).bytes
    // Pillow rounds between the two passes; this does not.
    let largest = zip(resized.pixels, expected).map { abs(Int($0) - Int($1)) }.max()
    #expect(resized.pixels.count == expected.count && largest! <= 1)
  }

  @Test func convertsColours() throws {
    let grey = Self.smooth.converted(to: .grey)
    let expected = try NPY.read(Golden.path("smooth-grey.npy")).bytes
    let largest = zip(grey.pixels, expected).map { abs(Int($0) - Int($1)) }.max()
    #expect(grey.pixels.count == expected.count && largest! <= 1)
    #expect(grey.converted(to: .rgb).converted(to: .grey) == grey)
  }

  @Test func roundTripsPNGAndTensor() throws {
    var generator = SeededGenerator(seed: 5)
    try withTemporaryDirectory { directory in
      for (width, height, colour) in [(1, 1, Image.Colour.grey), (300, 200, .rgb), (17, 3, .grey), (1, 500, .rgb)] {
        let noise = (0..<width * height * colour.rawValue).map { _ in UInt8(generator.below(256)) }
        let picture = Image(width: width, height: height, colour: colour, pixels: noise)
        try picture.writePNG(to: "\(directory)/a.png")
        #expect(try Image.read("\(directory)/a.png") == picture)
        #expect(Image(picture.tensor) == picture)
        #expect(picture.tensor.shape == [colour.rawValue, height, width])
      }
    }
    let odd = Image(Tensor([Float(-1), 2, .nan, 0.5], shape: [2, 2]))
    #expect(odd.pixels == [0, 255, 0, 128])
  }

  /// The chunk at `offset` with its checksum made right again.
  static func sealed(_ bytes: [UInt8], chunkAt offset: Int) -> [UInt8] {
    let length = bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
    let crc = bytes[offset + 4..<offset + 8 + length].reduce(UInt32.max) { crc, byte in
      (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }
    return bytes.patched(offset + 8 + length, bigEndian(~crc))
  }

  /// Many pictures of the world carry profiles that libpng warns of; their pixels are good.
  @Test func acceptsABadColourProfile() throws {
    let good = try Golden.bytes("rgb.png")
    let text = Array("sRGB".utf8) + [0, 0] + [UInt8](repeating: 7, count: 20)
    let chunk = [0, 0, 0, UInt8(text.count)] + Array("iCCP".utf8) + text + [0, 0, 0, 0]
    let bytes = Self.sealed(Array(good[..<33]) + chunk + Array(good[33...]), chunkAt: 33)
    #expect(try PNG.decode(bytes, file: "f.png") == PNG.decode(good, file: "f.png"))
  }

  @Test func refusesDamagedPNG() throws {
    let good = try Golden.bytes("rgb.png")
    let data = good.position(of: "IDAT") - 4
    let end = good.position(of: "IEND") - 4
    let huge: [UInt8] = [0x7F, 0xFF, 0xFF, 0xFF]
    func header(_ offset: Int, _ bytes: [UInt8]) -> [UInt8] { Self.sealed(good.patched(offset, bytes), chunkAt: 8) }
    let damages =
      truncations(good) + [
        Damage("signature", good.patched(0, [0]), "neither a PNG nor a JPEG"),
        Damage("text mode transfer", good.patched(4, [0x0A]), "neither a PNG nor a JPEG"),
        Damage("text", "not a picture", "neither a PNG nor a JPEG"),
        Damage("empty", [UInt8](), "neither a PNG nor a JPEG"),
        Damage("header's checksum", good.patched(16, [9]), "byte 8: chunk IHDR is damaged"),
        Damage("no width", header(16, [0, 0, 0, 0]), "0 × 6 pixels"),
        Damage("no height", header(20, [0, 0, 0, 0]), "9 × 0 pixels"),
        Damage("absurd width", header(16, huge), "2147483647 × 6 pixels; 1 to"),
        Damage("absurd both", header(16, huge + huge), "2147483647 × 2147483647 pixels"),
        Damage("64 K × 64 K", header(16, [0, 1, 0, 0, 0, 1, 0, 0]), "65536 × 65536 pixels"),
        Damage("8000 × 8000", header(16, [0, 0, 31, 64, 0, 0, 31, 64]), "compressed bytes can hold"),
        Damage("one row more", header(20, [0, 0, 0, 7]), "damaged PNG picture"),
        Damage("bits", header(24, [3]), "with 3 bits"),
        Damage("bits and colours", header(24, [4]), "damaged PNG picture"),
        Damage("colour type", header(25, [5]), "colour type 5"),
        Damage("compression", header(26, [1]), "damaged PNG picture"),
        Damage("interlace", header(28, [7]), "damaged PNG picture"),
        Damage("data's checksum", good.patched(data + 12, [1]), "chunk IDAT is damaged"),
        Damage(
          "data", Self.sealed(good.patched(data + 12, [0xFF, 0xFF]), chunkAt: data), "damaged PNG picture"),
        Damage("zlib header", Self.sealed(good.patched(data + 8, [0, 0]), chunkAt: data), "damaged PNG picture"),
        Damage("chunk of 2 GiB", good.patched(data, huge), "the file ends in chunk IDAT: 2147483647 bytes"),
        Damage("chunk of 4 GiB", good.patched(data, [255, 255, 255, 255]), "4294967295 bytes"),
        Damage("chunk type", good.patched(data + 4, [0]), "is not a type of chunk"),
        Damage("no data", Array(good[..<data] + good[end...]), "the picture has no data"),
        Damage("no header", Array(good[..<8] + good[data...]), "chunk IDAT stands where the header must be"),
        Damage("two headers", Array(good[..<data] + good[8...]), "a second header"),
        Damage("rest", good + [0], "something follows the picture's end"),
      ]
    expectRefused(damages, as: "f.png") { try Image.decode($0, file: "f.png") }
    fuzz(good, rounds: 2000) { try PNG.decode($0, file: "f.png") }
    // Past the checksums, into libpng.
    fuzz(good, rounds: 2000) { bytes in
      guard bytes[..<8] == good[..<8], bytes[data..<data + 4] == good[data..<data + 4], bytes[8..<12] == good[8..<12]
      else { return }
      _ = try PNG.decode(Self.sealed(Self.sealed(bytes, chunkAt: 8), chunkAt: data), file: "f.png")
    }
  }

  @Test func refusesDamagedJPEG() throws {
    let good = try Golden.bytes("rgb.jpg")
    let frame = good.position(of: [0xFF, 0xC0])
    let tables = good.position(of: [0xFF, 0xC4])
    let quantization = good.position(of: [0xFF, 0xDB])
    let scan = good.position(of: [0xFF, 0xDA])
    let progressive = try Golden.bytes("progressive.jpg")
    let damages =
      truncations(good) + truncations(progressive) + [
        Damage("signature", good.patched(0, [0]), "neither a PNG nor a JPEG"),
        Damage("second byte", good.patched(1, [0xD7]), "neither a PNG nor a JPEG"),
        Damage("no end", good.dropLast(2), "byte \(good.count - 2): damaged JPEG picture: Premature end"),
        Damage("only start", [0xFF, 0xD8, 0xFF], "damaged JPEG picture"),
        Damage("start and end", [0xFF, 0xD8, 0xFF, 0xD9], "JPEG datastream contains no image"),
        Damage("no width", good.patched(frame + 7, [0, 0]), "Empty JPEG image"),
        Damage("no height", good.patched(frame + 5, [0, 0]), "Empty JPEG image"),
        Damage("65500 × 65500", good.patched(frame + 5, [0xFF, 0xDC, 0xFF, 0xDC]), "credibly hold"),
        Damage("65535 × 65535", good.patched(frame + 5, [255, 255, 255, 255]), "image dimension"),
        Damage("8000 × 8000", good.patched(frame + 5, [31, 64, 31, 64]), "credibly hold"),
        Damage("one row of blocks more", good.patched(frame + 5, [0, 80]), "premature end of data"),
        Damage("precision", good.patched(frame + 4, [12]), "Unsupported JPEG data precision 12"),
        Damage("components", good.patched(frame + 9, [9]), "damaged JPEG picture"),
        Damage("sampling", good.patched(frame + 11, [0xFF]), "Bogus sampling factors"),
        Damage("frame length", good.patched(frame + 2, [0, 3]), "Bogus marker length"),
        Damage("unknown frame", good.patched(frame + 1, [0xC3]), "Unsupported"),
        Damage("table length", good.patched(tables + 2, [0, 4]), "Bogus marker length"),
        Damage("table counts", good.patched(tables + 5, [UInt8](repeating: 255, count: 16)), "Bogus Huffman table"),
        Damage("table number", good.patched(tables + 4, [0x0F]), "Bogus DHT index"),
        Damage("quantization number", good.patched(quantization + 4, [0x0F]), "Bogus DQT index"),
        Damage("table missing", good.patched(frame + 12, [3]), "Quantization table 0x03 was not defined"),
        Damage("scan's components", good.patched(scan + 4, [9]), "damaged JPEG picture"),
        Damage("scan's component", good.patched(scan + 5, [77]), "Invalid component ID 77"),
        Damage("end inside the data", good.patched(scan + 40, [0xFF, 0xD9]), "damaged JPEG picture"),
        Damage("CMYK", try Golden.bytes("cmyk.jpg"), "neither grey nor RGB"),
      ]
    expectRefused(damages, as: "f.jpg") { try Image.decode($0, file: "f.jpg") }
    fuzz(good, rounds: 2000) { try JPEG.decode($0, file: "f.jpg") }
    fuzz(progressive, rounds: 2000) { try JPEG.decode($0, file: "f.jpg") }
  }

  @Test func foldersAreClasses() throws {
    try withTemporaryDirectory { directory in
      for (name, shade) in [("cats", 10), ("dogs", 200)] {
        try FileManager.default.createDirectory(atPath: "\(directory)/\(name)", withIntermediateDirectories: false)
        for i in 0..<3 {
          let pixels = [UInt8](repeating: UInt8(shade + i), count: 30)
          try Image(width: 5, height: 6, colour: .grey, pixels: pixels).writePNG(to: "\(directory)/\(name)/\(i).png")
        }
      }
      try write(try Golden.bytes("rgb.jpg"), "\(directory)/dogs/photo.JPG")
      try write([1], "\(directory)/dogs/notes.md")
      let folder = try ImageFolder(directory)
      #expect(folder.classNames == ["cats", "dogs"] && folder.labels == [0, 0, 0, 1, 1, 1, 1])
      #expect(folder.sampleShape == [1, 6, 5])
      let data = try folder.load()
      #expect(data.count == 7 && data.values[0] == Float(10) / 255 && data.values[5 * 30] == Float(202) / 255)
      let batch = try ImageFolder(directory, size: (2, 3), colour: .rgb).batch(of: [4, 0])
      #expect(batch.features.shape == [2, 3, 3, 2] && batch.targets.ints == [1, 0])
      let shades = [Float](repeating: 201, count: 18) + [Float](repeating: 10, count: 18)
      #expect(batch.features.floats == shades.map { $0 / 255 })
      #expect(try DataSet.open(directory).train.count == 7)

      try write(try Golden.bytes("rgb.jpg").prefix(300), "\(directory)/cats/1.png")
      let error = #expect(throws: DataError.self) { try folder.load() }
      #expect(error?.file.hasSuffix("cats/1.png") == true)
      try FileManager.default.createDirectory(atPath: "\(directory)/empty", withIntermediateDirectories: false)
      #expect(throws: DataError.self) { try ImageFolder(directory) }
      #expect(throws: DataError.self) { try ImageFolder("\(directory)/empty") }
      #expect(throws: DataError.self) { try ImageFolder("\(directory)/none") }
    }
  }
}
