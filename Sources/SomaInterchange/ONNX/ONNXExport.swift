import Foundation
import Soma
import SomaData
import SwiftProtobuf

/// Writes graphs as models of the ONNX standard, operator set 20. Every primitive with a meaning there becomes one operator
/// or a few; others are refused by name.
public enum ONNXExport {
  static let version: Int64 = 20

  /// - Parameters:
  ///   - inputNames, outputNames: as many as the graph has; `input0`, `output0` and so on if nil.
  /// - Throws: `ONNXError` if a primitive has no meaning in the standard, or names are missing or doubled.
  public static func encode(
    _ graph: Graph, inputNames: [String]? = nil, outputNames: [String]? = nil
  ) throws -> [UInt8] {
    let inputs = inputNames ?? graph.inputs.indices.map { "input\($0)" }
    let outputs = outputNames ?? graph.outputs.indices.map { "output\($0)" }
    try check(
      inputs.count == graph.inputs.count && outputs.count == graph.outputs.count,
      "\(inputs.count) and \(outputs.count) names for \(graph.inputs.count) inputs and \(graph.outputs.count) outputs")
    try check(
      Set(inputs + outputs).count == inputs.count + outputs.count && !(inputs + outputs).contains(""),
      "names of inputs and outputs are empty or doubled")
    var writer = ONNXWriter()
    var names = [ValueID: String]()
    for (id, name) in zip(graph.inputs, inputs) { names[id] = name }
    try writer.append(graph, &names)
    for (id, name) in zip(graph.outputs, outputs) {
      guard let value = names[id] else { throw ONNXError(.invalid, "an output that nothing computes") }
      // One value may be several outputs, or an input.
      writer.add("Identity", [value], as: name)
    }
    var proto = Onnx_GraphProto()
    proto.name = "soma"
    proto.node = writer.nodes
    proto.initializer = writer.initializers
    proto.input = zip(inputs, graph.inputTypes).map { port($0, $1) }
    proto.output = zip(outputs, graph.outputTypes).map { port($0, $1) }
    var model = Onnx_ModelProto()
    model.irVersion = 9
    model.producerName = "soma"
    var set = Onnx_OperatorSetIdProto()
    set.domain = ""
    set.version = version
    model.opsetImport = [set]
    model.graph = proto
    let bytes: [UInt8] = try model.serializedBytes()
    guard bytes.count < 1 << 31 else {
      throw ONNXError(.unsupported, "a model of \(formattedBytes(bytes.count)); files of the standard hold 2 GiB")
    }
    return bytes
  }

  /// Writes atomically.
  public static func write(
    _ graph: Graph, inputNames: [String]? = nil, outputNames: [String]? = nil, to path: String
  ) throws {
    try writeFile(try encode(graph, inputNames: inputNames, outputNames: outputNames), to: path)
  }

  static func port(_ name: String, _ type: TensorType?) -> Onnx_ValueInfoProto {
    var info = Onnx_ValueInfoProto()
    info.name = name
    guard let type else { return info }
    var tensor = Onnx_TypeProto.Tensor()
    tensor.elemType = Int32(ElementFormat(type.dtype).rawValue)
    tensor.shape.dim = type.shape.map { length in
      var dimension = Onnx_TensorShapeProto.Dimension()
      dimension.dimValue = Int64(length)
      return dimension
    }
    info.type.tensorType = tensor
    return info
  }
}

/// Collects nodes and constants, with a new name for each value.
struct ONNXWriter {
  private(set) var nodes: [Onnx_NodeProto] = []
  private(set) var initializers: [Onnx_TensorProto] = []
  private var counter = 0
  /// What the names of a body's values begin with: they must differ from those outside.
  private let prefix: String

  init(prefix: String = "v") { self.prefix = prefix }

  private mutating func newName() -> String {
    counter += 1
    return "\(prefix)\(counter)"
  }

  mutating func constant(_ value: Tensor) -> String {
    let name = newName()
    initializers.append(ONNXValue(value).proto(name: name))
    return name
  }

  /// A list of whole numbers, as shapes and axes are given.
  mutating func list(_ numbers: [Int]) -> String { constant(Tensor(numbers)) }

  enum Setting {
    case int(Int)
    case ints([Int])
    case float(Double)
    case text(String)
    case graph(Onnx_GraphProto)
  }

  @discardableResult
  mutating func add(
    _ name: String, _ inputs: [String], _ settings: [String: Setting] = [:], as output: String? = nil
  ) -> String {
    add(name, inputs, settings, outputs: [output ?? newName()])[0]
  }

  mutating func add(
    _ name: String, _ inputs: [String], _ settings: [String: Setting] = [:], count: Int
  ) -> [String] {
    add(name, inputs, settings, outputs: (0..<count).map { _ in newName() })
  }

  private mutating func add(
    _ name: String, _ inputs: [String], _ settings: [String: Setting], outputs: [String]
  ) -> [String] {
    var node = Onnx_NodeProto()
    node.opType = name
    node.input = inputs
    node.output = outputs
    node.attribute = settings.sorted { $0.key < $1.key }.map { key, value in
      var attribute = Onnx_AttributeProto()
      attribute.name = key
      switch value {
      case .int(let number): (attribute.type, attribute.i) = (.int, Int64(number))
      case .ints(let numbers): (attribute.type, attribute.ints) = (.ints, numbers.map { Int64($0) })
      case .float(let number): (attribute.type, attribute.f) = (.float, Float(number))
      case .text(let text): (attribute.type, attribute.s) = (.string, Data(text.utf8))
      case .graph(let graph): (attribute.type, attribute.g) = (.graph, graph)
      }
      return attribute
    }
    nodes.append(node)
    return outputs
  }

  /// Appends a graph's nodes; `names` has those of its inputs and gets those of all values.
  mutating func append(_ graph: Graph, _ names: inout [ValueID: String]) throws {
    for node in graph.nodes {
      let operands = try node.inputs.map { id in
        guard let name = names[id] else { throw ONNXError(.invalid, "a value that is used before it is computed") }
        return name
      }
      let types = node.inputs.map { graph.types[$0] }
      let results = node.outputs.map { graph.types[$0] }
      do {
        let outputs = try write(node.primitive, operands, types, results)
        for (id, name) in zip(node.outputs, outputs) { names[id] = name }
      } catch var error as ONNXError {
        if error.node.isEmpty, !node.scope.isEmpty { error.node = node.scope }
        throw error
      }
    }
  }

  /// A graph in place of one primitive.
  mutating func inline(_ graph: Graph, _ operands: [String]) throws -> [String] {
    var names = Dictionary(uniqueKeysWithValues: zip(graph.inputs, operands))
    try append(graph, &names)
    return graph.outputs.compactMap { names[$0] }
  }

  /// A loop: the standard's Scan, or Loop where there is no sequence to go along.
  mutating func loop(_ scan: Scan, _ operands: [String]) throws -> [String] {
    counter += 1
    var inner = ONNXWriter(prefix: "\(prefix)\(counter)_")
    let body = scan.body
    let (carries, sequences) = (scan.carries, scan.sequences)
    var names = [ValueID: String]()
    var ports = [Onnx_ValueInfoProto]()
    let isLoop = sequences == 0
    if isLoop {
      ports.append(ONNXExport.port("\(inner.prefix)i", TensorType(shape: [], dtype: .int64)))
      ports.append(ONNXExport.port("\(inner.prefix)goes", TensorType(shape: [], dtype: .bool)))
    }
    for (i, id) in body.inputs.enumerated() {
      if i < carries + sequences {
        names[id] = "\(inner.prefix)in\(i)"
        ports.append(ONNXExport.port("\(inner.prefix)in\(i)", body.types[id]))
      } else {
        // Constants of the loop are values outside of it.
        names[id] = operands[i]
      }
    }
    try inner.append(body, &names)
    var results = [Onnx_ValueInfoProto]()
    if isLoop {
      let goes = "\(inner.prefix)on"
      inner.add("Identity", ["\(inner.prefix)goes"], as: goes)
      results.append(ONNXExport.port(goes, TensorType(shape: [], dtype: .bool)))
    }
    for (i, id) in body.outputs.enumerated() {
      let name = "\(inner.prefix)out\(i)"
      guard let value = names[id] else { throw ONNXError(.invalid, "a loop's result that nothing computes") }
      inner.add("Identity", [value], as: name)
      results.append(ONNXExport.port(name, body.types[id]))
    }
    var graph = Onnx_GraphProto()
    graph.name = "body"
    graph.node = inner.nodes
    graph.initializer = inner.initializers
    graph.input = ports
    graph.output = results
    let stacked = body.outputs.count - carries
    if isLoop {
      let count = constant(Tensor(scan.length, dtype: .int64))
      let outputs = add(
        "Loop", [count, constant(Tensor(true, dtype: .bool))] + operands.prefix(carries), ["body": .graph(graph)],
        count: body.outputs.count)
      guard scan.reverse, stacked > 0 else { return outputs }
      return outputs.prefix(carries) + outputs.dropFirst(carries).map { reversed($0, [0]) }
    }
    let direction = scan.reverse ? 1 : 0
    return add(
      "Scan", Array(operands.prefix(carries + sequences)),
      [
        "body": .graph(graph), "num_scan_inputs": .int(sequences),
        "scan_input_directions": .ints([Int](repeating: direction, count: sequences)),
        "scan_output_directions": .ints([Int](repeating: direction, count: stacked)),
      ], count: body.outputs.count)
  }

  mutating func reversed(_ x: String, _ axes: [Int]) -> String {
    guard !axes.isEmpty else { return x }
    return add(
      "Slice",
      [x, list(axes.map { _ in -1 }), list(axes.map { _ in Int.min + 1 }), list(axes), list(axes.map { _ in -1 })])
  }

  mutating func reshaped(_ x: String, _ shape: [Int]) -> String {
    add("Reshape", [x, list(shape)], ["allowzero": .int(shape.contains(0) ? 1 : 0)])
  }

  mutating func cast(_ x: String, _ dtype: DType) -> String {
    add("Cast", [x], ["to": .int(ElementFormat(dtype).rawValue)])
  }
}
