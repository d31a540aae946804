import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Signals stored as one short vector, from which a fixed random map makes a network.
let decoderOnlyHypernetwork = Reproduction(
  "doh", source: "Gordon, MacDonald, Saratchandran & Lucey 2024, arXiv 2403.19163",
  definition: "vec(W_l) = R_l z, b_l = S_l z with fixed random R, S; only z and a seed are stored.",
  interface: [
    "RandomHypernetwork", "UniformQuantizer", "ArithmeticCoder", "RateDistortion", "FieldSpecification.latent",
  ],
  claim: """
    At equal rate such networks improve on, or equal, small networks stored as they are, without a search over architectures; the \
    length of z alone sets the rate.
    """,
  check: """
    A defined picture of 96 × 96, a photograph of the same size, a field of discs and a star; SIREN target 2-32-32-32-1, on the \
    picture also 2-64-64-64-1 and rectifiers on 6 octaves, 26-40-40-1; 150, 300, 800, 2,000 numbers at 32, 8, 6, 4 bits, 1,200 steps; \
    rates 3e-4, 1e-3; against direct SIRENs of depth 3 and 4 with as many numbers, rates 1e-3, 5e-3. Two seeds on the picture with the SIREN target, one and \
    the higher rates elsewhere. Sizes are those of packed numbers with a header of 16 bytes.
    """,
  verdictRule: """
    Reproduced: on the picture, the curve of quality by stored bits lies above the direct network's on average. Partly: it does so \
    counting at most 400 numbers at 6 or 8 bits, or its loss from 32 to 6 bits is at most half of the direct network's (median). Else \
    not.
    """,
  seeds: 2
) { run in
  let side = run.scaled(96, smoke: 12)
  let steps = run.scaled(1200, smoke: 6)
  let sizes = run.isSmoke ? [30, 60] : [150, 300, 800, 2000]
  let bits = [32, 8, 6, 4]
  func target(_ width: Int) -> any Layer {
    RandomTargets.siren(width: width)
  }
  func hyper(_ n: Int, width: Int = 32) -> any Layer {
    RandomHypernetwork(
      target: target(width), latent: n, seed: 1,
      variance: RandomHypernetwork.sinusoidalVariance(omega: 30, inputs: 2, width: width))
  }
  /// The width at which a SIREN of a depth has about n numbers.
  func direct(_ n: Int, depth: Int) -> any Layer {
    let widths = 1...200
    let width = widths.min {
      abs(CoordinateNetwork.siren(width: $0, depth: depth).parameterCount(for: [1, 2]) - n)
        < abs(CoordinateNetwork.siren(width: $1, depth: depth).parameterCount(for: [1, 2]) - n)
    }!
    return CoordinateNetwork.siren(width: width, depth: depth)
  }
  typealias Data = (places: Tensor, values: Tensor)
  /// The best of rates and seeds by the fit, rounded to each number of bits.
  func curve(
    _ networks: [any Layer], _ data: Data, rates: [Double], seeds: Int, name: String, _ run: ReproductionRun
  ) throws -> (points: [RateDistortion.Point], best: FieldFits.Run) {
    var runs: [FieldFits.Run] = []
    for (i, network) in networks.enumerated() {
      runs += try FieldFits.run(
        network, data, rates: rates, seeds: seeds, steps: steps, name: name,
        run.part(Double(i) / Double(networks.count)...Double(i + 1) / Double(networks.count)))
    }
    let best = runs.min { $0.errors.last! < $1.errors.last! }!
    let points = RateDistortion.points(best.parameters, bits: bits) { parameters in
      let found = FieldFitting.predict(best.network, parameters, data.places)
      return FieldFits.decibels((found - data.values).cast(to: .float64).squared().mean().doubles[0])
    }
    return (points, best)
  }
  let picture = FieldPattern.picture(side)
  var (own, rival) = ([RateDistortion.Point](), [RateDistortion.Point]())
  var tiles = [PictureTiles.Tile("picture", png: FieldPattern.png(picture.values.floats, side))]
  let (hyperRates, directRates) = (run.isSmoke ? [1e-3] : [3e-4, 1e-3], run.isSmoke ? [1e-3] : [1e-3, 5e-3])
  for (i, n) in sizes.enumerated() {
    let part = run.part(0.6 * Double(i) / Double(sizes.count)...0.6 * Double(i + 1) / Double(sizes.count))
    let (a, best) = try curve(
      [hyper(n)], picture, rates: hyperRates, seeds: run.seeds, name: "D'OH, \(n)", part.part(0...0.4))
    let (b, bestDirect) = try curve(
      [direct(n, depth: 4), direct(n, depth: 3)], picture, rates: directRates, seeds: run.seeds,
      name: "direct, \(n)", part.part(0.4...1))
    own += a
    rival += b
    // 0.3 bits a pixel of 96² are 2,765 bits: 300 to 400 numbers at 8 bits.
    if n == sizes[1] {
      for (name, found) in [("D'OH, \(n)", best), ("direct, \(n)", bestDirect)] {
        let quantizer = UniformQuantizer(bits: 8)
        let rounded = found.parameters.map { _, t in Tensor(quantizer.decode(quantizer(t.floats)), shape: t.shape) }
        let values = FieldFitting.predict(found.network, rounded, picture.places).floats
        tiles.append(.init("\(name), 8 bits", png: FieldPattern.png(values, side)))
      }
    }
  }
  // Other targets and signals.
  var others: [[String]] = []
  func compare(_ name: String, _ a: [RateDistortion.Point], _ b: [RateDistortion.Point]) {
    for bit in bits {
      others.append(
        [name, String(bit)]
          + [a, b].flatMap { points in
            sizes.indices.map { formattedNumber(points.filter { $0.bits == bit }[$0].quality, digits: 3) }
          })
    }
  }
  compare("picture, SIREN 32", own, rival)
  var wide: [RateDistortion.Point] = []
  for (i, n) in sizes.enumerated() {
    wide += try curve(
      [hyper(n, width: 64)], picture, rates: [1e-3], seeds: 1, name: "D'OH, wide, \(n)",
      run.part(0.6 + 0.02 * Double(i)...0.62 + 0.02 * Double(i))
    ).points
  }
  compare("picture, SIREN 64", wide, rival)
  var (rectified, plain) = ([RateDistortion.Point](), [RateDistortion.Point]())
  for (i, n) in sizes.enumerated() {
    let part = run.part(0.68 + 0.03 * Double(i)...0.71 + 0.03 * Double(i))
    let encoding = CoordinateEncoding.octaves(6)
    let network = RandomHypernetwork(
      target: CoordinateNetwork.rectified(width: 40, depth: 2, encoding: encoding), latent: n, seed: 1,
      variance: RandomHypernetwork.rectifierVariance)
    rectified += try curve(
      [network], picture, rates: [3e-3], seeds: 1, name: "D'OH, octaves, \(n)", part.part(0...0.5)
    ).points
    let width = (1...200).min {
      abs(CoordinateNetwork.rectified(width: $0, depth: 2, encoding: encoding).parameterCount(for: [1, 2]) - n)
        < abs(CoordinateNetwork.rectified(width: $1, depth: 2, encoding: encoding).parameterCount(for: [1, 2]) - n)
    }!
    plain += try curve(
      [CoordinateNetwork.rectified(width: width, depth: 2, encoding: encoding)], picture, rates: [5e-3], seeds: 1,
      name: "direct, octaves, \(n)", part.part(0.5...1)
    ).points
  }
  compare("picture, octaves", rectified, plain)
  for (s, signal) in [("photograph", FieldPattern.photograph(side)), ("occupancy", occupancy(side))].enumerated() {
    var (a, b) = ([RateDistortion.Point](), [RateDistortion.Point]())
    for (i, n) in sizes.enumerated() {
      let part = run.part(
        0.8 + 0.1 * Double(s) + 0.025 * Double(i)...0.825 + 0.1 * Double(s) + 0.025 * Double(i))
      a += try curve([hyper(n)], signal.1, rates: [1e-3], seeds: 1, name: "D'OH, \(signal.0)", part.part(0...0.5))
        .points
      b += try curve(
        [direct(n, depth: 4)], signal.1, rates: [5e-3], seeds: 1, name: "direct, \(signal.0)", part.part(0.5...1)
      ).points
    }
    compare(signal.0, a, b)
  }

  let gain = RateDistortion.averageGain(own, over: rival)
  func low(_ points: [RateDistortion.Point]) -> [RateDistortion.Point] {
    points.filter { $0.numbers <= 400 && ($0.bits == 6 || $0.bits == 8) }
  }
  // The rates of the two small sizes differ little, so the gain there is that of equal sizes and bits.
  let lowGains = zip(
    low(own).sorted { ($0.numbers, $0.bits) < ($1.numbers, $1.bits) },
    low(rival).sorted { ($0.numbers, $0.bits) < ($1.numbers, $1.bits) }
  )
  .map { $0.quality - $1.quality }
  let lowGain = lowGains.isEmpty ? Double.nan : lowGains.reduce(0, +) / Double(lowGains.count)
  func loss(_ points: [RateDistortion.Point]) -> Double {
    let (full, six) = (points.filter { $0.bits == 32 }, points.filter { $0.bits == 6 })
    return zip(full, six).map { $0.quality - $1.quality }.median
  }
  let (ownLoss, rivalLoss) = (loss(own), loss(rival))
  let isPartly = lowGain > 0 || ownLoss <= rivalLoss / 2
  let pixels = Double(side * side)
  func series(_ name: String, _ points: [RateDistortion.Point]) -> LineChart.Series {
    let curve = RateDistortion.hull(points)
    return LineChart.Series(name, x: curve.map { Double($0.storedBits) / pixels }, y: curve.map(\.quality))
  }
  return Finding(
    gain > 0 ? .reproduced : isPartly ? .partly : .notReproduced,
    summary: """
      Average gain over the direct networks \(formattedNumber(gain, digits: 3)) dB; with at most 400 numbers at 6 or 8 bits \
      \(formattedNumber(lowGain, digits: 3)) dB; loss from 32 to 6 bits \(formattedNumber(ownLoss, digits: 3)) dB against \
      \(formattedNumber(rivalLoss, digits: 3)) dB.
      """,
    tables: [
      Finding.Table(
        "PSNR in dB by numbers: D'OH, then direct",
        columns: ["signal, target", "bits"] + sizes.map { "D'OH \($0)" } + sizes.map { "direct \($0)" }, rows: others)
    ],
    figures: [
      LineChart(
        "Quality by stored bits, picture", xTitle: "bits a pixel", yTitle: "PSNR, dB",
        [
          series("D'OH, SIREN 32", own), series("D'OH, SIREN 64", wide), series("direct SIREN", rival),
          series("D'OH, octaves", rectified), series("direct, octaves", plain),
        ],
        xScale: .logarithmic),
      PictureTiles("Near 0.3 bits a pixel", columns: 3, tiles),
    ],
    remarks: [
      "The authors' constants of start and rounding are not known; those used are in the definitions of `RandomHypernetwork` and `UniformQuantizer`."
    ])
}

/// The networks that hypernetworks generate here.
private enum RandomTargets {
  static func siren(width: Int) -> any Layer { CoordinateNetwork.siren(width: width, depth: 3) }
}

/// Inside 1, outside -1: three discs and a star.
private func occupancy(_ side: Int) -> (places: Tensor, values: Tensor) {
  var values: [Float] = []
  for i in 0..<side {
    for j in 0..<side {
      let (x, y) = (-1 + 2 * Double(i) / Double(side - 1), -1 + 2 * Double(j) / Double(side - 1))
      let discs = [(-0.5, -0.4, 0.3), (0.5, -0.5, 0.25), (-0.45, 0.5, 0.2)]
      let (dx, dy) = (x - 0.4, y - 0.4)
      let star = (dx * dx + dy * dy).squareRoot() < 0.28 + 0.12 * cos(5 * atan2(dy, dx))
      let isInside = star || discs.contains { d in (x - d.0) * (x - d.0) + (y - d.1) * (y - d.1) < d.2 * d.2 }
      values.append(isInside ? 1 : -1)
    }
  }
  return (FieldSignal.places(width: side, height: side), Tensor(values, shape: [side * side, 1]))
}
