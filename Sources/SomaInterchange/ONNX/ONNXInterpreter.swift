import Soma
import SomaData

/// The values that a graph's nodes can name.
struct ONNXEnvironment {
  var values: [String: ONNXValue] = [:]
}

/// Runs the nodes of a model's graphs on tensors, concrete or traced: at once where everything is known, recording
/// otherwise. So a graph of Soma comes out of tracing it, and shapes that the model computes are constants in it.
final class ONNXInterpreter {
  let file: ONNXModel
  /// Versions of the operator sets by domain.
  let versions: [String: Int]
  /// Attributes that a function's body refers to.
  private var references: [String: Onnx_AttributeProto] = [:]
  private var functionVersions: [String: Int]?
  private var depth = 0
  private var steps = 0

  /// Nodes that one import may run, loops unrolled; a model beyond that does not end in reasonable time.
  static let stepLimit = 200_000

  init(_ file: ONNXModel) {
    self.file = file
    versions = file.versions
  }

  /// Runs a graph whose inputs are already in the environment.
  func run(_ graph: Onnx_GraphProto, in environment: ONNXEnvironment) throws -> [ONNXValue] {
    depth += 1
    defer { depth -= 1 }
    try check(depth <= 32, "graphs and functions are nested more than 32 deep")
    var environment = environment
    for initializer in graph.initializer where environment.values[initializer.name] == nil || depth > 1 {
      environment.values[initializer.name] = try ONNXValue(initializer, directory: file.directory)
    }
    for sparse in graph.sparseInitializer {
      environment.values[sparse.values.name] = try ONNXValue(sparse)
    }
    for node in graph.node { try run(node, in: &environment) }
    return try graph.output.map { output in
      guard let value = environment.values[output.name] else {
        throw ONNXError(.invalid, "the output \(quoted(output.name)) is computed by no node")
      }
      return value
    }
  }

  private func run(_ node: Onnx_NodeProto, in environment: inout ONNXEnvironment) throws {
    steps += 1
    guard steps <= Self.stepLimit else {
      throw ONNXError(.unsupported, "more than \(Self.stepLimit) steps with its loops unrolled")
    }
    let title =
      node.name.isEmpty ? "node of \(oneLine(node.opType))" : "node \(quoted(node.name)) (\(oneLine(node.opType)))"
    do {
      let inputs = try node.input.map { name -> ONNXValue? in
        if name.isEmpty { return nil }
        guard let value = environment.values[name] else {
          throw ONNXError(.invalid, "its operand \(quoted(name)) is computed by no node before it")
        }
        return value
      }
      let results: [ONNXValue]
      do {
        results = try apply(node, inputs, environment)
      } catch var error as ONNXError {
        if let operand = error.operand, operand < inputs.count, let value = inputs[operand] {
          error = error.naming(Array(value.origins))
        }
        throw error
      }
      try check(
        results.count >= node.output.count || node.output.dropFirst(results.count).allSatisfy(\.isEmpty),
        "\(node.output.count) outputs are wanted, it has \(results.count)")
      let origins = inputs.reduce(into: Set<String>()) { if let value = $1 { $0.formUnion(value.origins) } }
      for (name, result) in zip(node.output, results) where !name.isEmpty {
        var result = result
        if !result.isConcrete { result.origins.formUnion(origins) }
        environment.values[name] = result
      }
    } catch var error as ONNXError {
      if error.node.isEmpty { error.node = title }
      throw error
    }
  }

  private func apply(
    _ node: Onnx_NodeProto, _ inputs: [ONNXValue?], _ environment: ONNXEnvironment
  ) throws -> [ONNXValue] {
    var attributes = [String: Onnx_AttributeProto]()
    for attribute in node.attribute {
      if attribute.refAttrName.isEmpty {
        attributes[attribute.name] = attribute
      } else if var bound = references[attribute.refAttrName] {
        bound.name = attribute.name
        attributes[attribute.name] = bound
      }
    }
    let domain = node.domain == "ai.onnx" ? "" : node.domain
    if let function = file.functions[domain + ":" + node.opType] {
      return try run(function, inputs, attributes)
    }
    guard domain.isEmpty else { throw ONNXError(.unsupported, "operators of the domain \(quoted(domain))") }
    guard let version = (functionVersions ?? versions)[""] else {
      throw ONNXError(.invalid, "the model imports no version of the standard's operators")
    }
    let call = ONNXCall(
      name: node.opType, inputs: inputs, attributes: attributes, version: version, outputNames: node.output,
      interpreter: self, environment: environment)
    // Where everything is known, results become known too: shapes that are computed from shapes.
    let isKnown = inputs.allSatisfy { $0?.isConcrete ?? true }
    let results = isKnown ? try untraced { try call.run() } : try call.run()
    guard let results else { throw ONNXError(.unsupported, "the operator \(oneLine(node.opType)) is not known here") }
    return results
  }

  private func run(
    _ function: Onnx_FunctionProto, _ inputs: [ONNXValue?], _ attributes: [String: Onnx_AttributeProto]
  ) throws -> [ONNXValue] {
    depth += 1
    defer { depth -= 1 }
    try check(depth <= 32, "graphs and functions are nested more than 32 deep")
    let outer = (references, functionVersions)
    defer { (references, functionVersions) = outer }
    references = attributes
    for standard in function.attributeProto where references[standard.name] == nil {
      references[standard.name] = standard
    }
    functionVersions = ONNXModel.versions(function.opsetImport)
    try check(inputs.count <= function.input.count, "\(inputs.count) operands for \(function.input.count) inputs")
    var environment = ONNXEnvironment()
    for (name, value) in zip(function.input, inputs) { environment.values[name] = value }
    // Inputs left out count as absent where the body uses them.
    let absent = Set(function.input.filter { environment.values[$0] == nil })
    for var node in function.node {
      node.input = node.input.map { absent.contains($0) ? "" : $0 }
      try run(node, in: &environment)
    }
    return try function.output.map { name in
      guard let value = environment.values[name] else {
        throw ONNXError(.invalid, "the function's output \(quoted(name)) is computed by no node")
      }
      return value
    }
  }
}

extension ONNXError {
  /// The same, with the inputs that must be given.
  func naming(_ inputs: [String]) -> ONNXError {
    let names = inputs.sorted()
    let list = names.map { quoted($0) }.joined(separator: ", ")
    var error = ONNXError(.needsValue(names), names.isEmpty ? problem : "\(problem); it depends on \(list)")
    error.node = node
    return error
  }
}

extension ONNXValue {
  /// A sparse tensor (COO form), written out.
  init(_ sparse: Onnx_SparseTensorProto) throws {
    let values = try ONNXValue(sparse.values, directory: nil)
    let indices = try ONNXValue(sparse.indices, directory: nil)
    let shape = try checkedShape(sparse.dims, limit: 1 << 28)
    try check(values.shape.rank == 1 && !indices.element.isFloating, "a sparse tensor's values form no list")
    let count = values.tensor.count
    let positions: [Int]
    let numbers = indices.tensor.ints
    if indices.shape == [count] {
      positions = numbers
    } else {
      try check(indices.shape == [count, shape.rank], "a sparse tensor's indices have shape \(indices.shape)")
      let strides = shape.strides
      positions = try (0..<count).map { row in
        try (0..<shape.rank).reduce(0) { sum, axis in
          let index = numbers[row * shape.rank + axis]
          try check(index >= 0 && index < shape[axis], "index \(index) lies outside a sparse tensor's axis \(axis)")
          return sum + index * strides[axis]
        }
      }
    }
    try check(positions.allSatisfy { $0 >= 0 && $0 < shape.elementCount }, "an index lies outside a sparse tensor")
    try check(Set(positions).count == count, "a sparse tensor names a place twice")
    let flat = Tensor.zeros([shape.elementCount], dtype: values.tensor.dtype == .bool ? .int32 : values.tensor.dtype)
    let filled = count == 0 ? flat : flat.scatterAdding(values.tensor, at: Tensor(positions))
    self.init(filled.cast(to: values.tensor.dtype).reshape(shape), values.element)
  }
}
