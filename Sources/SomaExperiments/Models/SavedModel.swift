import Foundation
import Soma
import SomaData
import SomaNetworks

/// A trained network in one file, with all that using it needs: how samples become its inputs, and what its outputs mean.
/// The file is an NPZ archive: `header` holds this description as JSON, `parameters/…` and `state/…` the tensors.
public struct SavedModel: Sendable {
  public enum Task: String, Codable, Sendable { case classification, regression, text }

  public struct Description: Codable, Sendable {
    /// The file's layout; a reader refuses others.
    public var format = 1
    /// As `NetworkSpecification` reads it.
    public var network: String
    public var task: Task
    /// The shape of one sample; the window's length for text.
    public var sampleShape: [Int]
    public var outputs: Int
    /// What it was trained on.
    public var data: String
    public var classNames: [String] = []
    public var targetNames: [String] = []
    /// Applied to features before the network.
    public var features: Standardization?
    /// Applied to numeric targets; inverted on predictions.
    public var targets: Standardization?
    /// How the rows of a table become features.
    public var encoding: TabularEncoding?
    public var vocabulary: Vocabulary?
    /// The tensors' names in order.
    public var parameterNames: [String] = []
    public var stateNames: [String] = []
  }

  public var description: Description
  public var variables: Variables

  public init(_ description: Description, _ variables: Variables) {
    self.description = description
    self.description.parameterNames = variables.parameters.names
    self.description.stateNames = variables.state.names
    self.variables = variables
  }

  /// A batch of inputs.
  public func inputShape(_ count: Int) -> Shape { Shape([count] + description.sampleShape) }

  /// - Throws: `NetworkError` if the specification is not understood.
  public func network() throws -> Network {
    Network(
      try NetworkSpecification(parsing: description.network), input: inputShape(1), outputs: description.outputs)
  }

  /// Writes the file as a whole, or not at all.
  /// - Throws: `DataError`
  public func save(to path: String) throws {
    var arrays: [String: Tensor] = [:]
    for (name, tensor) in zip(variables.parameters.names, variables.parameters.leaves) {
      arrays["parameters/\(name)"] = tensor
    }
    for (name, tensor) in zip(variables.state.names, variables.state.leaves) { arrays["state/\(name)"] = tensor }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let header = [UInt8](try encoder.encode(description))
    arrays["header"] = Tensor(bytes: header, shape: [header.count], dtype: .uint8)
    try NPZ.write(arrays, to: path)
  }

  /// - Throws: `DataError` if the file is damaged, is no model, or its tensors do not fit its network.
  public static func load(_ path: String) throws -> SavedModel {
    let arrays = try NPZ.read(path)
    guard let header = arrays["header"], header.dtype == .uint8,
      let description = try? JSONDecoder().decode(Description.self, from: Data(header.bytes))
    else { throw DataError(path, "is no model of Soma: it has no readable header") }
    guard description.format == 1 else {
      throw DataError(path, "has layout \(description.format); this version reads layout 1")
    }
    guard description.outputs > 0, description.outputs < 1 << 24,
      description.sampleShape.allSatisfy({ $0 > 0 && $0 < 1 << 24 }), description.sampleShape.count <= 4
    else { throw DataError(path, "its header asks for impossible sizes") }
    func take(_ names: [String], _ room: String) throws -> Parameters {
      Parameters(
        try names.map { name in
          guard let tensor = arrays["\(room)/\(name)"] else {
            throw DataError(path, at: .entry("\(room)/\(name).npy", byte: nil), "is missing")
          }
          return (name, tensor)
        })
    }
    let variables = Variables(
      parameters: try take(description.parameterNames, "parameters"), state: try take(description.stateNames, "state"))
    let model = SavedModel(description, variables)
    let specification: NetworkSpecification
    do { specification = try NetworkSpecification(parsing: description.network) } catch {
      throw DataError(path, "its network \(description.network) is not known: \(error)")
    }
    let network = specification.network(input: model.inputShape(1), outputs: description.outputs)
    let expected = network.variableTypes(
      for: TensorType(shape: model.inputShape(1), dtype: specification.readsSymbols ? .int32 : .float32))
    for (room, entries, tensors) in [
      ("parameters", expected.parameters, variables.parameters), ("state", expected.state, variables.state),
    ] {
      guard Set(entries.map(\.name)) == Set(tensors.names) else {
        throw DataError(path, "its \(room) are not those of \(description.network)")
      }
      for entry in entries {
        guard let tensor = tensors[entry.name] else { continue }
        guard tensor.shape == entry.type.shape, tensor.dtype == entry.type.dtype else {
          throw DataError(
            path, at: .entry("\(room)/\(entry.name).npy", byte: nil),
            "is \(tensor.dtype)\(tensor.shape), the network wants \(entry.type)")
        }
      }
    }
    return model
  }
}
