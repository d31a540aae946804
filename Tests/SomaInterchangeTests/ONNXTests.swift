import Foundation
import Soma
import SomaData
import Testing

@testable import SomaInterchange

/// The standard's node tests, one for each operator; `soma onnx conformance` runs all.
@Suite struct ONNXTests {
  private static func unpacked() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    for entry in try Zip.read(try Resource.bytes("onnx-node-tests.zip"), file: "onnx-node-tests.zip", limit: 1 << 26) {
      let target = folder.appendingPathComponent(entry.name)
      try FileManager.default.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(entry.bytes).write(to: target)
    }
    return folder
  }

  @Test func nodeTestsPass() throws {
    let folder = try Self.unpacked()
    defer { try? FileManager.default.removeItem(at: folder) }
    var passed = 0
    var inScope = 0
    for name in try ONNXConformance.tests(in: folder.path) {
      let outcome = ONNXConformance.run(name, in: folder.path)
      if outcome.isInScope { inScope += 1 }
      switch outcome.verdict {
      case .passed: passed += 1
      case .failed(let reason): Issue.record("\(name): \(reason)")
      case .notSupported: continue
      }
    }
    #expect(inScope > 100 && Double(passed) > 0.95 * Double(inScope), "\(passed) of \(inScope)")
  }

  /// `y = gelu(x W)`, its weights constants of the graph or inputs that can be trained.
  @Test func weightsBecomeConstantsOrInputs() throws {
    var tensor = Onnx_TensorProto()
    tensor.name = "w"
    tensor.dataType = 1
    tensor.dims = [2, 3]
    tensor.floatData = [1, 2, 3, -1, 0, 1]
    func port(_ name: String, _ lengths: [Int64]) -> Onnx_ValueInfoProto {
      var port = Onnx_ValueInfoProto()
      port.name = name
      port.type.tensorType.elemType = 1
      port.type.tensorType.shape.dim = lengths.map { length in
        var axis = Onnx_TensorShapeProto.Dimension()
        axis.dimValue = length
        return axis
      }
      return port
    }
    func node(_ operation: String, _ inputs: [String], _ output: String) -> Onnx_NodeProto {
      var node = Onnx_NodeProto()
      (node.opType, node.input, node.output) = (operation, inputs, [output])
      return node
    }
    var proto = Onnx_ModelProto()
    proto.irVersion = 10
    var version = Onnx_OperatorSetIdProto()
    version.version = 20
    proto.opsetImport = [version]
    proto.graph.name = "layer"
    proto.graph.initializer = [tensor]
    proto.graph.input = [port("x", [1, 2])]
    proto.graph.output = [port("y", [1, 3])]
    proto.graph.node = [node("MatMul", ["x", "w"], "h"), node("Gelu", ["h"], "y")]
    let model = try ONNXModel.decode([UInt8](proto.serializedBytes() as [UInt8]), file: "x")
    let x = Tensor([2.0, 1.0] as [Float], shape: [1, 2])
    let expected = [0.8413447 * 1, 3.9998733, 6.9999999].map { Float($0) }
    let fixed = try model.run(["x": x])[0].value
    #expect(zip(fixed.floats, expected).allSatisfy { abs($0 - $1) < 1e-5 })
    let open = try model.network(weights: .inputs)
    #expect(open.inputNames == ["x", "w"] && open.graph.inputTypes.count == 2)
    let weights = Tensor([0, 0, 0, 0, 0, 5] as [Float], shape: [2, 3])
    #expect(open.graph([x, weights])[0].floats[0] == 0 && open.graph([x, weights])[0].floats[2] > 4.99)
  }

  /// A model with other numbers or without some bytes is refused, or computes something; nothing traps.
  @Test func damagedModels() throws {
    let folder = try Self.unpacked()
    defer { try? FileManager.default.removeItem(at: folder) }
    var errors: [String] = []
    var count = 0
    for name in try ONNXConformance.tests(in: folder.path) where count < 60 {
      let bytes = try readFile(folder.appendingPathComponent("\(name)/model.onnx").path)
      guard bytes.count < 400 else { continue }
      count += 1
      for copy in Resource.damaged(bytes).enumerated().filter({ $0.offset % 9 == 0 }).map(\.element) {
        do {
          let model = try ONNXModel.decode(copy, file: "x")
          _ = try model.network()
        } catch {
          errors.append("\(error)")
        }
      }
    }
    #expect(count == 60 && errors.count > 500)
    for error in errors { #expect(!error.contains("\n"), "\(error)") }
  }
}
