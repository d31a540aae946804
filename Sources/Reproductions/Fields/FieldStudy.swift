import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// The signals that the checks of fields share.
enum FieldPattern {
  /// A picture of sines, a bright disc and a dark square, scaled to `[-1, 1]`: `side²` values, the first axis from the top.
  static func picture(_ side: Int) -> (places: Tensor, values: Tensor) {
    let waves: [(f: Double, g: Double, a: Double)] = [
      (1, 2, 1), (3, -2, 0.6), (7, 5, 0.4), (12, -9, 0.3), (20, 14, 0.2),
    ]
    var values: [Double] = []
    for i in 0..<side {
      for j in 0..<side {
        let (x, y) = (-1 + 2 * Double(i) / Double(side - 1), -1 + 2 * Double(j) / Double(side - 1))
        var v = 0.0
        for (k, wave) in waves.enumerated() { v += wave.a * sin(.pi * (wave.f * x + wave.g * y) + Double(k)) }
        let (dx, dy) = (x - 0.2, y + 0.3)
        if dx * dx + dy * dy < 0.15 { v += 1.5 }
        if abs(x + 0.4) < 0.2, abs(y - 0.4) < 0.3 { v -= 1 }
        values.append(v)
      }
    }
    let (low, high) = (values.min()!, values.max()!)
    let scaled = values.map { Float(($0 - low) / (high - low) * 2 - 1) }
    return (FieldSignal.places(width: side, height: side), Tensor(scaled, shape: [side * side, 1]))
  }

  /// The middle of the embedded photograph.
  static func photograph(_ side: Int) -> (places: Tensor, values: Tensor) {
    let whole = Embedded.cameraman()
    let start = (whole.width - side) / 2
    var pixels: [Float] = []
    for i in 0..<side {
      for j in 0..<side {
        let value = whole.pixels[(start + i) * whole.width + start + j]
        pixels.append(Float(value) / 127.5 - 1)
      }
    }
    return (FieldSignal.places(width: side, height: side), Tensor(pixels, shape: [side * side, 1]))
  }

  /// A second of three decaying sines, 8 kHz, scaled to `[-1, 1]`; time over `[-100, 100]` as SPDER's authors scale it is the first
  /// layer's frequency times 100.
  static func chord(_ frames: Int = 8000) -> (places: Tensor, values: Tensor) {
    let tones: [(frequency: Double, decay: Double, phase: Double)] = [(220, 2, 0), (277.18, 3, 0.5), (329.63, 4, 1)]
    let wave = (0..<frames).map { i -> Double in
      let t = Double(i) / 8000
      return tones.reduce(0) { $0 + exp(-$1.decay * t) * sin(2 * .pi * $1.frequency * t + $1.phase) }
    }
    let peak = wave.map { abs($0) }.max()!
    return (FieldSignal.moments(frames), Tensor(wave.map { Float($0 / peak) }, shape: [frames, 1]))
  }

  /// A square field in `[-1, 1]` as a PNG file.
  static func png(_ values: [Float], _ side: Int, width: Int? = nil) -> [UInt8] {
    let pixels = values.map { UInt8(min(max(($0 + 1) * 127.5, 0), 255).rounded()) }
    return PNG.encode(Image(width: width ?? side, height: side, colour: .grey, pixels: pixels))
  }

  /// How far values are from what they should be, black none, white a tenth of the range or more.
  static func errorPNG(_ found: [Float], _ wanted: [Float], _ side: Int) -> [UInt8] {
    png(zip(found, wanted).map { min(abs($0 - $1) * 5, 1) * 2 - 1 }, side)
  }
}

/// Fits of one network at several rates and seeds.
struct FieldFits {
  struct Run {
    var rate: Double
    var seed: Int
    /// Mean squared errors at the marks.
    var errors: [Double]
    /// Losses, every tenth step.
    var losses: [Double]
    var seconds: Double
    var parameters: Parameters
    var network: any Layer
  }

  static func run(
    _ network: any Layer, _ data: (places: Tensor, values: Tensor), rates: [Double], seeds: Int, steps: Int,
    marks: [Int] = [], cosine: Bool = false, teacher: SampleTeacher? = nil, name: String, _ run: ReproductionRun
  ) throws -> [Run] {
    var results: [Run] = []
    let clock = ContinuousClock()
    for (i, rate) in rates.enumerated() {
      for seed in 0..<seeds {
        try run.report(Double(i * seeds + seed) / Double(rates.count * seeds), name)
        let fitting = try FieldFitting(
          network, data.places, data.values, steps: steps, schedule: cosine ? .cosine(rate) : .constant(rate),
          teacher: teacher, seed: seed)
        var errors: [Double] = []
        var losses: [Double] = []
        var spent = Duration.zero
        do {
          while !fitting.isDone {
            let start = clock.now
            try fitting.step()
            spent += clock.now - start
            if marks.contains(fitting.taken) { errors.append(fitting.meanSquaredError()) }
            if fitting.taken % 10 == 1 { losses.append(fitting.lastLoss) }
          }
        } catch is FieldError {
          // Diverged: as bad as can be.
          while errors.count < marks.count { errors.append(.infinity) }
        }
        errors.append(errors.last.map { $0.isFinite } == false ? .infinity : fitting.meanSquaredError())
        results.append(
          Run(
            rate: rate, seed: seed, errors: errors, losses: losses, seconds: spent / .seconds(1),
            parameters: fitting.parameters, network: network))
      }
    }
    return results
  }

  static func median(_ runs: [Run], at rate: Double) -> Double {
    runs.filter { $0.rate == rate }.map { $0.errors.last! }.median
  }

  /// The rate with the lowest median error.
  static func best(_ runs: [Run]) -> (rate: Double, error: Double) {
    let rates = Array(Set(runs.map(\.rate))).sorted()
    let errors = rates.map { median(runs, at: $0) }
    let i = errors.indices.min { errors[$0] < errors[$1] }!
    return (rates[i], errors[i])
  }

  static func decibels(_ error: Double) -> Double { Metrics.peakSignalToNoise(meanSquaredError: error) }
}

func scientific(_ value: Double) -> String { formattedNumber(value, digits: 3) }
