import Foundation
import Soma
import SomaData
import SomaNetworks
import Testing

@testable import SomaLearning

@Suite struct LossSurfaceTests {
  private let features: [[Float]] = [[1, 2, 0.5], [-1, 0.3, 2], [0.7, -1.2, 1], [2, 0.1, -0.4], [-0.6, -0.9, 1.5]]
  private let targets: [Float] = [1, -2, 0.5, 0, 3]

  private var data: LabeledData {
    LabeledData(
      name: "points", values: features.flatMap { $0 }, sampleShape: [3], target: .values(targets, names: ["y"]))
  }

  /// Of a linear model the mean squared error along a plane is known: mean (x·(w + a u + b v) + c - y)².
  @Test func aLinearModelsSurfaceIsItsQuadratic() throws {
    let network = Dense(1)
    var variables = network.initialized(for: [1, 3], key: Key(3))
    variables.parameters["weight"] = Tensor([0.5, -1, 0.25] as [Float]).reshape([3, 1])
    variables.parameters["bias"] = Tensor([0.75] as [Float])
    let surface = try LossSurface(
      network, variables, loss: MeanSquaredError(), data: data, span: 0.8, resolution: 4, seed: 11)
    let keys = Key(UInt64(11)).split(2)
    let u = LossSurface.direction(for: variables.parameters, keys[0])["weight"]!.floats.map(Double.init)
    let v = LossSurface.direction(for: variables.parameters, keys[1])["weight"]!.floats.map(Double.init)
    #expect(surface.offsets.count == 9 && surface.offsets[4] == 0 && abs(surface.offsets[8] - 0.8) < 1e-12)
    #expect(u != v)
    for (j, b) in surface.offsets.enumerated() {
      for (i, a) in surface.offsets.enumerated() {
        let w = zip([0.5, -1, 0.25], zip(u, v)).map { $0 + a * $1.0 + b * $1.1 }
        var sum = 0.0
        for (x, y) in zip(features, targets) {
          let predicted = zip(x, w).reduce(0.75) { $0 + Double($1.0) * $1.1 }
          sum += (predicted - Double(y)) * (predicted - Double(y))
        }
        #expect(abs(surface.values[j][i] - sum / 5) < 1e-4 * max(1, sum / 5))
      }
    }
    #expect(surface.center == surface.values[4][4])
  }

  @Test func filtersOfDirectionsAreAsLongAsThoseOfTheWeights() {
    var parameters = Parameters()
    parameters["dense/weight"] = Tensor((0..<12).map { Float($0) - 4 }).reshape([4, 3])
    parameters["dense/bias"] = Tensor([1, 2, 3] as [Float])
    parameters["convolution/weight"] = Tensor((0..<36).map { Float($0 % 7) }).reshape([2, 2, 3, 3])
    let direction = LossSurface.direction(for: parameters, Key(5))
    #expect(direction.names == ["dense/weight", "convolution/weight"])
    func norms(_ tensor: Tensor) -> [Float] {
      // Units of a dense layer are columns, channels of a convolution are leading.
      let values = tensor.floats
      if tensor.rank == 2 {
        return (0..<3).map { column in
          (0..<4).reduce(0) { $0 + values[$1 * 3 + column] * values[$1 * 3 + column] }.squareRoot()
        }
      }
      return (0..<2).map { channel in
        values[channel * 18..<(channel + 1) * 18].reduce(0) { $0 + $1 * $1 }.squareRoot()
      }
    }
    for name in direction.names {
      for (own, wanted) in zip(norms(direction[name]!), norms(parameters[name]!)) {
        #expect(abs(own - wanted) < 1e-4 * wanted)
      }
    }
  }

  @Test func theMiddleIsTheTrainedLossAndTheSeedDecidesTheRest() throws {
    let network = Sequential {
      Dense(6)
      Activation.tanh
      Dense(1)
    }
    let variables = network.initialized(for: [1, 3], key: Key(1))
    let loss = try Inference(network, MeanSquaredError()).evaluate(variables, DataLoader(data, batchSize: 5)).loss
    let surfaces = try [1, 1, 2].map { seed in
      try LossSurface(network, variables, loss: MeanSquaredError(), data: data, resolution: 2, seed: seed)
    }
    #expect(abs(surfaces[0].center - loss) < 1e-6)
    #expect(surfaces[0].values == surfaces[1].values && surfaces[0].values != surfaces[2].values)
  }

  @Test func whoWatchesCanEndTheWork() {
    struct Ended: Error {}
    let network = Dense(1)
    let variables = network.initialized(for: [1, 3], key: Key(3))
    #expect(throws: Ended.self) {
      try LossSurface(network, variables, loss: MeanSquaredError(), data: data) { if $0 > 0.3 { throw Ended() } }
    }
  }
}
