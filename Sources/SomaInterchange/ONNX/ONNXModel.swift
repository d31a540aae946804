import Foundation
import Soma
import SomaData
import SwiftProtobuf

/// A model of the ONNX standard (https://onnx.ai), operator sets 7 and newer.
///
/// ```swift
/// let model = try ONNXModel.read("resnet.onnx")
/// let network = try model.network(dimensions: ["batch": 8])   // a Graph with its names
/// let answers = try model.run(["image": image])
/// ```
public struct ONNXModel: Sendable {
  /// What a model says of an input or output.
  public struct Port: Sendable {
    public enum Length: Sendable, Equatable, CustomStringConvertible {
      case fixed(Int)
      /// An axis whose length is given at load, by its name.
      case named(String)
      case unknown

      public var description: String {
        switch self {
        case .fixed(let length): String(length)
        case .named(let name): oneLine(name)
        case .unknown: "?"
        }
      }
    }

    public let name: String
    /// The element type by the standard's name, as `float` or `int64`; empty if the model does not say.
    public let elementName: String
    /// Nil if the model says nothing of the shape.
    public let lengths: [Length]?
    let element: ElementFormat?

    public var description: String {
      let shape = lengths.map { "[" + $0.map(\.description).joined(separator: ", ") + "]" } ?? "[…]"
      return "\(oneLine(name)): \(elementName)\(shape)"
    }
  }

  let proto: Onnx_ModelProto
  let file: String
  let directory: String?
  let functions: [String: Onnx_FunctionProto]
  let versions: [String: Int]
  /// Inputs that are given at a run, in order.
  public let inputs: [Port]
  public let outputs: [Port]

  /// - Throws: `DataError` if the file is unreadable or no model; `ONNXError` if the model contradicts the standard.
  public static func read(_ path: String) throws -> ONNXModel {
    try decode(
      try readFile(path), file: path, directory: URL(fileURLWithPath: path).deletingLastPathComponent().path)
  }

  /// - Parameter directory: the folder in which external data lies.
  public static func decode(_ bytes: [UInt8], file: String, directory: String? = nil) throws -> ONNXModel {
    let proto: Onnx_ModelProto
    do {
      proto = try Onnx_ModelProto(serializedBytes: bytes, partial: true)
    } catch {
      throw DataError(file, "is not an ONNX model: its bytes are no protocol-buffer message of that kind")
    }
    return try ONNXModel(proto, file: file, directory: directory)
  }

  init(_ proto: Onnx_ModelProto, file: String, directory: String?) throws {
    guard proto.hasGraph else { throw DataError(file, "is not an ONNX model: it has no graph") }
    self.proto = proto
    self.file = file
    self.directory = directory
    versions = ONNXModel.versions(proto.opsetImport)
    if let version = versions[""], version < 7 {
      throw ONNXError(.unsupported, "version \(version) of the standard's operators; 7 and newer are read")
    }
    var functions = [String: Onnx_FunctionProto]()
    for function in proto.functions {
      let domain = function.domain == "ai.onnx" ? "" : function.domain
      functions[domain + ":" + function.name] = function
    }
    self.functions = functions
    let constants = Set(proto.graph.initializer.map(\.name) + proto.graph.sparseInitializer.map(\.values.name))
    inputs = try proto.graph.input.filter { !constants.contains($0.name) }.map { try Port($0, file: file) }
    outputs = try proto.graph.output.map { try Port($0, file: file) }
    guard Set(inputs.map(\.name)).count == inputs.count else { throw DataError(file, "two inputs have one name") }
  }

  static func versions(_ imports: [Onnx_OperatorSetIdProto]) -> [String: Int] {
    var versions = [String: Int]()
    for set in imports { versions[set.domain == "ai.onnx" ? "" : set.domain] = Int(set.version) }
    return versions
  }

  /// The version of the standard's operators, if the model imports them.
  public var operatorSet: Int? { versions[""] }
  public var producer: String {
    oneLine(proto.producerName + (proto.producerVersion.isEmpty ? "" : " " + proto.producerVersion))
  }

  /// How often each operator occurs, in subgraphs too.
  public var operatorCounts: [String: Int] {
    var counts = [String: Int]()
    func visit(_ graph: Onnx_GraphProto) {
      for node in graph.node {
        let domain = node.domain == "ai.onnx" ? "" : node.domain
        counts[oneLine(domain.isEmpty ? node.opType : "\(domain):\(node.opType)"), default: 0] += 1
        for attribute in node.attribute where attribute.type == .graph { visit(attribute.g) }
      }
    }
    visit(proto.graph)
    return counts
  }

  /// Numbers that the model keeps, and the bytes they take.
  public var parameters: (count: Int, bytes: Int) {
    proto.graph.initializer.reduce(into: (0, 0)) { sum, tensor in
      guard let shape = try? checkedShape(tensor.dims), let element = ElementFormat(rawValue: Int(tensor.dataType))
      else {
        return
      }
      sum.0 += shape.elementCount
      sum.1 += (shape.elementCount * element.bits + 7) / 8
    }
  }
}

extension ONNXModel.Port {
  init(_ info: Onnx_ValueInfoProto, file: String) throws {
    name = info.name
    guard info.hasType, info.type.value != nil else {
      (elementName, lengths, element) = ("", nil, nil)
      return
    }
    guard case .tensorType(let type) = info.type.value else {
      (elementName, lengths, element) = ("no tensor", nil, nil)
      return
    }
    elementName = SomaInterchange.elementName(Int(type.elemType))
    element = ElementFormat(rawValue: Int(type.elemType))
    guard type.hasShape else {
      lengths = nil
      return
    }
    lengths = try type.shape.dim.map { dimension in
      switch dimension.value {
      case .dimValue(let length):
        guard length >= 0 else { throw DataError(file, "input \(quoted(info.name)) has an axis of length \(length)") }
        return .fixed(Int(length))
      case .dimParam(let name): return name.isEmpty ? .unknown : .named(name)
      case nil: return .unknown
      }
    }
  }
}
