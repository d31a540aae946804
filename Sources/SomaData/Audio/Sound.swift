import CSndFile
import Foundation
import Soma

/// A sound: samples in `-1 … 1`, channels side by side in each frame.
public struct Sound: Hashable, Sendable {
  /// The kinds of file that are written.
  public enum Format: String, Sendable, CaseIterable {
    /// 16 bits a sample, as they are.
    case wav
    /// 16 bits a sample, packed without loss.
    case flac
    /// Vorbis, packed with loss.
    case ogg

    /// By the end of a file's name.
    public init?(path: String) {
      switch URL(fileURLWithPath: path).pathExtension.lowercased() {
      case "wav": self = .wav
      case "flac": self = .flac
      case "ogg", "oga": self = .ogg
      default: return nil
      }
    }

    /// Container and samples, as `sndfile.h` numbers them: `SF_FORMAT_WAV | SF_FORMAT_PCM_16` and so on.
    fileprivate var code: Int32 {
      switch self {
      case .wav: 0x01_0002
      case .flac: 0x17_0002
      case .ogg: 0x20_0060
      }
    }
  }

  /// Samples a second.
  public let rate: Int
  public let channels: Int
  /// `frames × channels`.
  public let samples: [Float]

  /// Samples that a sound may have.
  static let sampleLimit = 1 << 28

  /// - Precondition: whole frames at a rate above zero.
  public init(rate: Int, channels: Int, samples: [Float]) {
    require(
      rate > 0 && channels > 0 && !samples.isEmpty && samples.count % channels == 0,
      "\(samples.count) samples of \(channels) channels at \(rate) Hz are no sound")
    self.rate = rate
    self.channels = channels
    self.samples = samples
  }

  public var frames: Int { samples.count / channels }
  /// Seconds.
  public var duration: Double { Double(frames) / Double(rate) }

  /// Reads a WAV, FLAC or Ogg Vorbis file.
  /// - Throws: `DataError` if it is none of them, damaged, or too large.
  public static func read(_ path: String) throws -> Sound {
    try decode(try readFile(path, limit: 1 << 30), file: path)
  }

  public static func decode(_ bytes: [UInt8], file: String) throws -> Sound {
    try checkContainer(bytes, file: file)
    var result = soma_sound_result()
    var none = [Float]()
    try run(bytes, &none, frames: 0, file: file, &result)
    let (frames, channels, rate) = (Int(result.frames), Int(result.channels), Int(result.rate))
    guard channels > 0, channels <= 64, rate > 0, rate <= 1 << 24 else {
      throw DataError(file, "\(channels) channels at \(rate) Hz are not accepted")
    }
    guard frames > 0 else { throw DataError(file, "the sound has no samples") }
    // Silence packs well, but a frame of either packed form takes a byte for some thousand samples at least.
    guard let count = checkedProduct([frames, channels]), count <= sampleLimit, count <= 65536 + 16384 * bytes.count
    else {
      throw DataError(
        file, "\(frames) frames of \(channels) channels are more than \(bytes.count) bytes can credibly hold")
    }
    // Beyond what common files hold a claim is believed when the frames were read once, in little memory.
    if count > 1 << 22, count > 64 * bytes.count {
      let failed = bytes.withUnsafeBufferPointer { soma_sound_count($0.baseAddress, Int64($0.count), &result) }
      guard failed == 0 else { throw DataError(file, "damaged sound: \(message(result))") }
      guard Int(result.frames) == frames else {
        throw DataError(file, "the file ends after \(result.frames) of \(frames) frames")
      }
    }
    var samples = [Float](repeating: 0, count: count)
    try run(bytes, &samples, frames: frames, file: file, &result)
    guard Int(result.frames) == frames else {
      throw DataError(file, "the file ends after \(result.frames) of \(frames) frames")
    }
    guard samples.allSatisfy(\.isFinite) else { throw DataError(file, "holds samples that are not finite numbers") }
    return Sound(rate: rate, channels: channels, samples: samples)
  }

  private static func run(
    _ bytes: [UInt8], _ samples: inout [Float], frames: Int, file: String, _ result: inout soma_sound_result
  ) throws {
    let failed = bytes.withUnsafeBufferPointer { source in
      samples.withUnsafeMutableBufferPointer { destination in
        soma_sound_decode(
          source.baseAddress, Int64(source.count), destination.isEmpty ? nil : destination.baseAddress, Int64(frames),
          &result)
      }
    }
    guard failed == 0 else { throw DataError(file, "damaged sound: \(message(result))") }
  }

  private static func message(_ result: soma_sound_result) -> String {
    withUnsafeBytes(of: result.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      .trimmingCharacters(in: CharacterSet(charactersIn: ". \n"))
  }

  /// libsndfile repairs sizes that do not fit; such files are refused here.
  private static func checkContainer(_ bytes: [UInt8], file: String) throws {
    if bytes.starts(with: Array("RIFF".utf8)) { return try checkWAV(bytes, file: file) }
    guard bytes.starts(with: Array("fLaC".utf8)) || bytes.starts(with: Array("OggS".utf8)) else {
      throw DataError(file, at: .byte(0), "is neither a WAV nor a FLAC nor an Ogg sound")
    }
    if bytes.starts(with: Array("OggS".utf8)) {
      try checkOgg(bytes, file: file)
    } else {
      try checkFLAC(bytes, file: file)
    }
  }

  /// Lengths of metadata lie in their blocks, and these in the file: libFLAC gives memory to what a length claims.
  private static func checkFLAC(_ bytes: [UInt8], file: String) throws {
    var reader = ByteReader(bytes, file: file)
    _ = try reader.take(4, "the signature")
    var isLast = false
    while !isLast {
      let start = reader.offset
      let head = Array(try reader.take(4, "a block's header"))
      isLast = head[0] & 0x80 != 0
      let content = Array(try reader.take(Int(head[1]) << 16 | Int(head[2]) << 8 | Int(head[3]), "a block"))
      var inner = ByteReader(content, file: file)
      do {
        switch head[0] & 0x7F {
        case 4:
          // Comments: the maker's name, then texts, each behind its length.
          _ = try inner.take(Int(inner.littleEndian(UInt32.self, "a length")), "a name")
          for _ in 0..<(try inner.littleEndian(UInt32.self, "a count")) {
            _ = try inner.take(Int(inner.littleEndian(UInt32.self, "a length")), "a comment")
          }
        case 6:
          // A picture: kind, type, description, four numbers, data.
          _ = try inner.take(4, "a kind")
          for skipped in [0, 0, 16] {
            _ = try inner.take(skipped, "numbers")
            let length = try inner.take(4, "a length").reduce(0) { $0 << 8 | Int($1) }
            _ = try inner.take(length, "a part")
          }
        default: break
        }
      } catch { throw DataError(file, at: .byte(start), "a length in a metadata block does not fit the block") }
    }
  }

  private static func checkWAV(_ bytes: [UInt8], file: String) throws {
    var reader = ByteReader(bytes, file: file)
    _ = try reader.take(4, "the signature")
    let size = Int(try reader.littleEndian(UInt32.self, "the size"))
    guard size + 8 <= bytes.count else {
      throw DataError(file, at: .byte(4), "the header says \(size + 8) bytes, the file has \(bytes.count)")
    }
    guard Array(try reader.take(4, "the kind")) == Array("WAVE".utf8) else {
      throw DataError(file, at: .byte(8), "is a RIFF file, but not a WAV sound")
    }
    var block: Int?
    var hasData = false
    while reader.remaining >= 8, reader.offset < size + 8 {
      let start = reader.offset
      let name = String(decoding: try reader.take(4, "a chunk's name"), as: UTF8.self)
      let length = Int(try reader.littleEndian(UInt32.self, "a chunk's length"))
      let content = Array(try reader.take(length, "chunk \(quoted(name))"))
      switch name {
      case "fmt ":
        guard length >= 16 else { throw DataError(file, at: .byte(start), "the format has \(length) bytes, not 16") }
        block = Int(content[12]) | Int(content[13]) << 8
      case "data":
        guard let block, block > 0 else {
          throw DataError(file, at: .byte(start), "the samples come before their format, or frames have no bytes")
        }
        guard length > 0, length % block == 0 else {
          throw DataError(file, at: .byte(start + 4), "\(length) bytes are not whole frames of \(block) bytes")
        }
        hasData = true
      default: break
      }
      if length % 2 == 1, reader.remaining > 0 { _ = try reader.take(1, "padding") }
    }
    guard hasData else { throw DataError(file, at: .byte(12), "the file has no samples") }
  }

  /// Pages end the stream where they say so; a file cut between two pages would otherwise read as a shorter sound.
  private static func checkOgg(_ bytes: [UInt8], file: String) throws {
    var reader = ByteReader(bytes, file: file)
    var isLast = false
    while reader.remaining > 0 {
      let start = reader.offset
      guard Array(try reader.take(4, "a page's signature")) == Array("OggS".utf8) else {
        throw DataError(file, at: .byte(start), "a page of the Ogg file does not start with OggS")
      }
      let head = Array(try reader.take(23, "a page's header"))
      let sizes = try reader.take(Int(head[22]), "a page's sizes")
      _ = try reader.take(sizes.reduce(0) { $0 + Int($1) }, "a page")
      isLast = head[1] & 4 != 0
    }
    guard isLast else { throw DataError(file, at: .byte(bytes.count), "the file ends before the stream's last page") }
  }

  /// The bytes of a file.
  /// - Throws: `DataError` if the format has no such rate or so many channels.
  public func encoded(_ format: Format, file: String = "sound") throws -> [UInt8] {
    var (count, result) = (Int64(0), soma_sound_result())
    let memory = samples.withUnsafeBufferPointer { source in
      soma_sound_encode(
        source.baseAddress, Int64(frames), Int32(channels), Int32(rate), format.code, &count, &result)
    }
    guard let memory else { throw DataError(file, "cannot be written as \(format.rawValue): \(Self.message(result))") }
    defer { free(memory) }
    return [UInt8](UnsafeBufferPointer(start: memory, count: Int(count)))
  }

  /// Writes a file of the kind that its name says.
  /// - Throws: `DataError`
  public func write(to path: String) throws {
    guard let format = Format(path: path) else {
      throw DataError(path, "sounds are written as .wav, .flac or .ogg")
    }
    try writeFile(encoded(format, file: path), to: path)
  }

  /// The mean of the channels.
  public var mono: Sound {
    guard channels > 1 else { return self }
    let mixed = (0..<frames).map { i in
      samples[(i * channels)..<((i + 1) * channels)].reduce(0, +) / Float(channels)
    }
    return Sound(rate: rate, channels: 1, samples: mixed)
  }

  /// `[frames, channels]`
  public var tensor: Tensor { Tensor(samples, shape: [frames, channels]) }
}
