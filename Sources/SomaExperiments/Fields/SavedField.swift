import Foundation
import Soma
import SomaData
import SomaLearning
import SomaNetworks

/// A fitted field in one file: an NPZ archive with a description as JSON, and the parameters as they are or rounded to some bits and
/// packed by an arithmetic coder.
public struct SavedField: Sendable {
  public struct Description: Codable, Sendable, Hashable {
    public var format = 1
    public var kind = "field"
    public var specification: FieldSpecification
    public var signal: FieldSignal
    /// The file it was fitted to, and its size in bytes.
    public var source: String
    public var sourceBytes: Int
    public var steps: Int
    /// In decibels, of the parameters as they are stored; shapes: of the cut distances.
    public var quality: Double
    /// Bits of a stored number; nil: 32, as they are.
    public var bits: Int?
    public var parameterNames: [String] = []
    public var shapes: [[Int]] = []
    /// Steps of the rounded parameters.
    public var quanta: [Float] = []

    public init(
      specification: FieldSpecification, signal: FieldSignal, source: String, sourceBytes: Int, steps: Int,
      quality: Double
    ) {
      self.specification = specification
      self.signal = signal
      self.source = source
      self.sourceBytes = sourceBytes
      self.steps = steps
      self.quality = quality
    }
  }

  public var description: Description
  public var parameters: Parameters

  public init(_ description: Description, _ parameters: Parameters) {
    self.description = description
    self.parameters = parameters
  }

  /// Rounds the parameters as the file will hold them.
  public mutating func quantize(bits: Int) {
    let quantizer = UniformQuantizer(bits: bits)
    description.bits = bits
    parameters = parameters.map { _, tensor in
      Tensor(quantizer.decode(quantizer(tensor.floats)), shape: tensor.shape)
    }
  }

  /// The file's bytes without an archive around them: what the numbers themselves take.
  public func payloadBytes() -> Int { coded().values.reduce(0) { $0 + $1.count } }

  private func coded() -> [String: [UInt8]] {
    var result: [String: [UInt8]] = [:]
    for (i, tensor) in parameters.leaves.enumerated() {
      if let bits = description.bits {
        let quantizer = UniformQuantizer(bits: bits)
        let multiples = quantizer(tensor.floats).multiples.map { $0 + quantizer.limit }
        result["packed/\(i)"] = ArithmeticCoder.encode(multiples, alphabet: 2 * quantizer.limit + 1)
      } else {
        result["packed/\(i)"] = tensor.bytes
      }
    }
    return result
  }

  /// Writes the file as a whole, or not at all.
  /// - Throws: `DataError`
  public func save(to path: String) throws {
    var description = description
    description.parameterNames = parameters.names
    description.shapes = parameters.leaves.map(\.shape.dimensions)
    if let bits = description.bits {
      description.quanta = parameters.leaves.map { UniformQuantizer(bits: bits)($0.floats).steps.first ?? 0 }
    }
    var arrays = coded().mapValues { Tensor(bytes: $0, shape: [$0.count], dtype: .uint8) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let header = [UInt8](try encoder.encode(description))
    arrays["header"] = Tensor(bytes: header, shape: [header.count], dtype: .uint8)
    try NPZ.write(arrays, to: path)
  }

  /// Whether a file says of itself that it holds a field.
  public static func isField(_ path: String) -> Bool {
    guard let arrays = try? NPZ.read(path), let header = arrays["header"], header.dtype == .uint8 else { return false }
    struct Kind: Decodable { var kind: String? }
    return (try? JSONDecoder().decode(Kind.self, from: Data(header.bytes)))?.kind == "field"
  }

  /// - Throws: `DataError` if the file is damaged, is no field, or its numbers do not fit its network.
  public static func load(_ path: String) throws -> SavedField {
    let arrays = try NPZ.read(path)
    guard let header = arrays["header"], header.dtype == .uint8,
      let description = try? JSONDecoder().decode(Description.self, from: Data(header.bytes)),
      description.kind == "field"
    else { throw DataError(path, "is no fitted field: it has no readable header") }
    guard description.format == 1 else {
      throw DataError(path, "has layout \(description.format); this version reads layout 1")
    }
    guard description.signal.isCredible else { throw DataError(path, "its header claims an impossible signal") }
    let network: any Layer
    do { network = try description.specification.network() } catch { throw DataError(path, "\(error)") }
    guard description.specification.inputs == description.signal.inputs,
      description.specification.outputs == description.signal.outputs
    else { throw DataError(path, "its network does not fit its signal") }
    let expected = network.variableTypes(for: TensorType(shape: [1, description.specification.inputs])).parameters
    guard expected.map(\.name) == description.parameterNames,
      expected.map(\.type.shape.dimensions) == description.shapes
    else { throw DataError(path, "its parameters are not those of \(description.specification.name)") }
    if let bits = description.bits {
      guard (2...16).contains(bits), description.quanta.count == expected.count,
        description.quanta.allSatisfy({ $0.isFinite && $0 >= 0 })
      else { throw DataError(path, "its header asks for impossible roundings") }
    }
    var parameters = Parameters()
    for (i, entry) in expected.enumerated() {
      guard let packed = arrays["packed/\(i)"], packed.dtype == .uint8 else {
        throw DataError(path, at: .entry("packed/\(i).npy", byte: nil), "is missing")
      }
      let count = entry.type.shape.elementCount
      if let bits = description.bits {
        let limit = UniformQuantizer(bits: bits).limit
        let multiples = ArithmeticCoder.decode(packed.bytes, count: count, alphabet: 2 * limit + 1)
        let step = description.quanta[i]
        parameters[entry.name] = Tensor(multiples.map { Float($0 - limit) * step }, shape: entry.type.shape)
      } else {
        guard packed.count == 4 * count else {
          throw DataError(
            path, at: .entry("packed/\(i).npy", byte: nil), "has \(packed.count) bytes, not \(4 * count)")
        }
        parameters[entry.name] = Tensor(bytes: packed.bytes, shape: entry.type.shape, dtype: .float32)
      }
    }
    return SavedField(description, parameters)
  }

  /// The values at places, `[n, d]` → `[n, channels]`.
  /// - Throws: `FieldError`, `ActivationError`
  public func values(at places: Tensor) throws -> Tensor {
    FieldFitting.predict(try description.specification.network(), parameters, places)
  }

  /// The slope of each channel along each coordinate: `[n, d]` → `[n, channels, d]`.
  public func gradient(at places: Tensor) throws -> Tensor {
    let network = try description.specification.network()
    let own = Variables(parameters: parameters)
    let channels = description.signal.outputs
    return .stack(
      (0..<channels).map { c in grad { (x: Tensor) in network.apply(own, x)[.all, c].sum() }(places) }, axis: 1)
  }
}
