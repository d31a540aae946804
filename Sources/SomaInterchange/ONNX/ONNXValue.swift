import Foundation
import Soma
import SomaData

/// A tensor with the element type that the standard gives it.
struct ONNXValue {
  var tensor: Tensor
  var element: ElementFormat
  /// The model's inputs that it depends on.
  var origins: Set<String> = []

  init(_ tensor: Tensor, _ element: ElementFormat) {
    self.tensor = tensor
    self.element = element
  }

  /// A tensor of Soma under the type that it is written as.
  init(_ tensor: Tensor) { self.init(tensor, ElementFormat(tensor.dtype)) }

  var shape: Shape { tensor.shape }
  var isConcrete: Bool { tensor.isConcrete }
}

/// Turns a number that does not fit into an error of the standard's models.
private func refusing(_ body: () throws -> Tensor) throws -> Tensor {
  do {
    return try body()
  } catch let error as UnfitNumber {
    throw ONNXError(.unsupported, error.description)
  }
}

/// The largest tensor that a model may ask for, in elements.
let elementLimit = 1 << 31

/// The lengths of axes as a file says them.
/// - Throws: `ONNXError` if one is negative or all together are more than memory could hold.
func checkedShape(_ dimensions: [Int64], limit: Int = elementLimit) throws -> Shape {
  let lengths = dimensions.map { Int($0) }
  try check(lengths.allSatisfy { $0 >= 0 }, "a shape of \(lengths) has negative lengths")
  return try checkedShape(lengths, limit: limit)
}

func checkedShape(_ lengths: [Int], limit: Int = elementLimit) throws -> Shape {
  try check(lengths.count <= 64, "a tensor with \(lengths.count) axes")
  try check(lengths.allSatisfy { $0 >= 0 }, "a shape of \(lengths) has negative lengths")
  guard let product = checkedProduct(lengths.map { Swift.max($0, 1) }), product <= limit else {
    throw ONNXError(.invalid, "a tensor of shape \(lengths) is too large")
  }
  return Shape(lengths)
}

extension ONNXValue {
  /// - Parameters:
  ///   - directory: where external data lies; nil if there is none to look in.
  init(_ proto: Onnx_TensorProto, directory: String?) throws {
    let name = quoted(proto.name)
    guard let element = ElementFormat(rawValue: Int(proto.dataType)) else {
      throw ONNXError(.unsupported, "tensor \(name) has elements of type \(elementName(Int(proto.dataType)))")
    }
    let shape = try checkedShape(proto.dims)
    let count = shape.elementCount
    guard !proto.hasSegment else { throw ONNXError(.unsupported, "tensor \(name) is stored in segments") }
    let raw: [UInt8]?
    if proto.dataLocation == .external {
      raw = try externalBytes(proto, directory: directory)
    } else {
      raw = proto.hasRawData ? [UInt8](proto.rawData) : nil
    }
    let tensor: Tensor
    if let raw {
      let wanted = (count * element.bits + 7) / 8
      try check(raw.count == wanted, "tensor \(name) of shape \(shape) wants \(wanted) bytes and has \(raw.count)")
      tensor = try refusing { try element.decode(raw, shape) }
    } else {
      tensor = try ONNXValue.typed(proto, element, shape, name)
    }
    self.init(tensor, element)
  }

  /// Elements in the fields that a message has for each kind of number.
  private static func typed(
    _ proto: Onnx_TensorProto, _ element: ElementFormat, _ shape: Shape, _ name: String
  ) throws -> Tensor {
    let count = shape.elementCount
    func expect(_ found: Int, _ wanted: Int) throws {
      try check(found == wanted, "tensor \(name) of shape \(shape) wants \(wanted) numbers and has \(found)")
    }
    switch element {
    case .float32:
      try expect(proto.floatData.count, count)
      return Tensor(proto.floatData, shape: shape)
    case .float64:
      try expect(proto.doubleData.count, count)
      return Tensor(proto.doubleData, shape: shape)
    case .int64:
      try expect(proto.int64Data.count, count)
      return Tensor(proto.int64Data, shape: shape)
    case .uint32, .uint64:
      try expect(proto.uint64Data.count, count)
      guard proto.uint64Data.allSatisfy({ $0 <= UInt64(Int64.max) }) else {
        throw ONNXError(.unsupported, "uint64 numbers from 2^63 on")
      }
      return element.normalized(Tensor(proto.uint64Data.map { Int64($0) }, shape: shape))
    case .int32, .int16, .int8, .uint16, .uint8, .bool, .float16, .bfloat16, .uint4, .int4, .uint2, .int2, .float4E2M1,
      .float8E4M3, .float8E4M3Z, .float8E5M2, .float8E5M2Z, .float8E8M0:
      let width = Swift.max(element.bits / 8, 1)
      try expect(proto.int32Data.count, element.bits < 8 ? (count * element.bits + 7) / 8 : count)
      let bytes = proto.int32Data.flatMap { word in
        (0..<width).map { UInt8(truncatingIfNeeded: word >> Int32(8 * $0)) }
      }
      return try refusing { try element.decode(bytes, shape) }
    }
  }

  /// The message for a concrete tensor.
  func proto(name: String) -> Onnx_TensorProto {
    var proto = Onnx_TensorProto()
    proto.name = name
    proto.dims = shape.map { Int64($0) }
    proto.dataType = Int32(element.rawValue)
    switch element {
    case .float16: proto.rawData = Data(tensor.floats.flatMap { littleEndianBytes($0.halfBits) })
    case .uint16, .int16:
      proto.rawData = Data(tensor.ints.flatMap { littleEndianBytes(UInt16(truncatingIfNeeded: $0)) })
    case .uint32: proto.rawData = Data(tensor.ints.flatMap { littleEndianBytes(UInt32(truncatingIfNeeded: $0)) })
    default: proto.rawData = Data(tensor.bytes)
    }
    return proto
  }
}

/// The name of an element type that no tensor of numbers has here.
func elementName(_ code: Int) -> String {
  switch code {
  case 0: "undefined"
  case 8: "string"
  case 14: "complex64"
  case 15: "complex128"
  case 27: "float6e2m3"
  case 28: "float6e3m2"
  default: ElementFormat(rawValue: code)?.name ?? "number \(code)"
  }
}

/// The bytes of a tensor that lies in a file beside the model. The file must lie in the model's folder or below.
private func externalBytes(_ proto: Onnx_TensorProto, directory: String?) throws -> [UInt8] {
  let name = quoted(proto.name)
  var entries = [String: String]()
  for entry in proto.externalData { entries[entry.key] = entry.value }
  guard let location = entries["location"], !location.isEmpty else {
    throw ONNXError(.invalid, "tensor \(name) lies in another file that it does not name")
  }
  guard let directory else { throw ONNXError(.invalid, "tensor \(name) lies in another file, but the model in none") }
  let parts = location.split(separator: "/", omittingEmptySubsequences: false)
  try check(
    !location.hasPrefix("/") && !parts.contains("..") && !location.unicodeScalars.contains("\0"),
    "tensor \(name) lies in \(quoted(location)), outside the model's folder")
  let root = URL(fileURLWithPath: directory).resolvingSymlinksInPath().path
  let path = URL(fileURLWithPath: directory + "/" + location).resolvingSymlinksInPath().path
  try check(path.hasPrefix(root + "/"), "tensor \(name) lies in \(quoted(location)), outside the model's folder")
  func number(_ key: String) throws -> Int? {
    guard let text = entries[key] else { return nil }
    guard let value = Int(text), value >= 0 else {
      throw ONNXError(.invalid, "tensor \(name): its \(key) \(quoted(text)) in \(quoted(location)) is no byte count")
    }
    return value
  }
  let offset = try number("offset") ?? 0
  guard let size = try? fileSize(path) else {
    throw ONNXError(.invalid, "tensor \(name) lies in \(quoted(location)), which is missing or unreadable")
  }
  let length = try number("length") ?? (size - offset)
  try check(
    offset <= size && length >= 0 && length <= size - offset,
    "tensor \(name) lies past the end of \(quoted(location)) (\(size) bytes)")
  do {
    return try readBytes(path, from: offset, count: length)
  } catch {
    throw ONNXError(.invalid, "tensor \(name): \(quoted(location)) cannot be read")
  }
}
