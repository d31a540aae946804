import Soma
import SomaData

/// One operator at work: its operands, attributes and version, with accessors that check what they give.
struct ONNXCall {
  let name: String
  let inputs: [ONNXValue?]
  let attributes: [String: Onnx_AttributeProto]
  /// The version of the operator set that the model imports.
  let version: Int
  /// The outputs' names; empty where nobody asks for one.
  let outputNames: [String]
  let interpreter: ONNXInterpreter
  /// Names of values that a subgraph may see.
  let environment: ONNXEnvironment

  // MARK: Operands

  func has(_ i: Int) -> Bool { i < inputs.count && inputs[i] != nil }

  func optional(_ i: Int) -> ONNXValue? { i < inputs.count ? inputs[i] : nil }

  func input(_ i: Int) throws -> ONNXValue {
    guard let value = optional(i) else { throw ONNXError(.invalid, "operand \(i) is missing") }
    return value
  }

  func tensor(_ i: Int) throws -> Tensor { try input(i).tensor }

  /// All operands, none left out.
  func all() throws -> [ONNXValue] {
    try check(!inputs.isEmpty, "it has no operand")
    return try inputs.indices.map { try input($0) }
  }

  /// Operands that must have the element type of the first.
  func sameElements(_ values: [ONNXValue]) throws {
    for value in values where value.element != values[0].element {
      throw ONNXError(.invalid, "operands of types \(values[0].element.name) and \(value.element.name)")
    }
  }

  func floating(_ i: Int) throws -> ONNXValue {
    let value = try input(i)
    try check(value.element.isFloating, "operand \(i) is \(value.element.name), not a floating type")
    return value
  }

  /// The numbers of an operand that must be known before the model runs.
  func integers(_ i: Int) throws -> [Int] {
    let value = try known(i)
    try check(!value.element.isFloating, "operand \(i) is \(value.element.name), not an integer type")
    return value.tensor.ints
  }

  func optionalIntegers(_ i: Int) throws -> [Int]? { has(i) ? try integers(i) : nil }

  /// An operand whose elements must be known before the model runs.
  func known(_ i: Int) throws -> ONNXValue {
    let value = try input(i)
    guard value.isConcrete else {
      var error = ONNXError(.needsValue([]), "operand \(i) must be known when the model is loaded")
      error.operand = i
      throw error
    }
    return value
  }

  /// The only number of a known operand.
  func number(_ i: Int) throws -> Double {
    let value = try known(i)
    try check(value.tensor.count == 1, "operand \(i) of shape \(value.shape) is not a single number")
    return value.tensor.doubles[0]
  }

  func integer(_ i: Int) throws -> Int {
    let values = try integers(i)
    try check(values.count == 1, "operand \(i) is not a single number")
    return values[0]
  }

  // MARK: Attributes

  private func attribute(_ name: String, _ type: Onnx_AttributeProto.AttributeType) throws -> Onnx_AttributeProto? {
    guard let attribute = attributes[name] else { return nil }
    try check(attribute.type == type, "attribute \(name) has the wrong type")
    return attribute
  }

  func int(_ name: String) throws -> Int? { try attribute(name, .int).map { Int($0.i) } }
  func int(_ name: String, _ standard: Int) throws -> Int { try int(name) ?? standard }
  func flag(_ name: String, _ standard: Bool = false) throws -> Bool { try int(name).map { $0 != 0 } ?? standard }
  func float(_ name: String) throws -> Double? { try attribute(name, .float).map { Double($0.f) } }
  func float(_ name: String, _ standard: Double) throws -> Double { try float(name) ?? standard }
  func ints(_ name: String) throws -> [Int]? { try attribute(name, .ints).map { $0.ints.map { Int($0) } } }
  func floats(_ name: String) throws -> [Double]? { try attribute(name, .floats).map { $0.floats.map { Double($0) } } }

  func string(_ name: String) throws -> String? {
    try attribute(name, .string).map { String(decoding: $0.s, as: UTF8.self) }
  }
  func string(_ name: String, _ standard: String) throws -> String { try string(name) ?? standard }

  func strings(_ name: String) throws -> [String]? {
    try attribute(name, .strings).map { $0.strings.map { String(decoding: $0, as: UTF8.self) } }
  }

  func graph(_ name: String) throws -> Onnx_GraphProto {
    guard let attribute = try attribute(name, .graph) else { throw ONNXError(.invalid, "attribute \(name) is missing") }
    return attribute.g
  }

  /// The element type that an attribute names.
  func element(_ name: String) throws -> ElementFormat? {
    guard let code = try int(name), code != 0 else { return nil }
    guard let element = ElementFormat(rawValue: code) else {
      throw ONNXError(.unsupported, "elements of type \(elementName(code))")
    }
    return element
  }

  // MARK: Shapes

  /// An axis, counted from the end if negative, as a place below `rank`.
  func axis(_ axis: Int, rank: Int) throws -> Int {
    try check(axis >= -rank && axis < rank, "axis \(axis) of a tensor with \(rank) axes")
    return axis < 0 ? axis + rank : axis
  }

  func axes(_ axes: [Int], rank: Int) throws -> [Int] {
    let result = try axes.map { try axis($0, rank: rank) }
    try check(Set(result).count == result.count, "axes \(axes) name an axis twice")
    return result
  }

  /// The shape to which all broadcast.
  func broadcastShape(_ shapes: [Shape]) throws -> Shape {
    try shapes.dropFirst().reduce(shapes[0]) { a, b in
      guard let shape = Shape.broadcast(a, b) else {
        throw ONNXError(.invalid, "shapes \(a) and \(b) do not broadcast")
      }
      return try checkedShape(shape.dimensions)
    }
  }

  /// Checks that a tensor broadcasts to a shape without changing it.
  func checkBroadcasts(_ x: Tensor, to shape: Shape, _ what: String) throws {
    try check(
      Shape.broadcast(x.shape, shape) == shape, "\(what) of shape \(x.shape) does not broadcast to \(shape)")
  }

  /// Results of one operator that has no more outputs than these.
  func results(_ tensors: [Tensor], _ element: ElementFormat) -> [ONNXValue] {
    tensors.map { ONNXValue(element.normalized($0), element) }
  }

  func result(_ tensor: Tensor, _ element: ElementFormat) -> [ONNXValue] { results([tensor], element) }

  /// Whether the output is wanted.
  func wants(_ i: Int) -> Bool { i < outputNames.count && !outputNames[i].isEmpty }
}

/// A primitive applied to tensors whose types have been checked.
func apply(_ primitive: Primitive, _ operands: [Tensor]) -> [Tensor] {
  var graph = Graph()
  let ids = operands.map { graph.addInput(TensorType(shape: $0.shape, dtype: $0.dtype)) }
  graph.outputs = Array(graph.add(primitive, ids))
  return graph(operands)
}
