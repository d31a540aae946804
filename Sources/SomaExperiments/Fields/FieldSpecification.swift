import Foundation
import Soma
import SomaLearning
import SomaNetworks

/// A field's network by its name, with its size: `spder`, `siren`, `relu-octaves`, `grbf` …, or `sine:gelu` for any activation.
public struct FieldSpecification: Sendable, Hashable, Codable {
  public var name: String
  /// Of the coordinates.
  public var inputs: Int
  public var outputs: Int
  public var width: Int
  public var depth: Int
  public var omega: Double
  /// The frequency of the first layer, if it differs.
  public var firstOmega: Double?
  /// Samples along a side, which say how fine encodings are.
  public var samples: Int
  /// Of a random hypernetwork: its numbers.
  public var latent: Int?
  public var seed: Int

  public init(
    _ name: String, inputs: Int, outputs: Int, width: Int = 64, depth: Int = 4, omega: Double = 30,
    firstOmega: Double? = nil, samples: Int = 64, latent: Int? = nil, seed: Int = 0
  ) {
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
    self.width = width
    self.depth = depth
    self.omega = omega
    self.firstOmega = firstOmega
    self.samples = samples
    self.latent = latent
    self.seed = seed
  }

  /// The largest number of parameters of a field's network; what a file claims, or a hypernetwork generates, is held to it too.
  public static let largestCount = 1 << 26

  /// Names and what they stand for.
  public static let networks: [(name: String, summary: String)] = [
    ("spder", "sin x √|x|, ω₀ 30"), ("spder-log", "sin x log(1+|x|), ω₀ 30"),
    ("spder-arctan", "sin x atan x, ω₀ 30"), ("siren", "sin x, ω₀ 30"), ("relu", "rectifiers on coordinates"),
    ("relu-octaves", "rectifiers on sines of octaves"), ("relu-fourier", "rectifiers on random frequencies"),
    ("grbf", "feature grids, normalized Gaussian kernels"), ("grbf-plain", "feature grids, Gaussian kernels"),
    ("grid-linear", "feature grids, a linear map"), ("grid-mlp", "feature grids, one hidden layer"),
    ("BASIS-kan", "learned functions on edges: bspline-kan, chebyshev-kan, fourier-kan …"),
  ]

  /// - Throws: `FieldError` if the name is not known, `ActivationError` for an unknown activation.
  public func network() throws -> any Layer {
    guard width > 0, depth > 0, depth <= 64, width <= 1 << 16, inputs > 0, inputs <= 6, outputs > 0, outputs <= 64,
      omega > 0, omega.isFinite, (firstOmega ?? 1) > 0, (latent ?? 1) > 0, (latent ?? 1) <= 1 << 24, samples > 0
    else { throw FieldError("\(name): its sizes are impossible") }
    let layer = try plain()
    guard layer.parameterCount(for: [1, inputs]) <= Self.largestCount else {
      throw FieldError(
        "\(name): a network of width \(width) and depth \(depth) has more than \(Self.largestCount) parameters")
    }
    guard let latent else { return layer }
    let isRectified = name.hasPrefix("relu")
    return RandomHypernetwork(
      target: layer, latent: latent, seed: seed,
      variance: isRectified
        ? RandomHypernetwork.rectifierVariance
        : RandomHypernetwork.sinusoidalVariance(omega: omega, inputs: inputs, width: width))
  }

  private func plain() throws -> any Layer {
    func periodic(_ activation: any Layer) -> any Layer {
      CoordinateNetwork(
        width: width, depth: depth, outputs: outputs, activation: activation, omega: omega, firstOmega: firstOmega)
    }
    func rectified(_ encoding: CoordinateEncoding) -> any Layer {
      CoordinateNetwork.rectified(width: width, depth: depth, outputs: outputs, encoding: encoding)
    }
    // Half and three quarters of the samples' fineness in the plane, more levels in space.
    let resolutions =
      inputs == 3
      ? [2, 4, 8].map { max(2, $0 * width / 16) }
      : inputs == 2 ? [gridSide, gridSide * 3 / 2] : [gridSide, gridSide * 2]
    func grid(_ decoder: any Layer) -> any Layer {
      GridField(grid: FeatureGrid(resolutions: resolutions, channels: inputs == 3 ? 4 : 8), decoder: decoder)
    }
    switch name {
    case "spder": return periodic(try Activation.spder())
    case "spder-log": return periodic(try Activation.spder(damping: .logarithm))
    case "spder-arctan": return periodic(try Activation.spder(damping: .arcTangent))
    case "siren": return periodic(try Activation.spder(damping: .none))
    case "relu": return rectified(.identity)
    case "relu-octaves": return rectified(.octaves(forSamples: samples))
    case "relu-fourier": return rectified(.randomFrequencies(count: 128, deviation: 10, seed: seed))
    case "grbf": return grid(GaussianKernels(count: 64, outputs: outputs))
    case "grbf-plain": return grid(GaussianKernels(count: 64, outputs: outputs, isNormalized: false))
    case "grid-linear": return grid(Dense(outputs))
    case "grid-mlp":
      return grid(
        Sequential {
          Dense(60, initializer: .heNormal)
          Activation.relu
          Dense(outputs)
        })
    default:
      if name.hasSuffix("-kan") {
        let basis = try EdgeBasisNames.named(String(name.dropLast(4)), range: -1...1)
        return KAN([inputs] + [Int](repeating: width, count: depth) + [outputs], basis: basis)
      }
      let parts = name.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, parts[0] == "sine" || parts[0] == "coordinate" else {
        throw FieldError(
          "\(name): no field network has this name; there are \(Self.networks.map(\.name).joined(separator: ", ")), "
            + "and coordinate:ACTIVATION; the bases are \(EdgeBasisNames.all.map(\.name).joined(separator: ", "))")
      }
      return periodic(try Activation.named(String(parts[1])))
    }
  }

  /// Grids scale with the width: 64 stands for 16 nodes.
  private var gridSide: Int { max(4, width / 4) }

  public var isGrid: Bool { name.hasPrefix("grbf") || name.hasPrefix("grid") }

  /// Rates at which it usually learns well.
  public var usualLearningRate: Double {
    if isGrid { return name == "grbf-plain" ? 1e-2 : 5e-2 }
    if name.hasSuffix("-kan") { return 1e-2 }
    return name.hasPrefix("relu") ? 2e-3 : name == "siren" ? 1e-3 : 5e-4
  }

  public func parameterCount() throws -> Int {
    try (latent == nil ? plain() : network()).parameterCount(for: [1, inputs])
  }

  /// The same network as wide as comes closest to a number of parameters.
  /// - Throws: `FieldError` if no width comes within a tenth.
  public func scaled(toParameters budget: Int) throws -> FieldSpecification {
    func count(_ width: Int) throws -> Int {
      var other = self
      other.width = width
      return try other.parameterCount()
    }
    guard budget <= Self.largestCount else {
      throw FieldError(
        "\(name): \(budget) parameters are more than \(Self.largestCount), the largest number of a field")
    }
    var (low, high) = (1, 1)
    while try count(high) < budget, high < 1 << 14 { high *= 2 }
    while low < high {
      let middle = (low + high) / 2
      if try count(middle) < budget { low = middle + 1 } else { high = middle }
    }
    let best = try [max(1, low - 1), low].min { a, b in
      abs(try count(a) - budget) < abs(try count(b) - budget)
    }!
    let reached = try count(best)
    // Grids come in whole nodes; the step between two widths may be large.
    guard abs(reached - budget) * 10 <= budget * 2 else {
      throw FieldError("\(name): no width comes near \(budget) parameters; the closest has \(reached)")
    }
    var result = self
    result.width = best
    return result
  }
}
