import Foundation
import Soma
import SomaData
import Testing

@Suite struct CodingTests {
  @Test func arithmeticCoderComesCloseToTheEntropy() {
    var generator = SeededGenerator(seed: 5)
    // Sums of dice: unevenly distributed over 31 symbols.
    let symbols = (0..<2000).map { _ in (0..<5).reduce(0) { sum, _ in sum + generator.below(7) } }
    let packed = ArithmeticCoder.encode(symbols, alphabet: 31)
    #expect(ArithmeticCoder.decode(packed, count: 2000, alphabet: 31) == symbols)
    let counts = Dictionary(grouping: symbols) { $0 }.mapValues { Double($0.count) / 2000 }
    let entropy = counts.values.reduce(0) { $0 - $1 * log2($1) } * 2000 / 8
    #expect(Double(packed.count) <= entropy * 1.02 + 16)
  }

  @Test(arguments: [1, 2, 3, 255, 65536]) func coderRoundTrips(_ alphabet: Int) {
    var generator = SeededGenerator(seed: UInt64(alphabet))
    for count in [0, 1, 2, 17, 900] {
      let symbols = (0..<count).map { _ in generator.below(alphabet) }
      #expect(
        ArithmeticCoder.decode(ArithmeticCoder.encode(symbols, alphabet: alphabet), count: count, alphabet: alphabet)
          == symbols)
    }
    let same = Array(repeating: alphabet - 1, count: 5000)
    let packed = ArithmeticCoder.encode(same, alphabet: alphabet)
    #expect(ArithmeticCoder.decode(packed, count: 5000, alphabet: alphabet) == same)
  }

  @Test func foreignBytesDecodeToSymbols() {
    var generator = SeededGenerator(seed: 9)
    for _ in 0..<50 {
      let bytes = (0..<40).map { _ in UInt8(generator.below(256)) }
      let symbols = ArithmeticCoder.decode(bytes, count: 300, alphabet: 17)
      #expect(symbols.count == 300 && symbols.allSatisfy { (0..<17).contains($0) })
    }
  }

  @Test func quantizerRoundsHalvesAway() {
    let coded = UniformQuantizer(bits: 8)([-1, 0.5, 0.0039])
    #expect(coded.multiples == [-127, 64, 0] && coded.steps == [1 / Float(127)])
    let values = (0..<500).map { Float(sin(Double($0))) }
    for bits in [2, 4, 6, 8, 16] {
      let quantizer = UniformQuantizer(bits: bits)
      let step = quantizer(values).steps[0]
      #expect(zip(quantizer.decode(quantizer(values)), values).allSatisfy { abs($0 - $1) <= step / 2 * 1.0001 })
    }
    let blocks = UniformQuantizer(bits: 8, block: 2)
    #expect(blocks([1, 0.5, 0.001, 0.002]).steps.count == 2)
    #expect(
      zip(blocks.decode(blocks([1, 0.5, 0.001, 0.002])), [1, 0.5, 0.001, 0.002]).allSatisfy { abs($0 - $1) < 0.005 })
    #expect(UniformQuantizer(bits: 4)([0, 0]).multiples == [0, 0])
  }

  @Test func roundingInTrainingHasTheSlopeOfTheIdentity() {
    let quantizer = UniformQuantizer(bits: 4)
    let z = Tensor([0.9, -0.31, 0.05, 0.62])
    let rounded = quantizer.straightThrough(z).doubles
    let expected = quantizer.decode(quantizer(z.floats))
    #expect(zip(rounded, expected).allSatisfy { abs($0 - Double($1)) < 1e-6 })
    let slope = grad { (z: Tensor) in (quantizer.straightThrough(z) * Tensor([1.0, 2, 3, 4])).sum() }(z)
    #expect(slope.doubles == [1, 2, 3, 4])
  }

  @Test func jpegIsWrittenSmallerForLess() throws {
    let picture = Embedded.cameraman()
    let (small, large) = (JPEG.encode(picture, quality: 20), JPEG.encode(picture, quality: 95))
    #expect(small.count < large.count)
    for (bytes, tolerance) in [(small, 25.0), (large, 3.0)] {
      let back = try JPEG.decode(bytes, file: "jpeg")
      #expect(back.width == 128 && back.height == 128)
      let error =
        zip(back.pixels, picture.pixels).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
        / Double(back.pixels.count)
      #expect(error.squareRoot() < tolerance)
    }
  }
}
