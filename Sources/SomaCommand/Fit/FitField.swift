import ArgumentParser
import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks

/// `soma fit photo.png --network spder --parameters 50000 --out fitted.soma`: a picture, a sound or a shape as a small network.
struct FitField: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "spder, siren, relu-octaves, relu-fourier, grbf …, coordinate:ACTIVATION, BASIS-kan. Default: spder for pictures, siren for sounds and shapes.",
      valueName: "network"))
  var network: String?
  @Option(help: ArgumentHelp("Its size. Default: 50000.", valueName: "count")) var parameters: Int?
  @Option(help: ArgumentHelp("Where the fitted field is written.", valueName: "file")) var out: String?
  @Option(help: "Training steps of pictures, sounds and shapes. Default: 1000.") var trainingSteps: Int?
  @Option(help: ArgumentHelp("Default: what is usual for the network.", valueName: "rate")) var learningRate: Double?
  @Option(help: "Hidden layers.") var depth = 4
  @Option(help: ArgumentHelp("The frequency ω₀ of sines. Default: 30; 10 for shapes.", valueName: "ω₀")) var omega:
    Double?
  @Flag(help: "Learn from the samples where the field is most wrong, a growing share.") var teach = false
  @Option(help: ArgumentHelp("Bits of a stored number, 2 to 16. Default: 32, as they are.", valueName: "count"))
  var bits: Int?
  @Option(
    help: ArgumentHelp(
      "Store this many numbers, from which fixed random maps make the network (D'OH).", valueName: "count"))
  var latent: Int?
  @Option(help: ArgumentHelp("Samples of a shape's distance.", valueName: "count")) var distanceSamples = 20_000

  mutating func validate() throws {
    func check(_ isRight: Bool, _ message: String) throws { if !isRight { throw ValidationError(message) } }
    try check((parameters ?? 1) >= 1, "--parameters must be at least 1.")
    try check((1...10_000_000).contains(trainingSteps ?? 1), "--training-steps must be 1 to 10000000.")
    try check((learningRate ?? 1) > 0 && (learningRate ?? 1).isFinite, "--learning-rate must be above 0.")
    try check((1...64).contains(depth), "--depth must be 1 to 64, not \(depth).")
    try check((omega ?? 1) > 0 && (omega ?? 1).isFinite, "--omega must be above 0.")
    try check((2...16).contains(bits ?? 2), "--bits must be 2 to 16.")
    try check((latent ?? 1) >= 1 && (latent ?? 1) <= 1 << 24, "--latent must be at least 1.")
    try check((100...10_000_000).contains(distanceSamples), "--distance-samples must be 100 to 10000000.")
  }

  private struct Summary: Encodable {
    var network: String
    var parameters: Int
    var quality: Double
    var fileBytes: Int?
    var numberBytes: Int
    var sourceBytes: Int
    var jpegBytes: Int?
    var seconds: Double
  }

  func run(_ input: String, _ kind: FitInput, seed: Int, _ output: OutputChoice) throws {
    if let out { try checkWritable(out) }
    let samples: FieldSamples
    var judged: FieldSamples?
    var image: Image?
    switch kind {
    case .image:
      let read = try Image.read(input)
      image = read
      samples = FieldSamples(read)
    case .sound:
      let sound = try Sound.read(input)
      guard sound.frames >= 2 else { throw DataError(input, "a sound of one sample is no function of time") }
      samples = try FieldSamples(sound)
    case .mesh:
      let mesh = try OBJ.read(input)
      samples = FieldSamples(mesh, count: distanceSamples, seed: UInt64(bitPattern: Int64(seed)))
      // A shape is known between its samples too: its quality is that at places which were not learned from.
      judged = FieldSamples(mesh, count: min(distanceSamples, 5000), seed: ~UInt64(bitPattern: Int64(seed)))
    case .table: throw DataError(input, "is a table, no picture, sound or shape")
    }
    let bytes = (try? FileManager.default.attributesOfItem(atPath: input)[.size] as? NSNumber)?.intValue ?? 0
    // SPDER is the best of pictures at its rate; sounds and shapes it learns by heart, and is far off between their samples. Distances
    // are smooth: a low frequency keeps them so where samples are few.
    let isShape = kind == .mesh
    let omega = omega ?? (isShape ? 10 : 30)
    var specification = FieldSpecification(
      network ?? (kind == .image ? "spder" : "siren"), inputs: samples.signal.inputs, outputs: samples.signal.outputs,
      depth: depth, omega: omega,
      samples: samples.signal.samples, latent: nil, seed: seed)
    // A sound's coordinate goes through thousands of samples: its first layer is as fast as they are.
    if case .sound(let rate, let frames, _, _) = samples.signal, !specification.isGrid {
      specification.firstOmega = omega * min(100, max(1, Double(frames) / Double(rate) * 100))
    }
    let budget = parameters ?? 50_000
    specification = try specification.scaled(toParameters: budget)
    specification.latent = latent
    let layer = try specification.network()
    let steps = trainingSteps ?? 1000
    let rate = learningRate ?? specification.usualLearningRate
    // Above this many samples a step takes a part of them, drawn anew.
    let limit = 1 << 16
    let count = samples.places.shape[0]
    let teacher: SampleTeacher? =
      teach
      ? SampleTeacher()
      : count > limit
        ? SampleTeacher(ratio: .constant(Double(limit) / Double(count)), interval: .dense, selection: .random) : nil
    let interruption = Interruption()
    let progress = ProgressLine(isQuiet: output.quiet)
    let clock = ContinuousClock()
    let begin = clock.now
    let fitting = try FieldFitting(
      layer, samples.places, samples.values, steps: steps, schedule: .cosine(rate, final: rate * 0.01),
      teacher: teacher, seed: seed, memoryLimit: Int(clamping: ProcessInfo.processInfo.physicalMemory / 4 * 3))
    while !fitting.isDone, !interruption.isRequested {
      try fitting.step()
      if fitting.taken % 10 == 0 {
        progress.update(
          Double(fitting.taken) / Double(steps),
          String(
            format: "step %d  PSNR %.2f dB", fitting.taken,
            Metrics.peakSignalToNoise(meanSquaredError: fitting.lastLoss)))
      }
    }
    progress.clear()
    let seconds = (clock.now - begin) / .seconds(1)
    var saved = SavedField(
      .init(
        specification: specification, signal: samples.signal, source: URL(fileURLWithPath: input).lastPathComponent,
        sourceBytes: bytes, steps: fitting.taken, quality: 0), fitting.parameters)
    if let bits { saved.quantize(bits: bits) }
    let places = judged ?? samples
    let error = (try saved.values(at: places.places) - places.values).cast(to: .float64).squared().mean().doubles[0]
    saved.description.quality = Metrics.peakSignalToNoise(meanSquaredError: error)
    var fileBytes: Int?
    if let out {
      try saved.save(to: out)
      fileBytes = (try? FileManager.default.attributesOfItem(atPath: out)[.size] as? NSNumber)?.intValue
    }
    let jpeg = image.map { SavedField.jpegSize(of: $0, quality: saved.description.quality) }
    let summary = Summary(
      network: specification.name, parameters: saved.parameters.elementCount, quality: saved.description.quality,
      fileBytes: fileBytes, numberBytes: saved.payloadBytes(), sourceBytes: bytes, jpegBytes: jpeg?.bytes,
      seconds: seconds)
    if output.json { return print(try jsonText(summary)) }
    print(
      String(
        format: "%@, %d numbers: PSNR %.2f dB%@ after %d steps, %@", specification.name, summary.parameters,
        summary.quality, judged == nil ? "" : " at places not learned from", fitting.taken, formattedDuration(seconds)))
    print(
      "numbers take \(summary.numberBytes) bytes\(bits.map { " at \($0) bits" } ?? ""); \(saved.description.source) has \(bytes)"
    )
    if let jpeg {
      print(
        String(format: "a JPEG of %.2f dB takes %d bytes (quality setting %d)", jpeg.quality, jpeg.bytes, jpeg.setting))
    }
    if let out { print("written: \(out)") }
  }
}
