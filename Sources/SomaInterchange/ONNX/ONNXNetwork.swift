import Soma
import SomaData

/// A graph that was read from a model, with the names of its inputs and outputs.
public struct ONNXNetwork: Sendable {
  public let graph: Graph
  /// Inputs of the graph in order.
  public let inputNames: [String]
  public let outputNames: [String]
  let inputElements: [ElementFormat]
  let outputElements: [ElementFormat]
}

extension ONNXModel {
  /// What becomes of the model's weights.
  public enum Weights: Sendable {
    /// They are constants of the graph.
    case constants
    /// Floating ones with more than one element are further inputs of the graph, after the model's own.
    case inputs
  }

  /// The model as a graph.
  /// - Parameters:
  ///   - dimensions: lengths of the axes that the model names.
  ///   - shapes: whole shapes of inputs, for axes without a name.
  ///   - values: inputs that are known: they become constants, and shapes may depend on them.
  /// - Throws: `ONNXError`; `DataError` if an input's shape is not known in the end.
  public func network(
    dimensions: [String: Int] = [:], shapes: [String: Shape] = [:], values: [String: Tensor] = [:],
    weights: Weights = .constants
  ) throws -> ONNXNetwork {
    for name in dimensions.keys.sorted() where !inputs.contains(where: { $0.lengths?.contains(.named(name)) ?? false })
    {
      throw DataError(file, "no input has an axis named \(quoted(name))")
    }
    for name in (Array(shapes.keys) + Array(values.keys)).sorted() where !inputs.contains(where: { $0.name == name }) {
      throw DataError(file, "has no input named \(quoted(name))")
    }
    var known = [String: ONNXValue]()
    var open: [(name: String, type: TensorType, element: ElementFormat)] = []
    for port in inputs {
      if let value = values[port.name] {
        known[port.name] = try port.accepting(value, file: file)
        continue
      }
      guard let element = port.element else {
        throw ONNXError(
          .unsupported, "input \(quoted(port.name)) holds \(port.elementName.isEmpty ? "?" : port.elementName)")
      }
      open.append(
        (port.name, TensorType(shape: try shape(of: port, dimensions, shapes), dtype: element.storage), element))
    }
    if weights == .inputs {
      for initializer in proto.graph.initializer {
        let value = try ONNXValue(initializer, directory: directory)
        guard value.element.isFloating, value.tensor.count > 1 else { continue }
        open.append((initializer.name, TensorType(shape: value.shape, dtype: value.tensor.dtype), value.element))
      }
    }
    var elements = [ElementFormat]()
    let graph = try Graph(tracing: open.map(\.type)) { arguments in
      var environment = ONNXEnvironment(values: known)
      for (port, argument) in zip(open, arguments) {
        var value = ONNXValue(argument, port.element)
        value.origins = [port.name]
        environment.values[port.name] = value
      }
      let results = try ONNXInterpreter(self).run(proto.graph, in: environment)
      elements = results.map(\.element)
      return results.map(\.tensor)
    }
    return ONNXNetwork(
      graph: graph, inputNames: open.map(\.name), outputNames: outputs.map(\.name), inputElements: open.map(\.element),
      outputElements: elements)
  }

  private func shape(of port: Port, _ dimensions: [String: Int], _ shapes: [String: Shape]) throws -> Shape {
    if let given = shapes[port.name] {
      guard let lengths = port.lengths else { return given }
      let fits =
        lengths.count == given.rank
        && zip(lengths, given).allSatisfy { length, value in
          if case .fixed(let fixed) = length { fixed == value } else { true }
        }
      guard fits else { throw DataError(file, "input \(port.description) cannot have the shape \(given)") }
      return try checkedShape(given.dimensions)
    }
    guard let lengths = port.lengths else {
      throw DataError(file, "the shape of input \(quoted(port.name)) is not known; give it")
    }
    return try checkedShape(
      try lengths.map { length in
        switch length {
        case .fixed(let value): return value
        case .named(let name):
          guard let value = dimensions[name] else {
            throw DataError(file, "the axis \(quoted(name)) of input \(quoted(port.name)) has no length yet; give it")
          }
          return value
        case .unknown:
          throw DataError(file, "an axis of input \(port.description) has no length yet; give the input's shape")
        }
      })
  }

  /// The outputs for given inputs. Those on whose values shapes depend are fixed; the rest runs as one compiled graph.
  /// - Throws: `ONNXError`; `DataError` if an input is missing or does not fit.
  public func run(_ arguments: [String: Tensor]) throws -> [(name: String, value: Tensor)] {
    var given = [String: ONNXValue]()
    for port in inputs {
      guard let tensor = arguments[port.name] else { throw DataError(file, "input \(quoted(port.name)) is not given") }
      given[port.name] = try port.accepting(tensor, file: file)
    }
    for name in arguments.keys.sorted() where given[name] == nil {
      throw DataError(file, "has no input named \(quoted(name))")
    }
    return try run(values: given).map { ($0.name, $0.value.tensor) }
  }

  /// The network in which the inputs that shapes depend on are fixed, and the others open.
  func specialized(_ given: [String: ONNXValue]) throws -> ONNXNetwork {
    var fixed = [String: Tensor]()
    let shapes = given.mapValues(\.shape)
    while true {
      do {
        return try network(shapes: shapes.filter { fixed[$0.key] == nil }, values: fixed)
      } catch let error as ONNXError {
        guard case .needsValue(let names) = error.kind, names.contains(where: { fixed[$0] == nil }) else { throw error }
        for name in names { fixed[name] = given[name]?.tensor }
      }
    }
  }

  func run(values given: [String: ONNXValue]) throws -> [(name: String, value: ONNXValue)] {
    let network = try specialized(given)
    let executable = try Executable(network.graph)
    let results = executable(network.inputNames.compactMap { given[$0]?.tensor })
    return zip(network.outputNames, zip(results, network.outputElements)).map { ($0, ONNXValue($1.0, $1.1)) }
  }
}

extension ONNXModel.Port {
  /// A tensor as this input takes it: converted from a type that the same numbers are kept in.
  func accepting(_ tensor: Tensor, file: String) throws -> ONNXValue {
    let element = self.element ?? ElementFormat(tensor.dtype)
    guard tensor.dtype == element.storage else {
      throw DataError(file, "input \(quoted(name)) wants \(element.name), not \(tensor.dtype)")
    }
    if let lengths {
      let fits =
        lengths.count == tensor.rank
        && zip(lengths, tensor.shape).allSatisfy { length, value in
          if case .fixed(let fixed) = length { fixed == value } else { true }
        }
      guard fits else { throw DataError(file, "input \(description) does not take a tensor of shape \(tensor.shape)") }
    }
    return ONNXValue(element.normalized(tensor), element)
  }
}
