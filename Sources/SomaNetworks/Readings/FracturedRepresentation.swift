import Foundation
import Soma

/// How a network that draws a picture is built inside: pictures of its neurons, what single weights do, and scores of fracture and
/// entanglement (after the analyses of Kumar, Clune, Lehman & Stanley 2025, arXiv 2505.11581; the scores are this library's own).
///
/// It reads any layer that takes the inputs of pixels and shows its layers' outputs by `scope.observe`.
public struct FracturedRepresentation: Sendable {
  public struct FeatureMap: Sendable {
    public var layer: String
    public var neuron: Int
    /// One number for each pixel.
    public var values: [Double]
  }

  public var network: any Layer
  public var parameters: Parameters
  /// `[side², d]`, x along the first axis, increasing from -1 to 1.
  public var inputs: Tensor
  public var side: Int
  /// From the output to what is seen.
  public var image: @Sendable (Tensor) -> Tensor

  public init(
    _ network: any Layer, _ parameters: Parameters, inputs: Tensor, side: Int,
    image: @escaping @Sendable (Tensor) -> Tensor = { CPPN.colours($0) }
  ) {
    require(inputs.rank == 2 && inputs.shape[0] == side * side, "\(inputs.shape) are not the inputs of \(side)² pixels")
    self.network = network
    self.parameters = parameters
    self.inputs = inputs
    self.side = side
    self.image = image
  }

  /// The picture: `side² × channels`.
  public func picture() -> [Double] {
    image(network.apply(Variables(parameters: parameters), inputs)).doubles
  }

  /// What each neuron of each layer that shows itself answers, over all pixels.
  public func featureMaps() -> [FeatureMap] {
    let scope = Scope(Variables(parameters: parameters))
    _ = network(inputs, scope)
    return scope.observations.flatMap { observation -> [FeatureMap] in
      guard observation.value.rank == 2, observation.value.shape[0] == side * side else { return [] }
      let width = observation.value.shape[1]
      let values = observation.value.doubles
      return (0..<width).map { j in
        FeatureMap(
          layer: observation.path.isEmpty ? observation.name : observation.path + "/" + observation.name, neuron: j,
          values: (0..<side * side).map { values[$0 * width + j] })
      }
    }
  }

  // MARK: Symmetry

  /// The share of a centred map's energy in its part that changes sign when the picture is turned from left to right (x to -x).
  public static func oddShare(_ map: [Double], side: Int) -> Double {
    let mean = map.reduce(0, +) / Double(map.count)
    var (odd, all) = (0.0, 0.0)
    for i in 0..<side {
      for j in 0..<side {
        let v = map[i * side + j] - mean
        let flipped = map[(side - 1 - i) * side + j] - mean
        odd += (v - flipped) * (v - flipped) / 4
        all += v * v
      }
    }
    return all > 0 ? odd / all : 0
  }

  /// `min(a, 1 - a)` of the odd share a, the mean over neurons whose map is not constant: 0 where each neuron is even or odd, up to ½.
  public func parityMixing(_ maps: [FeatureMap]? = nil) -> Double {
    let shares = (maps ?? featureMaps()).filter { Self.deviation($0.values) > 1e-3 }.map {
      let a = Self.oddShare($0.values, side: side)
      return min(a, 1 - a)
    }
    return shares.isEmpty ? 0 : shares.reduce(0, +) / Double(shares.count)
  }

  static func deviation(_ values: [Double]) -> Double {
    let mean = values.reduce(0, +) / Double(values.count)
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
  }

  // MARK: Sweeps

  /// The pictures as one weight changes: its index in its tensor, row by row.
  public func weightSweep(_ name: String, _ index: Int, by deltas: [Double]) -> [[Double]] {
    let draw = drawing()
    return deltas.map { delta in draw(changed(name, index, by: delta)).doubles }
  }

  /// The pictures along a random direction of length 1 in all weights: a control.
  public func randomSweep(by deltas: [Double], key: Key) -> [[Double]] {
    let draw = drawing()
    let direction = parameters.map { name, tensor in
      Tensor.normal(tensor.shape, key: key.folding(name), dtype: tensor.dtype)
    }
    let norm = direction.leaves.reduce(0.0) { $0 + $1.squared().sum().doubles[0] }.squareRoot()
    return deltas.map { delta in
      draw(parameters.map { $1 + direction[$0]! * (delta / norm) }).doubles
    }
  }

  private func drawing() -> CompiledFunction<Parameters, Tensor> {
    compile { [network, inputs, image] (p: Parameters) in image(network.apply(Variables(parameters: p), inputs)) }
  }

  private func changed(_ name: String, _ index: Int, by delta: Double) -> Parameters {
    guard let tensor = parameters[name] else { fatalError("no parameter is named \(name)") }
    var result = parameters
    let mask = (Tensor.iota([tensor.count], dtype: .int32) .== index).cast(to: tensor.dtype).reshape(tensor.shape)
    result[name] = tensor + mask * delta
    return result
  }

  public struct Sweeps: Sendable, Hashable {
    /// Changes of a weight that change the picture.
    public var effective: Int
    /// Those after which it is no longer symmetric.
    public var broken: Int

    public init(effective: Int, broken: Int) { (self.effective, self.broken) = (effective, broken) }

    public var share: Double { effective == 0 ? 0 : Double(broken) / Double(effective) }
  }

  /// Over all weights that are not zero, changed by `±½ max(1, |w|)`: how many changes show (mean squared change above 10⁻⁴), and how many
  /// of those break the symmetry (odd share above 0.01).
  public func brokenSweeps() -> Sweeps {
    let draw = drawing()
    let original = draw(parameters).doubles
    let channels = original.count / (side * side)
    var result = Sweeps(effective: 0, broken: 0)
    for name in parameters.names {
      for (index, weight) in parameters[name]!.doubles.enumerated() where weight != 0 {
        for sign in [-0.5, 0.5] {
          let pixels = draw(changed(name, index, by: sign * max(1, abs(weight)))).doubles
          let change = zip(pixels, original).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(pixels.count)
          guard change > 1e-4 else { continue }
          result.effective += 1
          let grey = (0..<side * side).map { i in (0..<channels).reduce(0) { $0 + pixels[i * channels + $1] } }
          if Self.oddShare(grey, side: side) > 0.01 { result.broken += 1 }
        }
      }
    }
    return result
  }

  // MARK: Concepts

  public struct ConceptSpread: Sendable, Hashable {
    /// Neurons that correlate with the mask by more than 0.95.
    public var correlated: Int
    /// `(Σβ²)²/Σβ⁴` of the weights of the linear reading of the mask: over how many neurons it is spread.
    public var participation: Double
  }

  /// How a concept, given by a mask over the pixels, is spread over the neurons.
  public func conceptSpread(_ mask: [Double], ridge: Double = 1e-3) -> ConceptSpread {
    let maps = featureMaps().filter { Self.deviation($0.values) > 1e-3 }
    let correlated = maps.count { abs(Self.correlation($0.values, mask)) > 0.95 }
    let beta = Self.decoder(maps, mask, ridge: ridge)
    let (second, fourth) = beta.reduce((0.0, 0.0)) { ($0.0 + $1 * $1, $0.1 + $1 * $1 * $1 * $1) }
    return ConceptSpread(correlated: correlated, participation: fourth > 0 ? second * second / fourth : 0)
  }

  /// Pairs of neurons that correlate by more than 0.95, identical copies aside.
  public func redundantPairs() -> Int {
    let maps = featureMaps().map(\.values).filter { Self.deviation($0) > 1e-3 }
    var pairs = 0
    for i in maps.indices {
      for j in maps.indices where j > i {
        let r = abs(Self.correlation(maps[i], maps[j]))
        if r > 0.95, r < 1 - 1e-9 { pairs += 1 }
      }
    }
    return pairs
  }

  /// The mean size of the cosines between the linear readings of several masks: 0 where concepts stand apart.
  public func entanglement(_ masks: [[Double]], ridge: Double = 1e-3) -> Double {
    let maps = featureMaps().filter { Self.deviation($0.values) > 1e-3 }
    let readings = masks.map { Self.decoder(maps, $0, ridge: ridge) }
    var (sum, count) = (0.0, 0)
    for i in readings.indices {
      for j in readings.indices where j > i {
        sum += abs(Self.cosine(readings[i], readings[j]))
        count += 1
      }
    }
    return count == 0 ? 0 : sum / Double(count)
  }

  /// Of the single-weight change that most changes the picture inside a mask: the share of its squared change outside.
  public func collateral(_ mask: [Double]) -> Double {
    let draw = drawing()
    let original = draw(parameters).doubles
    let channels = original.count / (side * side)
    var (best, share) = (0.0, 0.0)
    for name in parameters.names {
      for (index, weight) in parameters[name]!.doubles.enumerated() where weight != 0 {
        for sign in [-0.5, 0.5] {
          let pixels = draw(changed(name, index, by: sign * max(1, abs(weight)))).doubles
          var (inside, all) = (0.0, 0.0)
          for i in pixels.indices {
            let square = (pixels[i] - original[i]) * (pixels[i] - original[i])
            all += square
            if mask[i / channels] > 0.5 { inside += square }
          }
          if inside > best { (best, share) = (inside, (all - inside) / all) }
        }
      }
    }
    return share
  }

  /// `exp` of the entropy of the eigenvalues of the correlation between neurons' maps.
  public func effectiveRank() -> Double {
    let maps = featureMaps().map(\.values).filter { Self.deviation($0) > 1e-3 }
    guard maps.count > 1 else { return Double(maps.count) }
    let standard = maps.map { map -> [Double] in
      let (mean, deviation) = (map.reduce(0, +) / Double(map.count), Self.deviation(map))
      return map.map { ($0 - mean) / deviation }
    }
    let z = Tensor(standard.flatMap { $0 }, shape: [standard.count, side * side])
    let values = z.matmul(z.T).symmetricEigen().values.doubles.map { max($0, 0) }
    let total = values.reduce(0, +)
    var entropy = 0.0
    for value in values where value > 0 { entropy -= value / total * log(value / total) }
    return exp(entropy)
  }

  /// The leading principal components of the maps of each layer, as maps.
  public func principalMaps(_ count: Int) -> [(layer: String, maps: [[Double]], shares: [Double])] {
    let all = featureMaps()
    var order: [String] = []
    for map in all where !order.contains(map.layer) { order.append(map.layer) }
    return order.map { layer in
      let maps = all.filter { $0.layer == layer }.map { map -> [Double] in
        let mean = map.values.reduce(0, +) / Double(map.values.count)
        return map.values.map { $0 - mean }
      }
      let matrix = Tensor(maps.flatMap { $0 }, shape: [maps.count, side * side])
      let (_, s, v) = matrix.singularValues()
      let squares = s.doubles.map { $0 * $0 }
      let total = max(squares.reduce(0, +), 1e-300)
      let taken = min(count, squares.count)
      return (layer, (0..<taken).map { v[$0].doubles }, squares.prefix(taken).map { $0 / total })
    }
  }

  static func correlation(_ a: [Double], _ b: [Double]) -> Double {
    let (ma, mb) = (a.reduce(0, +) / Double(a.count), b.reduce(0, +) / Double(b.count))
    return cosine(a.map { $0 - ma }, b.map { $0 - mb })
  }

  static func cosine(_ a: [Double], _ b: [Double]) -> Double {
    var (ab, aa, bb) = (0.0, 0.0, 0.0)
    for i in a.indices {
      ab += a[i] * b[i]
      aa += a[i] * a[i]
      bb += b[i] * b[i]
    }
    return aa > 0 && bb > 0 ? ab / (aa * bb).squareRoot() : 0
  }

  /// Ridge regression of a mask on the standardized maps.
  static func decoder(_ maps: [FeatureMap], _ mask: [Double], ridge: Double) -> [Double] {
    guard !maps.isEmpty else { return [] }
    let columns = maps.map { map -> [Double] in
      let (mean, deviation) = (map.values.reduce(0, +) / Double(map.values.count), deviation(map.values))
      return map.values.map { ($0 - mean) / deviation }
    }
    let n = Double(mask.count)
    let mean = mask.reduce(0, +) / n
    let z = Tensor(columns.flatMap { $0 }, shape: [maps.count, mask.count])
    let target = Tensor(mask.map { $0 - mean }).reshape(mask.count, 1)
    let gram = z.matmul(z.T) * (1 / n) + Tensor.eye(maps.count, dtype: .float64) * ridge
    return gram.solve(z.matmul(target) * (1 / n)).doubles
  }
}
