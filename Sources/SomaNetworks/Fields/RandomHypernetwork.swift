import Foundation
import Soma

/// A network all of whose weights are fixed random linear functions of one short trained vector: `vec(W_l) = R_l z`, `b_l = S_l z`
/// (D'OH: Gordon, MacDonald, Saratchandran & Lucey 2024, arXiv 2403.19163). `R` and `S` come from the key and the parameter's path and are never
/// stored, so that `z` and the key are the whole network. With as many numbers as wanted, it is also a way to train a network in a
/// random subspace (Li, Farkhoor, Liu & Yosinski 2018, arXiv 1804.08838).
///
/// `z` is uniform with variance `1/n`, so a generated number has the variance of the entries of `R_l`, which `variance` gives.
public struct RandomHypernetwork: Layer {
  public enum Projection: String, Sendable, Hashable, CaseIterable {
    /// `±√v`
    case signs
    /// Normal with variance `v`.
    case normal
  }

  public var target: any Layer
  /// Numbers that are trained.
  public var latent: Int
  public var seed: Int
  public var projection: Projection
  /// Whether parameters named `bias` stay zero.
  public var isBiasFree: Bool
  /// Whether each parameter has a trained factor.
  public var hasScales: Bool
  /// Whether all parameters use the first rows of one projection (as large as the largest), scaled to their variances.
  public var sharesProjection: Bool
  /// The variance of a parameter's numbers by its path and shape. Nil: `1/inputs` for matrices, 0.01 for the rest.
  public var variance: (@Sendable (_ path: String, _ shape: Shape) -> Double)?

  public init(
    target: any Layer, latent: Int, seed: Int = 0, projection: Projection = .signs, isBiasFree: Bool = false,
    hasScales: Bool = false, sharesProjection: Bool = false,
    variance: (@Sendable (_ path: String, _ shape: Shape) -> Double)? = nil
  ) {
    require(latent >= 1, "a latent vector has at least one number, not \(latent)")
    self.target = target
    self.latent = latent
    self.seed = seed
    self.projection = projection
    self.isBiasFree = isBiasFree
    self.hasScales = hasScales
    self.sharesProjection = sharesProjection
    self.variance = variance
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let bound = (3 / Double(latent)).squareRoot()
    let z = scope.parameter("z", [latent], .uniform(bound), dtype: x.dtype)
    let entries = types(for: x)
    var scales: [String: Tensor] = [:]
    if hasScales {
      for entry in entries { scales[entry.name] = scope.parameter("scale/\(entry.name)", [], .ones, dtype: x.dtype) }
    }
    let parameters = generated(z, entries, scales, dtype: x.dtype)
    return target.apply(Variables(parameters: parameters), x)
  }

  private func types(for x: Tensor) -> [VariableTypes.Entry] {
    target.variableTypes(for: TensorType(shape: x.shape, dtype: x.dtype)).parameters
  }

  /// The target's ordinary parameters, for inputs of a type: what it is exported as.
  public func materialize(_ parameters: Parameters, for input: TensorType) -> Parameters {
    guard let z = parameters["z"] else { fatalError("a random hypernetwork's parameters have a vector z") }
    let entries = target.variableTypes(for: input).parameters
    let scales = Dictionary(
      uniqueKeysWithValues: entries.compactMap { entry in parameters["scale/\(entry.name)"].map { (entry.name, $0) } })
    return generated(z, entries, scales, dtype: z.dtype)
  }

  private func generated(
    _ z: Tensor, _ entries: [VariableTypes.Entry], _ scales: [String: Tensor], dtype: DType
  ) -> Parameters {
    let largest = entries.map { $0.type.shape.elementCount }.max() ?? 1
    return Parameters(
      entries.map { entry in
        let count = entry.type.shape.elementCount
        guard !isBias(entry.name) else { return (entry.name, Tensor.zeros(entry.type.shape, dtype: dtype)) }
        let streams = count * latent > Self.streamingLimit
        let whole =
          sharesProjection
          ? product("shared", largest, z, streams: streams)[0..<count] : product(entry.name, count, z, streams: streams)
        var value = whole.reshape(entry.type.shape)
        value = value * deviation(entry.name, entry.type.shape)
        if let scale = scales[entry.name] { value = value * scale }
        return (entry.name, value)
      })
  }

  /// Numbers of a projection above which it is made anew, tile by tile, in each pass.
  static let streamingLimit = 1 << 25

  private func isBias(_ path: String) -> Bool { isBiasFree && (path == "bias" || path.hasSuffix("/bias")) }

  /// Rows are made in tiles, so that large projections need never be held as a whole.
  static let tileRows = 1024

  private func tile(_ key: Key, dtype: DType) -> Tensor {
    switch projection {
    case .signs:
      let bits = Tensor.randomBits([Self.tileRows, latent], key: key)
      return Tensor.select(bits .< 0, -1.0, Tensor.ones([Self.tileRows, latent], dtype: dtype))
    case .normal: return Tensor.normal([Self.tileRows, latent], key: key, dtype: dtype)
    }
  }

  private func key(of path: String) -> Key { Key(seed).folding("random-hypernetwork").folding(path) }

  /// The fixed projection of a parameter, of unit variance: `[count, latent]`.
  public func projectionRows(_ path: String, _ count: Int, dtype: DType = .float32) -> Tensor {
    let tiles = (count + Self.tileRows - 1) / Self.tileRows
    return Tensor.concatenate((0..<tiles).map { tile(key(of: path).folding($0), dtype: dtype) })[0..<count]
  }

  /// `R z`, `[count]`: with the projection in memory, or tile by tile with only one of them at a time.
  public func product(_ path: String, _ count: Int, _ z: Tensor, streams: Bool) -> Tensor {
    let column = z.reshape(latent, 1)
    guard streams else { return projectionRows(path, count, dtype: z.dtype).matmul(column).flattened() }
    let tiles = (count + Self.tileRows - 1) / Self.tileRows
    let root = key(of: path)
    let parts = scan([], [Tensor.iota([tiles], dtype: .int32)], length: tiles) { _, slice in
      ([], [tile(root.folding(slice[0].reshape(1)), dtype: z.dtype).matmul(column).flattened()])
    }.results[0]
    return parts.flattened()[0..<count]
  }

  /// `√v` of a parameter.
  private func deviation(_ path: String, _ shape: Shape) -> Double {
    if let variance { return variance(path, shape).squareRoot() }
    return usualDeviation(path, shape)
  }

  /// Weights `2/inputs`, biases `0.01`: a rectifier network.
  public static func rectifierVariance(_ path: String, _ shape: Shape) -> Double {
    shape.rank == 2 ? 2 / Double(shape[0]) : 0.01
  }

  /// The variance of a `CoordinateNetwork`'s start with frequency ω: `1/(3 i²)` in the first layer, `2/(i ω²)` in the others, biases
  /// `1/(3 i)` with the inputs of their layer.
  public static func sinusoidalVariance(
    omega: Double, inputs: Int, width: Int
  ) -> @Sendable (_ path: String, _ shape: Shape) -> Double {
    { path, shape in
      let isFirst = path.hasPrefix("0/")
      let i = Double(isFirst ? inputs : width)
      if shape.rank < 2 { return 1 / (3 * i) }
      return isFirst ? 1 / (3 * i * i) : 2 / (i * omega * omega)
    }
  }

  /// Without a rule the usual fan-in variance holds: `1/inputs` for matrices, `0.01` for the rest.
  private func usualDeviation(_ path: String, _ shape: Shape) -> Double {
    shape.rank >= 2 ? (1 / Double(Initializer.fans(shape).in)).squareRoot() : 0.1
  }
}
