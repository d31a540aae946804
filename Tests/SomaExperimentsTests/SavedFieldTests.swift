import Foundation
import Soma
import SomaData
import SomaLearning
import SomaNetworks
import Testing

@testable import SomaExperiments

@Suite struct SavedFieldTests {
  private func folder<R>(_ body: (String) throws -> R) throws -> R {
    let path = NSTemporaryDirectory() + "soma-field-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  private func field(_ signal: FieldSignal, network: String = "spder", latent: Int? = nil) throws -> SavedField {
    let specification = FieldSpecification(
      network, inputs: signal.inputs, outputs: signal.outputs, width: 8, depth: 2, latent: latent)
    let layer = try specification.network()
    return SavedField(
      .init(specification: specification, signal: signal, source: "a.png", sourceBytes: 1, steps: 0, quality: 20),
      layer.initialized(for: [1, signal.inputs], key: Key(1)).parameters)
  }

  private static let names = FieldSpecification.networks.map { $0.name.replacing("BASIS", with: "chebyshev") }

  @Test(arguments: names) func filesKeepFields(_ name: String) throws {
    try folder { path in
      for bits in [nil, 8] {
        var saved = try field(.image(width: 12, height: 9, channels: 3), network: name)
        if let bits { saved.quantize(bits: bits) }
        try saved.save(to: path + "/a.soma")
        #expect(SavedField.isField(path + "/a.soma"))
        let back = try SavedField.load(path + "/a.soma")
        for name in saved.parameters.names { #expect(back.parameters[name]!.floats == saved.parameters[name]!.floats) }
        #expect(try back.image(width: 7, height: 5) == saved.image(width: 7, height: 5))
      }
    }
  }

  @Test func hypernetworksAreStoredAsTheirVector() throws {
    let saved = try field(.image(width: 12, height: 9, channels: 1), network: "siren", latent: 20)
    #expect(saved.parameters.elementCount == 20)
    try folder { path in
      try saved.save(to: path + "/a.soma")
      #expect(try SavedField.load(path + "/a.soma").image(width: 5, height: 5) == saved.image(width: 5, height: 5))
    }
  }

  @Test func signalsRenderInTheirKind() throws {
    let sound = try field(.sound(rate: 100, frames: 50, channels: 2, peak: 0.5))
    let twice = try sound.sound(rate: 200)
    #expect(twice.frames == 100 && twice.channels == 2 && twice.samples.allSatisfy { abs($0) <= 1 })
    #expect(throws: FieldError.self) { try sound.image(width: 5, height: 5) }
    let flat = try field(.shape(dimensions: 2, limit: 0.2))
    #expect(try flat.slice(side: 16).width == 16)
    #expect(throws: FieldError.self) { try flat.traced(side: 16) }
    #expect(throws: FieldError.self) { try flat.sound(rate: 100) }
  }

  @Test func theBallLooksLikeABall() throws {
    // A grid of two nodes cannot hold a ball, so a field is fitted to one.
    let axis = (0..<20).map { -1 + 2 * Double($0) / 19 }
    let values = axis.flatMap { x in
      axis.flatMap { y in axis.map { z in Float((x * x + y * y + z * z).squareRoot() - 0.5) } }
    }
    let mesh = Mesh.marchingTetrahedra(values, nodes: 20)
    let samples = FieldSamples(mesh, count: 3000)
    let specification = FieldSpecification("siren", inputs: 3, outputs: 1, width: 32, depth: 2, omega: 10)
    let fitting = try FieldFitting(
      try specification.network(), samples.places, samples.values, steps: 150, schedule: .cosine(3e-3))
    while !fitting.isDone { try fitting.step() }
    let saved = SavedField(
      .init(
        specification: specification, signal: samples.signal, source: "ball.obj", sourceBytes: 1, steps: 150, quality: 0
      ),
      fitting.parameters)
    let picture = try saved.traced(side: 60)
    func isHit(_ row: Int, _ column: Int) -> Bool { picture.pixels[3 * (row * 60 + column)] < 250 }
    // The mesh is scaled to 0.8: 40 of 60 pixels across.
    #expect(isHit(30, 30) && isHit(14, 30) && !isHit(2, 2) && !isHit(5, 30))
    let share = Double((0..<3600).count { isHit($0 / 60, $0 % 60) }) / 3600
    #expect(abs(share - .pi * 0.64 / 5.76) < 0.05)
    let volume = try saved.mesh(nodes: 40)
    #expect(volume.vertices.map { abs($0.length - 0.8) }.max()! < 0.08)
  }

  @Test func samplesComeBackAtTheirPlaces() throws {
    let image = Image(width: 3, height: 2, colour: .grey, pixels: [0, 51, 102, 153, 204, 255])
    let samples = FieldSamples(image)
    #expect(samples.places.floats == [-1, -1, -1, 0, -1, 1, 1, -1, 1, 0, 1, 1])
    #expect(zip(samples.values.floats, [-1, -0.6, -0.2, 0.2, 0.6, 1]).allSatisfy { abs($0 - $1) < 1e-6 })
    let sound = try FieldSamples(Sound(rate: 10, channels: 1, samples: [0.1, -0.5, 0.25]))
    #expect(sound.values.floats == [0.2, -1, 0.5] && sound.places.floats == [-1, 0, 1])
  }

  @Test func budgetsAreReached() throws {
    for name in ["spder", "relu-octaves", "grbf"] {
      let found = try FieldSpecification(name, inputs: 2, outputs: 3).scaled(toParameters: 20_000).parameterCount()
      #expect(abs(found - 20_000) <= 4000, "\(name): \(found)")
    }
    #expect(throws: FieldError.self) { try FieldSpecification("grbf", inputs: 2, outputs: 3).scaled(toParameters: 50) }
    #expect(throws: FieldError.self) { try FieldSpecification("spdr", inputs: 2, outputs: 3).network() }
  }

  @Test func damagedFilesAreRefused() throws {
    try folder { path in
      let file = path + "/a.soma"
      func refused(_ change: (inout SavedField.Description) -> Void, _ message: String) throws {
        let saved = try field(.image(width: 12, height: 9, channels: 1))
        try saved.save(to: file)
        var arrays = try NPZ.read(file)
        var header = try JSONDecoder().decode(SavedField.Description.self, from: Data(arrays["header"]!.bytes))
        change(&header)
        let bytes = [UInt8](try JSONEncoder().encode(header))
        arrays["header"] = Tensor(bytes: bytes, shape: [bytes.count], dtype: .uint8)
        try NPZ.write(arrays, to: file)
        let error = #expect(throws: DataError.self) { try SavedField.load(file) }
        #expect(error?.description.contains(message) == true, "\(message): \(error?.description ?? "")")
      }
      try refused({ $0.format = 2 }, "layout 2")
      try refused({ $0.kind = "model" }, "no fitted field")
      try refused({ $0.specification.name = "spdr" }, "no field network")
      try refused({ $0.specification.width = -3 }, "impossible")
      try refused({ $0.specification.width = 9 }, "not those")
      try refused({ $0.specification.depth = 10_000 }, "impossible")
      try refused({ $0.specification.omega = -1 }, "impossible")
      try refused({ $0.specification.outputs = 3 }, "does not fit its signal")
      try refused({ $0.signal = .shape(dimensions: 3, limit: 1) }, "does not fit its signal")
      try refused({ $0.bits = 99 }, "impossible roundings")
      try refused({ $0.bits = 8 }, "impossible roundings")
      try refused({ $0.parameterNames.removeLast() }, "not those")
      try refused({ $0.shapes[0] = [3, 3] }, "not those")
      // Cut off, and changed at random.
      let saved = try field(.image(width: 12, height: 9, channels: 1))
      try saved.save(to: file)
      let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
      for length in stride(from: 0, to: good.count, by: max(1, good.count / 25)) {
        try Data(good[..<length]).write(to: URL(fileURLWithPath: file))
        #expect(throws: DataError.self) { try SavedField.load(file) }
        #expect(!SavedField.isField(file))
      }
    }
  }

  @Test func gainBetweenCurves() {
    func curve(_ shift: Double) -> [RateDistortion.Point] {
      (1...6).map { .init(numbers: $0, bits: 8, storedBits: 1000 << $0, quality: 5 * Double($0) + shift) }
    }
    #expect(abs(RateDistortion.averageGain(curve(1.5), over: curve(0)) - 1.5) < 1e-9)
    // Half the rate at the same quality, where six decibels are a doubling, is half of five decibels and more.
    let half = curve(0).map {
      RateDistortion.Point(numbers: 1, bits: 8, storedBits: $0.storedBits / 2, quality: $0.quality)
    }
    #expect(abs(RateDistortion.averageGain(half, over: curve(0)) - 5) < 1e-9)
    let points = RateDistortion.points(Parameters([("a", Tensor([Float(0.5), -1, 0.25]))]), bits: [32, 4]) { _ in 7 }
    #expect(points[0].storedBits == 128 + 96 && points[1].storedBits < 128 + 96 && points[1].quality == 7)
  }
}
