import Foundation
import Soma
import SomaNetworks
import Testing

@Suite struct CPPNTests {
  private static func face() -> FracturedRepresentation {
    let (network, parameters) = CPPN.face()
    return FracturedRepresentation(network, parameters, inputs: CPPN.inputs(side: 48, dtype: .float64), side: 48)
  }

  // From NumPy in double precision (Tests/Golden/make-field-golden.py).
  @Test func faceHasKnownPixels() {
    let face = Self.face().picture()
    let n = Double(face.count)
    let mean = face.reduce(0, +) / n
    let deviation = (face.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)).squareRoot()
    #expect(abs(mean - 0.371260180012) < 1e-11 && abs(deviation - 0.360168092904) < 1e-11)
    #expect(abs(face[24 * 48 + 24] - 0.994565709747) < 1e-11 && abs(face[24 * 48 + 8] - 0.643074219554) < 1e-11)
    #expect(FracturedRepresentation.oddShare(face, side: 48) < 1e-28)
  }

  @Test func faceIsUnified() {
    let face = Self.face()
    #expect(face.parityMixing() < 1e-12)
    #expect(face.brokenSweeps() == .init(effective: 56, broken: 0))
  }

  @Test func colours() {
    let hsv = Tensor([[0, 1, 1], [1 / 3.0, 1, 1], [0.5, 0.5, 0.8]])
    let expected = [1, 0, 0, 0, 1, 0, 0.4, 0.8, 0.8]
    #expect(zip(CPPN.rgb(hsv).doubles, expected).allSatisfy { abs($0 - $1) < 1e-9 })
  }

  @Test func architecturesRead() throws {
    let network = try CPPN(architecture: "12;cache:15,gaussian:4,identity:2,sin:1")
    #expect(network.depth == 12 && network.width == 22 && network.functions[15] == .gaussian)
    #expect(network.parameterCount(for: [1, 4]) == 4 * 22 + 11 * 22 * 22 + 22 * 3)
    for wrong in ["", "12", "0;sin:1", "2;sine:1", "2;sin:0", "2;sin:x"] {
      #expect(throws: CPPN.ArchitectureError.self) { try CPPN(architecture: wrong) }
    }
  }

  /// y → 5 (sin) → output, x → 6 (gaussian) → 5, and a link from x past both.
  private var graph: CPPNGraph {
    CPPNGraph(
      outputs: 1, functions: [.sin, .gaussian],
      links: [
        .init(from: 0, to: 5, weight: 1.3), .init(from: 1, to: 6, weight: 2), .init(from: 6, to: 5, weight: -0.7),
        .init(from: 5, to: 4, weight: 0.9), .init(from: 2, to: 4, weight: 0.4),
      ])
  }

  @Test func layersComputeWhatTheGraphDoes() {
    let inputs = CPPN.inputs(side: 9, dtype: .float64)
    let rows = inputs.doubles
    let (network, parameters) = graph.layerized(dtype: .float64)
    let found = network.apply(Variables(parameters: parameters), inputs).doubles
    for i in 0..<81 {
      let v = Array(rows[4 * i..<4 * i + 4])
      let written = 0.9 * sin(1.3 * v[0] - 0.7 * (2 * exp(-4 * v[1] * v[1]) - 1)) + 0.4 * v[2]
      #expect(abs(found[i] - written) < 1e-12 && abs(graph(v)[0] - written) < 1e-12)
    }
  }

  @Test func aSkipOverLayersTakesCaches() {
    // A chain of k nodes, and a link from the first input past all of them to the last.
    func chain(_ k: Int, skips: Bool) -> CPPN {
      var graph = CPPNGraph(outputs: 1, functions: Array(repeating: .tanh, count: k))
      graph.links.append(.init(from: 1, to: 5, weight: 1))
      for i in 1..<k { graph.links.append(.init(from: 4 + i, to: 5 + i, weight: 1)) }
      graph.links.append(.init(from: 4 + k, to: 4, weight: 1))
      if skips { graph.links.append(.init(from: 0, to: 4 + k, weight: 0.5)) }
      return graph.layerized().network
    }
    for k in 2...5 {
      let (plain, skipping) = (chain(k, skips: false), chain(k, skips: true))
      // The input stands in layer 0, the last node in layer k: k - 1 copies in the layers between.
      #expect(!plain.groups.contains { $0.function == .cache })
      #expect(skipping.groups.first { $0.function == .cache }?.count == 1 && skipping.depth == k)
    }
    let (network, parameters) = {
      var graph = CPPNGraph(outputs: 1, functions: [.tanh, .tanh, .tanh])
      graph.links = [
        .init(from: 1, to: 5, weight: 1), .init(from: 5, to: 6, weight: 1), .init(from: 6, to: 7, weight: 1),
        .init(from: 7, to: 4, weight: 1), .init(from: 0, to: 7, weight: 0.5),
      ]
      return graph.layerized(dtype: .float64)
    }()
    let copies = parameters.leaves.dropLast().map { $0.doubles.count { $0 == 1 } }.reduce(0, +)
    // Three chain links of weight 1, and k - 1 = 2 copies.
    #expect(copies == 3 + 2 && network.depth == 3)
  }

  @Test func linksOfCyclesReadZero() {
    var cyclic = graph
    cyclic.links.append(.init(from: 5, to: 6, weight: 3))
    let inputs = [0.3, -0.2, 0.5, 1]
    let (a, b) = (graph(inputs)[0], cyclic(inputs)[0])
    let (network, parameters) = cyclic.layerized(dtype: .float64)
    let layered = network.apply(Variables(parameters: parameters), Tensor(inputs, shape: [1, 4])).doubles[0]
    #expect(abs(layered - b) < 1e-12)
    #expect(a.isFinite && b.isFinite)
  }

  @Test func parityOfKnownMaps() {
    let side = 12
    let axis = (0..<side).map { -1 + 2 * Double($0) / Double(side - 1) }
    func map(_ f: (Double) -> Double) -> [Double] { axis.flatMap { x in axis.map { y in f(x) + 0 * y } } }
    #expect(FracturedRepresentation.oddShare(map { $0 * $0 }, side: side) < 1e-20)
    #expect(abs(FracturedRepresentation.oddShare(map { $0 }, side: side) - 1) < 1e-12)
    let (even, odd) = (map { $0 * $0 }, map { $0 })
    let mean = even.reduce(0, +) / Double(even.count)
    let energy = even.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let scale = (energy / odd.reduce(0) { $0 + $1 * $1 }).squareRoot()
    #expect(abs(FracturedRepresentation.oddShare(zip(even, odd).map { $0 + $1 * scale }, side: side) - 0.5) < 1e-12)
  }

  @Test func scoresDoNotDependOnTheOrderOfNeurons() {
    let network = CPPN(depth: 2, groups: [.init(.sin, 3), .init(.gaussian, 2)], outputs: 1)
    let start = network.initialized(for: TensorType(shape: [1, 4], dtype: .float64), key: Key(2)).parameters
    let inputs = CPPN.inputs(side: 16, dtype: .float64)
    let plain = FracturedRepresentation(network, start, inputs: inputs, side: 16)
    // The first layer's neurons 0 and 2 change places; a sine changes its sign.
    var moved = start
    let order = Tensor([Int32(2), 1, 0, 3, 4])
    moved["layer0"] = start["layer0"]!.take(order, axis: 1)
    moved["layer1"] = start["layer1"]!.take(order, axis: 0)
    let flipped = Tensor([1.0, -1, 1, 1, 1])
    moved["layer0"] = moved["layer0"]! * flipped
    moved["layer1"] = moved["layer1"]! * flipped.reshape(5, 1)
    let other = FracturedRepresentation(network, moved, inputs: inputs, side: 16)
    #expect(zip(plain.picture(), other.picture()).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(abs(plain.parityMixing() - other.parityMixing()) < 1e-12)
    #expect(plain.brokenSweeps() == other.brokenSweeps())
    #expect(abs(plain.effectiveRank() - other.effectiveRank()) < 1e-9)
    let mask = plain.picture().map { $0 > 0.5 ? 1.0 : 0 }
    #expect(abs(plain.conceptSpread(mask).participation - other.conceptSpread(mask).participation) < 1e-6)
    #expect(plain.parityMixing() > 0.01)
  }

  @Test func readsFieldsToo() {
    let field = CoordinateNetwork.siren(width: 6, depth: 2)
    let axis = Tensor.linspace(-1, 1, count: 8)
    let places = Tensor.stack(Tensor.meshgrid([axis, axis]).map { $0.flattened() }, axis: 1)
    let reading = FracturedRepresentation(
      field, field.initialized(for: [1, 2], key: Key(1)).parameters, inputs: places, side: 8, image: { $0 })
    #expect(reading.featureMaps().count == 12)
    let principal = reading.principalMaps(3)
    #expect(principal.count == 2 && principal.allSatisfy { abs($0.shares.reduce(0, +)) <= 1 + 1e-6 })
    #expect(reading.randomSweep(by: [0, 1], key: Key(2))[0].count == 64)
  }
}
