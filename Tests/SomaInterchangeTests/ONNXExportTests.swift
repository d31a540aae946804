import Foundation
import Soma
import SomaData
import SomaNetworks
import Testing

@testable import SomaInterchange

/// Exported models, read again by the importer, which the standard's node tests check; `scripts/check-onnx-export.py` runs the
/// same models with onnxruntime.
@Suite struct ONNXExportTests {
  private static func isSame(_ found: Tensor, _ expected: Tensor, relative: Double, absolute: Double) -> Bool {
    zip(found.doubles, expected.doubles).allSatisfy { (a: Double, b: Double) -> Bool in
      if a == b || (a.isNaN && b.isNaN) { return true }
      return abs(a - b) <= absolute + relative * abs(b)
    }
  }

  private static func expectRoundTrip(_ sample: ONNXSample) throws {
    let made = try sample.make()
    let model = try ONNXModel.decode(made.model, file: "\(sample.name).onnx")
    let answer = try model.run(["input": made.input])
    #expect(answer.map(\.name) == ["output"])
    let output = try #require(answer.first?.value)
    #expect(output.shape == made.output.shape && output.dtype == made.output.dtype, "\(sample.name)")
    #expect(isSame(output, made.output, relative: 1e-3, absolute: 1e-4), "\(sample.name)")
  }

  @Test func networksAndLayersComeBack() throws {
    let samples = try ONNXSample.all().filter { !$0.name.hasPrefix("activation-") }
    #expect(samples.count > 60)
    for sample in samples { try Self.expectRoundTrip(sample) }
  }

  @Test func activationsComeBack() throws {
    let samples = try ONNXSample.all().filter { $0.name.hasPrefix("activation-") }
    var refused: [String] = []
    for sample in samples {
      do {
        try Self.expectRoundTrip(sample)
      } catch let error as ONNXError where error.kind == .unsupported {
        refused.append(sample.name)
        #expect(!error.description.contains("\n"))
      }
    }
    #expect(samples.count > 450 && refused.isEmpty, "\(refused)")
  }

  // MARK: Primitives, against themselves

  private static func expectSame(
    _ name: String, _ inputs: [Tensor], tolerance: Double = 1e-5, _ function: ([Tensor]) -> [Tensor]
  ) throws {
    let graph = Graph(tracing: inputs.map { TensorType(shape: $0.shape, dtype: $0.dtype) }, function)
    let names = inputs.indices.map { "x\($0)" }
    let model = try ONNXModel.decode(try ONNXExport.encode(graph, inputNames: names), file: "\(name).onnx")
    let answer = try model.run(Dictionary(uniqueKeysWithValues: zip(names, inputs)))
    for (found, expected) in zip(answer, function(inputs)) {
      #expect(found.value.shape == expected.shape && found.value.dtype == expected.dtype, "\(name)")
      #expect(isSame(found.value, expected, relative: tolerance, absolute: tolerance), "\(name)")
    }
  }

  @Test func primitivesComeBack() throws {
    let x = Tensor.normal([3, 4, 5], key: Key(1))
    let y = Tensor.normal([3, 4, 5], key: Key(2)) + 0.25
    let whole = Tensor([7, -7, 5, -5, 0, 3, -1, 2] as [Int32])
    let divisor = Tensor([2, 2, -3, -3, 4, 0, 0, -5] as [Int32])
    try Self.expectSame("remainder", [x, y]) { [$0[0] % $0[1]] }
    try Self.expectSame("whole division", [whole, divisor]) { [$0[0] / $0[1], $0[0] % $0[1]] }
    try Self.expectSame("atan2", [x, y]) { [$0[0].atan2($0[1]), ($0[0] * 0).atan2($0[1])] }
    let special = Tensor([0, -0.0, 1, -1, .infinity, -.infinity].map { Float($0) })
    try Self.expectSame("special angles", [special]) { [$0[0].expandDimensions(at: 1).atan2($0[0])] }
    let gammas = Tensor([-2.5, -1.5, -0.75, -1e-3, 1e-6, 0.25, 0.5, 1, 1.5, 2, 3, 10, 100, 1e6, -1, 0, .infinity])
    try Self.expectSame("lgamma", [gammas.cast(to: .float64)], tolerance: 1e-11) { [$0[0].lgamma()] }
    try Self.expectSame("lgamma", [gammas.cast(to: .float32)], tolerance: 1e-5) { [$0[0].lgamma()] }
    let small = Tensor([0, 1e-9, -1e-9, 1e-4, -0.5, 0.5, 3, -3].map { Float($0) })
    try Self.expectSame("expm1", [small], tolerance: 1e-6) { [$0[0].expm1()] }
    try Self.expectSame("log1p", [small + 0], tolerance: 1e-6) { [$0[0].abs().log1p()] }
    try Self.expectSame("cumulative", [x]) { [$0[0].cumulativeSum(1), $0[0].cumulativeSum(2, reverse: true)] }
    try Self.expectSame("sorting", [x]) { [$0[0].argSort(1), $0[0].argSort(2, descending: true)] }
    try Self.expectSame("reductions", [x]) {
      [$0[0].sum([0, 2]), $0[0].max([1]), $0[0].min([1, 2]), $0[0].product([2]), $0[0].argMax(1), $0[0].argMin(2)]
    }
    try Self.expectSame("bool reductions", [x]) { [($0[0] .> 0.0).all([1]), ($0[0] .> 1.0).any([2])] }
    try Self.expectSame("gathers", [x, Tensor([2, 0, 3] as [Int32])]) { [$0[0].take($0[1], axis: 1)] }
    try Self.expectSame("scalar", [Tensor(2.5)]) { [$0[0] * 2, $0[0]] }
    try Self.expectSame("complex", [x]) {
      [$0[0].reversed([0, 2]), $0[0].rolled(2, axis: 1), $0[0].transposed(2, 0, 1)]
    }
  }

  /// Gradients are graphs like others.
  @Test func gradientsComeBack() throws {
    let x = Tensor.normal([2, 3, 8, 8], key: Key(3))
    let w = Tensor.normal([4, 3, 3, 3], key: Key(4))
    try Self.expectSame("convolution's gradients", [x, w], tolerance: 1e-4) { inputs in
      let slopes = valueAndGrad(inputs) { a in
        a[0].convolution(a[1], strides: [2, 2], padding: .same).tanh().squared().sum()
      }
      return [slopes.value] + slopes.gradient
    }
    let pairs = Tensor.normal([4, 6], key: Key(5))
    try Self.expectSame("pool's gradient", [pairs.reshape([1, 1, 4, 6])], tolerance: 1e-4) { inputs in
      [grad { (a: Tensor) in a.maxPool([2, 2], strides: [2, 2], padding: .valid).squared().sum() }(inputs[0])]
    }
    let kan = KAN([3, 4, 2])
    let variables = kan.initialized(for: [5, 3], key: Key(6))
    try Self.expectSame("splines' gradient", [Tensor.uniform([5, 3], low: -1, key: Key(7))], tolerance: 1e-4) {
      inputs in
      [grad { (a: Tensor) in kan.apply(variables, a).squared().sum() }(inputs[0])]
    }
  }

  @Test func whatHasNoMeaningIsRefusedByName() throws {
    let square = TensorType(shape: [3, 3], dtype: .float32)
    let refusals: [(String, ([Tensor]) -> [Tensor])] = [
      ("cholesky", { [$0[0].cholesky()] }), ("qr", { [$0[0].qr().q] }),
      ("random", { [$0[0] + .normal([3, 3], key: Key(1))] }),
    ]
    for (name, function) in refusals.prefix(2) {
      let graph = Graph(tracing: [square], function)
      let error = #expect(throws: ONNXError.self) { try ONNXExport.encode(graph) }
      #expect(error.map { $0.kind == .unsupported && "\($0)".lowercased().contains(name) } ?? false)
    }
    let graph = Graph(tracing: [square]) { [$0[0] * 2] }
    #expect(throws: ONNXError.self) { try ONNXExport.encode(graph, inputNames: ["a", "b"]) }
    #expect(throws: ONNXError.self) { try ONNXExport.encode(graph, inputNames: ["a"], outputNames: ["a"]) }
    #expect(throws: ONNXError.self) { try ONNXExport.encode(graph, inputNames: [""]) }
  }
}
