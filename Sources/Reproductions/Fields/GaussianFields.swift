import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Gaussian kernels as decoders of feature grids.
let gaussianFields = Reproduction(
  "grbfnet", source: "Bouzidi, Laga & Wannous 2025, arXiv 2503.06762",
  definition: "Grid features f(x), then Σ w_k φ_k with φ_k = exp(-½ Σ ((f - c_k) a_k)²), plain or divided by Σ φ_k.",
  interface: [
    "FeatureGrid", "GaussianKernels", "GridField", "RadianceField", "VolumeRendering", "SignedDistance",
    "Mesh.marchingTetrahedra(_:nodes:)",
  ],
  claim: """
    One layer of Gaussian kernels on low-resolution grids is as accurate as deep decoders for images, geometry and radiance fields, \
    smaller and faster.
    """,
  check: """
    (a) A defined picture of 96 × 96 and a photograph of the same size; grids of 16 and 24 nodes, 8 channels; decoders of up to 2,400 numbers; \
    500 full-batch steps, cosine, rates 1e-2, 3e-2, 1e-1, 2e-1 (chosen on the first seed). (b) Signed distance of a torus less a \
    ball, 20,000 samples cut at ±0.1, grids of 8 and 16 nodes, 4 channels, 400 steps with the rate of (a), intersection over union on 48³. \
    (c) Flatland: three coloured discs, 24 one-dimensional cameras of 64 pixels, six held out.
    """,
  verdictRule: """
    Reproduced: a kernel decoder beats every MLP decoder of at most 1.05 times its numbers on (a) and on (b), each with a training \
    time of at most 1.5 times the fastest MLP's. Partly: on (a) or (b). Else not.
    """,
  seeds: 3
) { try checkOfGaussianFields($0) }

private func checkOfGaussianFields(_ run: ReproductionRun) throws -> Finding {
  let side = run.scaled(96, smoke: 16)
  let data = FieldPattern.picture(side)
  let steps = run.scaled(500, smoke: 8)
  let rates = run.isSmoke ? [3e-2] : [1e-2, 3e-2, 1e-1, 2e-1]
  func mlp(_ widths: [Int]) -> any Layer {
    Sequential(
      widths.flatMap { [Dense($0, initializer: .heNormal) as any Layer, Activation.relu] } + [Dense(1)])
  }
  let decoders: [(name: String, isKernel: Bool, layer: any Layer)] = [
    ("kernels 64, plain", true, GaussianKernels(count: 64, isNormalized: false)),
    ("kernels 64, plain, isotropic", true, GaussianKernels(count: 64, widths: .isotropic, isNormalized: false)),
    ("kernels 64, normalized", true, GaussianKernels(count: 64)),
    ("kernels 64, normalized, isotropic", true, GaussianKernels(count: 64, widths: .isotropic)),
    ("kernels 16, normalized", true, GaussianKernels(count: 16)),
    ("linear", false, Dense(1)), ("MLP 60", false, mlp([60])), ("MLP 120", false, mlp([120])),
    ("MLP 40-40", false, mlp([40, 40])),
  ]
  struct Result {
    var name: String
    var isKernel: Bool
    var numbers: Int
    var rate: Double
    var errors: [Double]
    var seconds: Double
    var iou = 0.0
    var shapeSeconds = 0.0
    var run: FieldFits.Run
    var quality: Double { FieldFits.decibels(errors.last!) }
  }
  let marks = run.isSmoke ? [2, 4] : [50, 150]
  var results: [Result] = []
  for (i, decoder) in decoders.enumerated() {
    let part = run.part(0.6 * Double(i) / 9...0.6 * Double(i + 1) / 9)
    let network = GridField(decoder: decoder.layer)
    let tried = try FieldFits.run(
      network, data, rates: rates, seeds: 1, steps: steps, cosine: true, name: decoder.name, part.part(0...0.5))
    let rate = FieldFits.best(tried).rate
    let fits = try FieldFits.run(
      network, data, rates: [rate], seeds: run.seeds, steps: steps, marks: marks, cosine: true, name: decoder.name,
      part.part(0.5...1))
    results.append(
      Result(
        name: decoder.name, isKernel: decoder.isKernel, numbers: network.parameterCount(for: [1, 2]), rate: rate,
        errors: (0...marks.count).map { k in fits.map { $0.errors[k] }.median }, seconds: fits.map(\.seconds).median,
        run: fits[0]))
  }

  // (b)
  let shape = torusLessBall
  let count = run.scaled(20_000, smoke: 300)
  let places = Tensor.uniform([count, 3], low: -1, high: 1, key: Key(11))
  let near = places[0..<(count * 4 / 5)]
  // Four fifths are moved close to the surface along the slope of the distance.
  func moved(_ p: Tensor, _ key: Key) -> Tensor {
    let slope = grad { (x: Tensor) in shape(x).sum() }(p)
    let size = slope.squared().sum([1], keepsAxes: true).sqrt().maximum(1e-3)
    let noise = Tensor.normal([p.shape[0], 1], deviation: 0.05, key: key)
    return (p + slope / size * (noise - shape(p).expandDimensions(at: 1))).clipped(-1.0, 1.0)
  }
  let samples = Tensor.concatenate([moved(near, Key(12)), places[(count * 4 / 5)..<count]])
  let wanted = shape(samples).clipped(-0.1, 0.1).expandDimensions(at: 1) * 10.0
  let nodes = run.scaled(48, smoke: 8)
  let axis = Tensor.linspace(-1, 1, count: nodes)
  let lattice = Tensor.stack(Tensor.meshgrid([axis, axis, axis]).map { $0.flattened() }, axis: 1)
  let inside = shape(lattice).floats.map { $0 < 0 }
  let names3: Set<String> = [
    "kernels 64, plain", "kernels 64, normalized", "kernels 16, normalized", "linear", "MLP 60", "MLP 120", "MLP 40-40",
  ]
  for i in results.indices where names3.contains(results[i].name) {
    let network = GridField(
      grid: FeatureGrid(resolutions: [8, 16], channels: 4), decoder: decoders[i].layer)
    let fits = try FieldFits.run(
      network, (samples, wanted), rates: [results[i].rate], seeds: 1, steps: run.scaled(400, smoke: 4), cosine: true,
      name: "shape, \(results[i].name)", run.part(0.6 + Double(i) / 30...0.6 + Double(i + 1) / 30))
    let distances: [Float] = FieldFitting.predict(network, fits[0].parameters, lattice).floats
    let found = distances.map { $0 < 0 }
    var (both, any) = (0, 0)
    for (a, b) in zip(found, inside) {
      if a && b { both += 1 }
      if a || b { any += 1 }
    }
    results[i].iou = Double(both) / Double(max(any, 1))
    results[i].shapeSeconds = fits[0].seconds
  }

  // (c)
  var radiance: [[String]] = []
  for (i, name) in ["kernels 64, normalized", "MLP 60"].enumerated() {
    let isKernel = name.hasPrefix("kernels")
    let decoder: @Sendable (Int) -> any Layer = { outputs in
      if isKernel { return GaussianKernels(count: 64, outputs: outputs) }
      return Sequential([Dense(60, initializer: .heNormal), Activation.relu, Dense(outputs)])
    }
    let quality = try flatlandQuality(
      decoder, steps: run.scaled(300, smoke: 3), run.part(0.9 + 0.05 * Double(i)...0.95 + 0.05 * Double(i)))
    radiance.append([name, formattedNumber(quality, digits: 3)])
  }

  let networks = results.filter { !$0.isKernel && $0.name != "linear" }
  let fastest = networks.map(\.seconds).min()!
  let fastestShape = networks.map(\.shapeSeconds).min()!
  func wins(_ own: Result, _ score: (Result) -> Double, _ seconds: (Result) -> Double, _ limit: Double) -> Bool {
    let rivals = networks.filter { Double($0.numbers) <= 1.05 * Double(own.numbers) }
    return !rivals.isEmpty && rivals.allSatisfy { score(own) > score($0) } && seconds(own) <= 1.5 * limit
  }
  let kernels = results.filter(\.isKernel)
  let first = kernels.filter { wins($0, \.quality, \.seconds, fastest) }
  let second = kernels.filter { $0.iou > 0 && wins($0, \.iou, \.shapeSeconds, fastestShape) }
  let best = kernels.max { $0.quality < $1.quality }!
  let rival = networks.max { $0.quality < $1.quality }!
  let shown = [best, rival]
  var tiles = [PictureTiles.Tile("picture", png: FieldPattern.png(data.values.floats, side))]
  for result in shown {
    let found = FieldFitting.predict(result.run.network, result.run.parameters, data.places).floats
    tiles.append(.init(result.name, png: FieldPattern.png(found, side)))
    tiles.append(.init("error", png: FieldPattern.errorPNG(found, data.values.floats, side)))
  }
  if let field = best.run.network as? GridField, let kernels = field.decoder as? GaussianKernels {
    let scope = Scope(Variables(parameters: best.run.parameters))
    let answers = kernels.responses(field.grid(data.places, scope["grid"]), scope["decoder"])
    let owner = answers.argMax(-1).ints.map { Float(($0 * 37) % kernels.count) / Float(kernels.count) * 2 - 1 }
    tiles.append(.init("largest kernel of each pixel", png: FieldPattern.png(owner, side)))
  }
  return Finding(
    !first.isEmpty && !second.isEmpty ? .reproduced : !first.isEmpty || !second.isEmpty ? .partly : .notReproduced,
    summary: """
      Picture: \(best.name) \(formattedNumber(best.quality, digits: 3)) dB against \(rival.name) \(formattedNumber(rival.quality, digits: 3)) dB, \
      \(formattedNumber(best.seconds / fastest, digits: 3)) times the fastest network's time. Shape: intersection over union \
      \(formattedNumber(kernels.map(\.iou).max()!, digits: 3)) against \(formattedNumber(networks.map(\.iou).max()!, digits: 3)). \
      Meets the rule on the picture: \(first.isEmpty ? "none" : first.map(\.name).joined(separator: ", ")); on the shape: \
      \(second.isEmpty ? "none" : second.map(\.name).joined(separator: ", ")).
      """,
    tables: [
      Finding.Table(
        "Picture \(side) × \(side), median of \(run.seeds) seeds, and shape",
        columns: ["decoder", "numbers", "rate"] + (marks + [steps]).map { "PSNR at \($0)" } + ["s", "IoU", "s, shape"],
        rows: results.map { result in
          [result.name, String(result.numbers), formattedNumber(result.rate)]
            + result.errors.map { formattedNumber(FieldFits.decibels($0), digits: 3) } + [
              formattedNumber(result.seconds, digits: 3), result.iou > 0 ? formattedNumber(result.iou, digits: 3) : "–",
              result.shapeSeconds > 0 ? formattedNumber(result.shapeSeconds, digits: 3) : "–",
            ]
        }),
      Finding.Table("Flatland: PSNR of held-out cameras, dB", columns: ["decoder", "PSNR"], rows: radiance),
    ],
    figures: [
      PictureTiles("Reconstructions", columns: 3, tiles),
      ScatterPlot(
        "Quality and time", xTitle: "seconds for \(steps) steps", yTitle: "PSNR, dB",
        results.map { .init($0.name, x: $0.seconds, y: $0.quality, series: $0.isKernel ? 0 : 1) }),
    ],
    remarks: [
      "The normalized kernels (a softmax of the exponents) are this library's addition; the published description is of plain ones.",
      "Best decoder: \(best.name) (\(best.name.contains("normalized") ? "normalized" : "plain")).",
    ])
}

/// A torus of radii 0.55 and 0.22 less a ball of radius 0.35: the larger of the torus's distance and minus the ball's.
private let torusLessBall: @Sendable (Tensor) -> Tensor = { p in
  let (x, y, z) = (p[.all, 0], p[.all, 1], p[.all, 2])
  let ring = (x * x + z * z + 1e-9).sqrt() - 0.55
  let torus = (ring * ring + y * y + 1e-9).sqrt() - 0.22
  let ball = ((x - 0.5) * (x - 0.5) + y * y + z * z + 1e-9).sqrt() - 0.35
  return torus.maximum(-ball)
}

/// Three discs seen by one-dimensional cameras around them: the quality of the cameras that were not learned from.
private func flatlandQuality(
  _ decoder: @Sendable (Int) -> any Layer, steps: Int, _ run: ReproductionRun
) throws -> Double {
  let (pixels, count, near, far) = (64, 48, 0.6, 3.4)
  func camera(_ i: Int, of n: Int, offset: Double = 0) -> (origins: [Float], directions: [Float]) {
    let angle = 2 * Double.pi * (Double(i) + offset) / Double(n)
    var (origins, directions) = ([Float](), [Float]())
    for k in 0..<pixels {
      let turn = angle + .pi + ((Double(k) + 0.5) / Double(pixels) - 0.5) * 0.9
      origins += [Float(2 * cos(angle)), Float(2 * sin(angle))]
      directions += [Float(cos(turn)), Float(sin(turn))]
    }
    return (origins, directions)
  }
  func rays(_ cameras: [(origins: [Float], directions: [Float])]) -> (origins: Tensor, directions: Tensor) {
    let n = cameras.count * pixels
    return (
      Tensor(cameras.flatMap(\.origins), shape: [n, 2]), Tensor(cameras.flatMap(\.directions), shape: [n, 2])
    )
  }
  let discs: [(x: Double, y: Double, r: Double, colour: [Double])] = [
    (-0.3, 0.25, 0.3, [0.9, 0.2, 0.2]), (0.4, 0.1, 0.25, [0.2, 0.8, 0.3]), (0, -0.45, 0.28, [0.2, 0.4, 0.95]),
  ]
  let background = Tensor([Float(1), 1, 1])
  func truth(_ places: Tensor) -> (density: Tensor, colour: Tensor) {
    var density = places[.all, 0] * 0
    var colour = Tensor.zeros([places.shape[0], 3])
    for disc in discs {
      let (dx, dy) = (places[.all, 0] - disc.x, places[.all, 1] - disc.y)
      let gap = (dx * dx + dy * dy).sqrt() - disc.r
      let solid = (gap * -60.0).logistic()
      density = density + solid * 20.0
      colour = colour + solid.expandDimensions(at: 1) * Tensor(disc.colour.map { Float($0) })
    }
    return (density, colour)
  }
  func render(
    _ origins: Tensor, _ directions: Tensor, key: Key?, _ field: (Tensor) -> (density: Tensor, colour: Tensor)
  ) -> Tensor {
    let n = origins.shape[0]
    let (places, gaps) = VolumeRendering.samples(
      origins: origins, directions: directions, near: near, far: far, count: count, key: key)
    let (density, colour) = field(places.reshape(n * count, 2))
    return VolumeRendering.composite(
      densities: density.reshape(n, count), colours: colour.reshape(n, count, 3), steps: gaps, background: background
    ).colours
  }
  let learned = rays((0..<24).map { camera($0, of: 24) })
  let held = rays((0..<6).map { camera($0, of: 6, offset: 0.37) })
  let (seen, unseen) = (
    render(learned.origins, learned.directions, key: nil, truth), render(held.origins, held.directions, key: nil, truth)
  )
  let grid = FeatureGrid(resolutions: [16, 32])
  let network = GridField(grid: grid, decoder: decoder(4))
  let field: @Sendable (Parameters, Tensor) -> (density: Tensor, colour: Tensor) = { parameters, places in
    // The box of the grid holds the discs; rays outside of it meet nothing.
    let y = network.apply(Variables(parameters: parameters), places)
    let isInside = (places.abs().max([1]) .<= 1.0).cast(to: .float32)
    return ((y[.all, 0] - 1).softplus() * isInside * 10.0, y[.all, 1..<4].logistic())
  }
  let start = network.initialized(for: [1, 2], key: Key(0)).parameters
  let training = try EnsembleTraining(
    [start], optimizer: Adam(), learningRates: [2e-2], shared: [learned.origins, learned.directions, seen]
  ) { member in
    let found = render(member.shared[0], member.shared[1], key: member.key) { field(member.parameters, $0) }
    return (found - member.shared[2]).squared().mean()
  }
  for step in 0..<steps {
    training.step()
    if step % 20 == 0 { try run.report(Double(step) / Double(steps), "flatland") }
  }
  let parameters = training.members[0]
  let found = render(held.origins, held.directions, key: nil) { field(parameters, $0) }
  let error = (found - unseen).cast(to: .float64).squared().mean().doubles[0]
  return Metrics.peakSignalToNoise(meanSquaredError: error, range: 1)
}
