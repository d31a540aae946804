import Foundation
import Soma
import Testing

@testable import SomaNetworks

/// Values by hand (system 115).
@Suite struct PadeNeuronTests {
  private func scalar(_ neuron: PadeNeuron, _ values: [String: Double], _ x: Double) -> Double {
    let parameters = Parameters(
      values.sorted { $0.key < $1.key }.map { ($0.key, Tensor([$0.value], shape: $0.key == "w0" ? [1] : [1, 1])) })
    return PadeLinear(1, neuron).apply(Variables(parameters: parameters), Tensor([x], shape: [1, 1])).scalar
  }

  @Test func smoothQuotients() throws {
    let one = try PadeNeuron()
    let p = ["w0": 0.2, "a1": 1.5, "b1": -0.8]
    for (x, y) in [-1: -0.504716981, 0.5: 0.566176471, 2: -1.264705882, 1.25: 0.2] {
      #expect(abs(scalar(one, p, x) - y) < 1e-9)
    }
    let two = try PadeNeuron(degrees: (2, 2))
    let value = scalar(two, ["w0": 0.2, "a1": 1.5, "a2": -0.5, "b1": -0.8, "b2": 0.3], 0.7)
    // 10⁻⁶ below the line moves the seventh digit.
    #expect(abs(value - 2.118172916) < 1e-5)
    // With highest kernels zero, the smooth quotient is the plain one.
    let degenerate = ["w0": 0.2, "a1": 1.5, "a2": 0, "b1": 0.4, "b2": 0]
    #expect(abs(scalar(two, degenerate, 0.7) - (0.2 + 1.05) / 1.28) < 1e-6)
  }

  @Test func degreesThatAreRefused() {
    for degrees in [(0, 0), (-1, 1), (5, 1), (1, 5)] {
      #expect(throws: NeuronError.self) { try PadeNeuron(degrees: degrees) }
    }
  }

  @Test func ordinaryNeuronsAreTheSpecialCase() throws {
    let linear = try PadeNeuron(degrees: (1, 0))
    let x = Tensor.normal([5, 3, 6, 6], key: Key(0))
    let kernel = Tensor.normal([4, 3, 3, 3], key: Key(1))
    let bias = Tensor.normal([4], key: Key(2))
    let pade = PadeConv2d(4, neuron: linear).apply(
      Variables(parameters: Parameters([("a1", kernel), ("w0", bias)])), x)
    let plain = Convolution(4, [3, 3]).apply(
      Variables(parameters: Parameters([("weight", kernel), ("bias", bias)])), x)
    #expect(pade.floats == plain.floats)
    let rows = Tensor.normal([5, 3], key: Key(3))
    let matrix = Tensor.normal([3, 4], key: Key(4))
    let dense = Dense(4).apply(Variables(parameters: Parameters([("weight", matrix), ("bias", bias)])), rows)
    #expect(
      PadeLinear(4, linear).apply(Variables(parameters: Parameters([("a1", matrix), ("w0", bias)])), rows).floats
        == dense.floats)
  }

  @Test func replacedNeuronsKeepTheNetwork() throws {
    let model = Sequential {
      Convolution(4, [3, 3])
      Activation.relu
      Flatten()
      Dense(5)
    }
    let x = Tensor.normal([2, 1, 6, 6], key: Key(0))
    let replaced = replaceNeurons(in: model, with: try PadeNeuron(degrees: (1, 0)))
    let start = model.initialized(for: x.shape, key: Key(1))
    let copied = Variables(
      parameters: Parameters(
        zip(start.parameters.names, start.parameters.leaves).map { name, tensor in
          (name.replacingOccurrences(of: "weight", with: "a1").replacingOccurrences(of: "bias", with: "w0"), tensor)
        }))
    #expect(replaced.apply(copied, x).floats == model.apply(start, x).floats)
    let smooth = replaceNeurons(in: model, with: try PadeNeuron())
    #expect(smooth.outputShape(for: x.shape) == [2, 5])
    #expect(smooth.variableTypes(for: TensorType(shape: x.shape)).parameters.map(\.name).contains("3/b1"))
  }

  @Test func convolutionsOfOnePixelAreLinearMaps() throws {
    let neuron = try PadeNeuron(degrees: (2, 1), variant: .absolute)
    let x = Tensor.normal([2, 3, 4, 5], key: Key(0), dtype: .float64)
    let linear = PadeLinear(4, neuron)
    let variables = linear.initialized(for: TensorType(shape: [1, 3], dtype: .float64), key: Key(1))
    let kernels = Variables(
      parameters: variables.parameters.map { name, t in name == "w0" ? t : t.T.reshape([4, 3, 1, 1]) })
    let pixels = linear.apply(variables, x.transposed([0, 2, 3, 1])).transposed([0, 3, 1, 2])
    #expect(PadeConv2d(4, [1, 1], neuron: neuron).apply(kernels, x).isClose(to: pixels, relative: 1e-10))
    let transposed = PadeConvTranspose2d(4, [1, 1], neuron: neuron)
    let backwards = Variables(
      parameters: variables.parameters.map { name, t in name == "w0" ? t : t.reshape([3, 4, 1, 1]) })
    #expect(transposed.apply(backwards, x).isClose(to: pixels, relative: 1e-10))
  }

  @Test func numbersOfParameters() throws {
    let neuron = try PadeNeuron(degrees: (2, 1), shift: ShiftSpecification(.trained(range: 2)))
    #expect(PadeConv2d(5, neuron: neuron).parameterCount(for: [1, 3, 8, 8]) == 3 * 3 * 5 * 9 + 5 + 2 * 3)
    #expect(PadeLinear(5, try PadeNeuron(degrees: (3, 2))).parameterCount(for: [1, 7]) == 5 * 7 * 5 + 5)
  }

  @Test func wholeShiftsMoveTheImage() {
    let x = Tensor.iota([1, 2, 3, 4], axis: 3) + Tensor.iota([1, 2, 3, 4], axis: 2) * 10
    let moved = x.shifted(dx: Tensor([Float(1), 0]), dy: Tensor([Float(0), -1]))
    #expect(moved[0, 0, 0].floats == [1, 2, 3, 0])
    #expect(moved[0, 1].floats == [0, 0, 0, 0, 0, 1, 2, 3, 10, 11, 12, 13])
    let edge = x.shifted(dx: Tensor([Float(2), 0]), dy: Tensor([Float(0), 0]), border: .border)
    #expect(edge[0, 0, 0].floats == [2, 3, 3, 3])
    let mirrored = x.shifted(dx: Tensor([Float(2), 0]), dy: Tensor([Float(0), 0]), border: .reflect)
    #expect(mirrored[0, 0, 0].floats == [2, 3, 2, 1])
    let half = x.shifted(dx: Tensor([Float(0.5), 0]), dy: Tensor([Float(0), 0]), border: .border)
    #expect(half[0, 0, 0].floats == [0.5, 1.5, 2.5, 3])
  }

  @Test func derivativesAgreeWithDifferences() throws {
    for (variant, degrees) in [
      (PadeNeuron.Variant.smooth, (2, 2)), (.absolute, (1, 2)), (.plain, (3, 0)), (.smooth, (0, 1)),
    ] {
      let neuron = try PadeNeuron(
        degrees: degrees, variant: variant, shift: ShiftSpecification(.trained(range: 2), border: .reflect))
      let layer = PadeConv2d(2, [3, 3], neuron: neuron)
      let x = Tensor.uniform([1, 2, 5, 5], low: -1, high: 1, key: Key(0), dtype: .float64)
      var start = layer.initialized(for: TensorType(shape: x.shape, dtype: .float64), key: Key(1)).parameters
      start = start.map { name, t in
        name == "shift/shift"
          ? Tensor([0.3, -0.6, 1.2, 0.45], shape: [2, 2])
          : .normal(t.shape, deviation: 0.2, key: Key(2).folding(name), dtype: .float64)
      }
      let weights = Tensor.normal([1, 2, 5, 5], key: Key(3), dtype: .float64)
      func value(_ p: Parameters) -> Tensor { (layer.apply(Variables(parameters: p), x) * weights).sum() }
      let gradient = grad(value)(start)
      for name in start.names {
        let values = start[name]!.doubles
        for i in values.indices.prefix(5) {
          func shifted(_ by: Double) -> Double {
            var moved = values
            moved[i] += by
            var p = start
            p[name] = Tensor(moved, shape: start[name]!.shape)
            return value(p).scalar
          }
          let difference = (shifted(1e-6) - shifted(-1e-6)) / 2e-6
          #expect(abs(difference - gradient[name]!.doubles[i]) < 2e-6 * max(1, abs(difference)), "\(variant) \(name)")
        }
      }
    }
  }

  @Test func quotientsStayFinite() throws {
    let x = Tensor.uniform([10_000, 1], low: -3, high: 3, key: Key(0))
    let parameters = Parameters(
      ["w0", "a1", "b1"].map { name in
        (name, Tensor.uniform(name == "w0" ? [1] : [1, 1], low: -3, high: 3, key: Key(1).folding(name)))
      })
    for variant in [PadeNeuron.Variant.smooth, .absolute] {
      let neuron = try PadeNeuron(variant: variant)
      for shift in 0..<20 {
        let moved = parameters.map { name, t in t + Tensor(Float(shift) / 7 - 1.4) }
        let y = PadeLinear(1, neuron).apply(Variables(parameters: moved), x)
        #expect(y.isFinite().all().item(as: Bool.self))
        let bound = 3 * (moved["a1"]!.abs().scalar + 1) * 3 * (moved["b1"]!.abs().scalar * 3 + 2) + 20
        #expect(y.abs().max().scalar <= bound)
      }
    }
    #expect(try PadeNeuron(degrees: (2, 1)).warnings(largest: 40).count == 1)
    #expect(try PadeNeuron(degrees: (2, 1), variant: .plain).warnings(largest: 2).count == 1)
  }

  @Test func enlargement() throws {
    let ramp = (Tensor.iota([1, 1, 4, 4], axis: 3) + Tensor.iota([1, 1, 4, 4], axis: 2)).cast(to: .float64)
    let double = ramp.resizedBicubic([8, 8])
    // Keys's kernel reproduces linear functions away from the edges.
    for i in 3..<5 { for j in 3..<5 { #expect(abs(double[0, 0, i, j].scalar - (Double(i + j) + 1) / 2 + 1) < 1e-12) } }
    let channels = Tensor.iota([1, 4, 1, 2], axis: 1) * 10 + Tensor.iota([1, 4, 1, 2], axis: 3)
    #expect(channels.pixelShuffled(2).floats == [0, 10, 1, 11, 20, 30, 21, 31])
    let image = Tensor.iota([1, 1, 6, 6], axis: 3) + Tensor.iota([1, 1, 6, 6], axis: 2) * 6
    let patches = image.randomPatches(3, count: 20, key: Key(0))
    #expect(patches.shape == [20, 1, 3, 3])
    for i in 0..<20 {
      let values = patches[i, 0].floats
      #expect(values == [0, 1, 2, 6, 7, 8, 12, 13, 14].map { values[0] + $0 })
    }
    let net = PadeNet(width: 4, body: .pade(try PadeNeuron()))
    #expect(net.outputShape(for: [2, 1, 6, 5]) == [2, 1, 12, 10])
    #expect(PadeNet(width: 4, body: .activation(.relu)).parameterCount(for: [1, 1, 6, 6]) == 40 + 4 * 148 + 148)
  }
}
