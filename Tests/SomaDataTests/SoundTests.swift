import Foundation
import Soma
import SomaData
import Testing

@Suite struct SoundTests {
  /// What `make-sound-fixtures.py` wrote.
  static func left(_ i: Int) -> Float { Float((20000 * sin(2 * .pi * Double(i) / 100)).rounded()) / 32768 }
  static func right(_ i: Int) -> Float { Float(i * 37 % 30000 - 15000) / 32768 }

  @Test func readsWAV() throws {
    let mono = try Sound.read(Golden.path("sound-mono.wav"))
    #expect(mono.rate == 44100 && mono.channels == 1 && mono.frames == 400)
    #expect(mono.samples == (0..<400).map(Self.left))
    let stereo = try Sound.read(Golden.path("sound-stereo.wav"))
    #expect(stereo.samples == (0..<400).flatMap { [Self.left($0), Self.right($0)] })
    let coarse = try Sound.read(Golden.path("sound-eight-bit.wav"))
    #expect(zip(coarse.samples, mono.samples).allSatisfy { abs($0 - $1) <= 1.0 / 128 })
  }

  @Test func readsFLACAndOgg() throws {
    let flac = try Sound.read(Golden.path("sound-stereo.flac"))
    #expect(flac.samples == (0..<400).flatMap { [Self.left($0), Self.right($0)] })
    let ogg = try Sound.read(Golden.path("sound-mono.ogg"))
    #expect(ogg.frames == 400 && ogg.rate == 44100)
    // Vorbis loses some; at quality 9 the sine is within a few hundredths.
    let error = zip(ogg.samples, (0..<400).map(Self.left)).map { ($0 - $1) * ($0 - $1) }.reduce(0, +) / 400
    #expect(error.squareRoot() < 0.02)
  }

  @Test(arguments: Sound.Format.allCases) func writesWhatItReads(_ format: Sound.Format) throws {
    let sound = Sound(rate: 8000, channels: 2, samples: (0..<4000).flatMap { [Self.left($0), Self.right($0 % 400)] })
    try withTemporaryDirectory { folder in
      let path = "\(folder)/sound.\(format.rawValue)"
      try sound.write(to: path)
      let back = try Sound.read(path)
      #expect(back.rate == 8000 && back.channels == 2 && back.frames == 4000)
      let largest = zip(back.samples, sound.samples).map { abs($0 - $1) }.max()!
      #expect(largest < (format == .ogg ? 0.3 : 1.0 / 32768 + 1e-7))
    }
    #expect(throws: DataError.self) { try sound.write(to: "sound.mp3") }
  }

  @Test func mixesChannels() {
    let sound = Sound(rate: 8000, channels: 2, samples: [0.5, -0.5, 0.25, 0.75])
    #expect(sound.mono.samples == [0, 0.5] && sound.mono.duration == 2.0 / 8000)
    #expect(sound.tensor.shape == [2, 2])
  }

  @Test func damagedWAVFilesAreRefused() throws {
    let good = try Golden.bytes("sound-stereo.wav")
    let damages =
      truncations(good) + [
        Damage("another signature", good.patched(0, [0x52, 0x49, 0x46, 0x58]), "neither a WAV"),
        Damage("another kind", good.patched(8, Array("AVI ".utf8)), "not a WAV"),
        Damage("a size beyond the file", good.patched(4, [0xFF, 0xFF, 0xFF, 0x7F]), "the header says"),
        Damage("a chunk beyond the file", good.patched(40, [0xFF, 0xFF, 0xFF, 0xFF]), "4294967295 bytes wanted"),
        Damage("frames of no bytes", good.patched(32, [0, 0]), "no bytes"),
        Damage("half a frame", good.patched(40, [0x3F, 0x06, 0, 0]), "whole frames"),
        Damage("no channels", good.patched(22, [0, 0]), ": "),
        Damage("no rate", good.patched(24, [0, 0, 0, 0]), ": "),
        Damage("an unknown coding", good.patched(20, [0x77, 0x77]), "damaged sound"),
        Damage("no samples", Array(good[..<36]).patched(4, [28, 0, 0, 0]), "no samples"),
        Damage("an empty file", [UInt8](), "neither"), Damage("text", "hello, this is not a sound", "neither"),
      ]
    expectRefused(damages, as: "sound.wav") { try Sound.decode($0, file: "sound.wav") }
    fuzz(good, rounds: 200) { try Sound.decode($0, file: "sound.wav") }
  }

  /// A header of FLAC that claims six million frames (in the last 36 bits of bytes 21 to 25) gets no memory for them.
  @Test func claimedFramesAreReadBeforeTheyGetMemory() throws {
    let good = try Golden.bytes("sound-stereo.flac")
    let claim = good.patched(22, [0x00, 0x60, 0x00, 0x00])
    #expect(throws: DataError.self) { try Sound.decode(claim, file: "sound.flac") }
    // The length of a name in a block of comments.
    let comments =
      Array(good[..<4]) + [0, 0, 0, 34] + Array(good[8..<42]) + [0x84, 0, 0, 8, 0xFF, 0xFF, 0xFF, 6, 0, 0, 0, 0]
    #expect(throws: DataError.self) { try Sound.decode(comments, file: "sound.flac") }
    let silence = Sound(rate: 8000, channels: 1, samples: [Float](repeating: 0, count: 5 << 20))
    let packed = try silence.encoded(.flac)
    #expect(packed.count < (5 << 20) / 64)
    #expect(try Sound.decode(packed, file: "silence.flac").samples.count == 5 << 20)
  }

  @Test(arguments: ["sound-stereo.flac", "sound-mono.ogg"]) func damagedPackedFilesAreRefused(_ name: String) throws {
    let good = try Golden.bytes(name)
    expectRefused(truncations(good) + [Damage("nothing but a signature", Array(good[..<4]), ": ")], as: name) {
      try Sound.decode($0, file: name)
    }
    fuzz(good, rounds: 200) { try Sound.decode($0, file: name) }
  }
}
