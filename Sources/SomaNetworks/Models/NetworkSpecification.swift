import Foundation
import Soma

/// A network that cannot be made from what was asked for.
public enum NetworkError: Error, Hashable, CustomStringConvertible {
  case unknownName(String, nearest: [String])
  case unknownBasis(String, nearest: [String])
  case malformedCount(String, basis: String)
  case malformedWidth(String)
  case unsuitableActivation(String, network: String)
  case noActivation(network: String)
  case activation(ActivationError)
  case unreachableBudget(Int, network: String, closest: Int)
  case unsuitableOperators(String, network: String)

  public var description: String {
    switch self {
    case .unknownName(let name, let nearest):
      "unknown network \"\(name)\"" + (nearest.isEmpty ? "" : "; did you mean \(nearest.joined(separator: ", "))?")
    case .unknownBasis(let name, let nearest):
      "unknown basis of edges \"\(name)\"; there are \(nearest.joined(separator: ", "))"
    case .malformedCount(let text, let basis): "\(basis):\(text) is no basis: the number must be 2 to 64"
    case .malformedWidth(let text): "width \"\(text)\" is not a positive number (a factor such as 0.5)"
    case .unsuitableActivation(let activation, let network):
      "\(network) cannot use \(activation), which halves its input"
    case .noActivation(let network): "\(network) has no activation to choose"
    case .activation(let error): error.description
    case .unsuitableOperators(let text, let network):
      "\(network) cannot have the operators \"\(text)\": one of \(SparseOperator.allCases.map(\.rawValue).joined(separator: ", ")) for each hidden layer of an mlp"
    case .unreachableBudget(let budget, let network, let closest):
      "\(network) cannot have about \(budget) parameters for this input; the closest is \(closest)"
    }
  }
}

/// A ready network as text: `mlp`, `mlp:mish`, `resnet8:gelu@0.5`, `mlp-15` (15 hidden layers), `mlp-norm-15` (normalized) — name,
/// activation, factor of all widths.
public struct NetworkSpecification: Hashable, Sendable, CustomStringConvertible {
  public var name: String
  /// The network's own if nil.
  public var activation: Activation?
  /// Multiplies all widths.
  public var width: Double
  /// Of dense networks, instead of an activation: for each hidden layer an operator with trained scales, `mlp:scaled(gelu,srs)`.
  public private(set) var operators: [SparseOperator]?

  /// - Throws: `NetworkError` for names that are not known.
  public init(parsing text: String) throws(NetworkError) {
    var rest = Substring(text)
    width = 1
    // The activation may have parameters in parentheses, but no @.
    if let at = rest.lastIndex(of: "@") {
      let number = rest[rest.index(after: at)...]
      guard let value = Double(number), value > 0, value.isFinite, value < 1e6 else {
        throw .malformedWidth(String(number))
      }
      width = value
      rest = rest[..<at]
    }
    let parts = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    name = String(parts[0]).lowercased()
    guard let entry = Self.entry(name) else {
      throw .unknownName(String(parts[0]), nearest: nearestNames(to: name, among: Self.entries.map(\.name)))
    }
    guard parts.count > 1 else { return }
    guard entry.takesActivation else { throw .noActivation(network: name) }
    if parts[1].hasPrefix("scaled("), parts[1].hasSuffix(")") {
      let list = parts[1].dropFirst(7).dropLast()
      let found = list.split(separator: ",").map { SparseOperator(rawValue: $0.trimmingCharacters(in: .whitespaces)) }
      guard found.allSatisfy({ $0 != nil }), found.count == entry.hiddenLayers else {
        throw .unsuitableOperators(String(list), network: name)
      }
      operators = found.compactMap(\.self)
      return
    }
    let activation: Activation
    do { activation = try .named(String(parts[1])) } catch { throw .activation(error) }
    guard !activation.takesPair || entry.takesGates else {
      throw .unsuitableActivation(activation.name, network: name)
    }
    self.activation = activation
  }

  public var description: String {
    name + (activation.map { ":\($0.name)" } ?? "")
      + (operators.map { ":scaled(\($0.map(\.rawValue).joined(separator: ",")))" } ?? "")
      + (width == 1 ? "" : "@\(width)")
  }

  /// The names, with one line about each.
  public static var all: [(name: String, summary: String)] { entries.map { ($0.name, $0.summary) } }

  /// Hidden layers that can have operators of their own; nil for what is no plain dense network.
  public var hiddenLayers: Int? { entry.hiddenLayers }

  /// The same network with an operator for each hidden layer.
  /// - Throws: `NetworkError.unsuitableOperators`
  public func with(operators: [SparseOperator]) throws(NetworkError) -> NetworkSpecification {
    guard operators.count == hiddenLayers else {
      throw .unsuitableOperators(operators.map(\.rawValue).joined(separator: ","), network: name)
    }
    var result = self
    (result.activation, result.operators) = (nil, operators)
    return result
  }

  /// Whether inputs are integers `[n, t]` and outputs a score for each place.
  public var readsSymbols: Bool { entry.readsSymbols }

  /// One sample's shape as it is usual for the network, for looking at it without data.
  public var usualInput: [Int] {
    if readsSymbols { return [128] }
    if name.hasPrefix("mlp") { return [64] }
    if name == "lenet" { return [1, 28, 28] }
    let isLarge =
      ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "mobilenet"].contains(name)
      || name.hasPrefix("vgg")
    return isLarge ? [3, 224, 224] : [3, 32, 32]
  }

  /// The network for inputs of a shape (batch axis first).
  /// - `outputs`: classes, predicted numbers, symbols of the vocabulary, or channels of the output image.
  public func network(input: Shape, outputs: Int) -> any Layer {
    entry.make(
      Request(input: input, outputs: outputs, activation: activation, width: width, operators: operators))
  }

  /// How many numbers it trains, found without making them.
  public func parameterCount(input: Shape, outputs: Int) -> Int {
    network(input: input, outputs: outputs).parameterCount(for: input, dtype: readsSymbols ? .int32 : .float32)
  }

  /// The same network with the width whose number of parameters comes closest to a budget.
  /// - Throws: `NetworkError.unreachableBudget` if it stays more than a tenth away.
  public func scaled(toParameters budget: Int, input: Shape, outputs: Int) throws(NetworkError) -> NetworkSpecification
  {
    func count(_ width: Double) -> Int {
      var candidate = self
      candidate.width = width
      return candidate.parameterCount(input: input, outputs: outputs)
    }
    var best = (width: width, count: count(width))
    func consider(_ width: Double, _ found: Int) {
      if abs(found - budget) < abs(best.count - budget) { best = (width, found) }
    }
    // Counts grow with the square of the width, or linearly: start there, then enclose.
    var (low, high) = (width, width)
    var tries = 0
    while tries < 40, count(high) < budget {
      (low, high) = (high, high * 2)
      tries += 1
    }
    while tries < 40, count(low) > budget, low > 1.0 / 4096 {
      (low, high) = (low / 2, low)
      tries += 1
    }
    for _ in 0..<24 where best.count != budget {
      let middle = (low * high).squareRoot()
      let found = count(middle)
      consider(middle, found)
      if found < budget { low = middle } else { high = middle }
    }
    consider(low, count(low))
    consider(high, count(high))
    guard abs(best.count - budget) * 10 <= budget else {
      throw .unreachableBudget(budget, network: name, closest: best.count)
    }
    var result = self
    result.width = best.width
    return result
  }

  // MARK: The networks

  private struct Request {
    var input: Shape
    var outputs: Int
    var activation: Activation?
    var width: Double
    var operators: [SparseOperator]?

    func activation(or usual: Activation) -> Activation { activation ?? usual }

    /// A transformer's width in whole heads, and the feed-forward units that make up for the rounding: a block has
    /// `4 w² + 2 w · hidden` weights, where 12 w² of the unrounded width are wanted.
    func transformer(_ base: Int, heads: Int) -> (width: Int, hidden: Int) {
      let wanted = Double(base) * width
      let whole = Swift.max(1, Int(wanted / Double(heads))) * heads
      let w = Double(whole)
      return (whole, Swift.max(1, Int(((12 * wanted * wanted - 4 * w * w) / (2 * w)).rounded())))
    }
  }

  private struct Entry: Sendable {
    var name: String
    var summary: String
    var takesActivation = true
    var takesGates = false
    var readsSymbols = false
    /// Of a plain dense network.
    var hiddenLayers: Int?
    var make: @Sendable (Request) -> any Layer
  }

  private var entry: Entry {
    guard let entry = Self.entry(name) else { fatalError("no network is named \(name)") }
    return entry
  }

  private static func entry(_ name: String) -> Entry? { entries.first { $0.name == name } ?? ofDepth(name) }

  /// The most hidden layers that a name can ask for.
  public static let mostLayers = 1000

  /// `mlp-15`: so many dense layers of 64 units; `mlp-norm-15`: each with batch normalization before its activation.
  private static func ofDepth(_ name: String) -> Entry? {
    let isNormalized = name.hasPrefix("mlp-norm-")
    guard isNormalized || name.hasPrefix("mlp-"), let depth = Int(name.dropFirst(isNormalized ? 9 : 4)),
      (1...mostLayers).contains(depth), name.hasSuffix("-\(depth)")
    else { return nil }
    let hidden = [Int](repeating: 64, count: depth)
    guard isNormalized else { return dense(name, hidden, "\(depth) dense layers of 64 units") }
    return Entry(name: name, summary: "\(depth) dense layers of 64 units with batch normalization") { request in
      let (widths, activation) = (hidden.scaled(request.width), request.activation(or: .relu))
      let layers: [any Layer] = widths.flatMap { width -> [any Layer] in
        [Dense(width, initializer: .heNormal), BatchNorm(), activation]
      }
      return Sequential([Flatten()] + layers + [Dense(request.outputs, initializer: .heNormal)])
    }
  }

  private static func dense(_ name: String, _ hidden: [Int], _ summary: String) -> Entry {
    Entry(name: name, summary: summary, takesGates: true, hiddenLayers: hidden.count) { request in
      MLP(
        hidden: hidden.scaled(request.width), outputs: request.outputs, activation: request.activation(or: .relu),
        operators: request.operators)
    }
  }

  /// Two layers of edges of one basis.
  private static func edges(_ basis: any EdgeBasis, _ request: Request) -> any Layer {
    let hidden = [8].scaled(request.width)
    return Sequential([
      Flatten(), KAN([request.input.dropFirst().reduce(1, *), hidden[0], request.outputs], basis: basis),
    ])
  }

  private static let entries: [Entry] = {
    var result = [
      dense("mlp", [64, 64], "two dense layers of 64 units"),
      dense("mlp-deep", [Int](repeating: 32, count: 8), "eight dense layers of 32 units"),
      Entry(name: "lenet", summary: "two convolutions, three dense layers") {
        LeNet(outputs: $0.outputs, activation: $0.activation(or: .relu), width: $0.width)
      },
    ]
    // Those below that have a network of their own keep it.
    let known = ["bspline", "fourier", "wavelet", "rbf"]
    for basis in EdgeBasisNames.all where !known.contains(basis.name) {
      result.append(
        Entry(name: "\(basis.name)-kan", summary: "\(basis.summary) on edges, 8 hidden nodes", takesActivation: false) {
          guard let basis = try? EdgeBasisNames.named(basis.name, range: -2...2) else { fatalError("\(basis.name)") }
          return edges(basis, $0)
        })
    }
    for depth in [8, 14, 20, 32, 44, 56, 110, 18, 34, 50, 101, 152] {
      let summary =
        depth == 18 || depth == 34
        ? "residual network, 64 to 512 channels"
        : depth >= 50 && depth != 56 && depth != 110
          ? "residual network of bottlenecks, 256 to 2048 channels"
          : "residual network for small images, 16 to 64 channels"
      result.append(
        Entry(name: "resnet\(depth)", summary: summary) { request in
          // Small images keep their size in the stem.
          let isSmall = request.input.dropFirst().suffix(2).allSatisfy { $0 < 64 }
          guard
            let network = ResNet.depth(
              depth, outputs: request.outputs, activation: request.activation(or: .relu), stem: isSmall ? .small : nil,
              width: request.width)
          else { fatalError("no ResNet of depth \(depth)") }
          return network
        })
    }
    for depth in [11, 13, 16, 19] {
      result.append(
        Entry(name: "vgg\(depth)", summary: "plain 3×3 convolutions, 64 to 512 channels") {
          guard
            let network = VGG.depth(depth, outputs: $0.outputs, activation: $0.activation(or: .relu), width: $0.width)
          else { fatalError("no VGG of depth \(depth)") }
          return network
        })
    }
    result += [
      Entry(name: "mobilenet", summary: "inverted residuals, for large images") {
        MobileNet(outputs: $0.outputs, activation: $0.activation, width: $0.width)
      },
      Entry(name: "mobilenet-small", summary: "inverted residuals, for small images") {
        MobileNet.small(outputs: $0.outputs, activation: $0.activation, width: $0.width)
      },
      Entry(name: "vit", summary: "transformer on patches of 4×4, 4 layers, width 64") {
        let (width, hidden) = $0.transformer(64, heads: 4)
        return ViT(outputs: $0.outputs, width: width, hidden: hidden, activation: $0.activation(or: .gelu))
      },
      Entry(name: "gpt", summary: "transformer language model, 4 layers, width 128", readsSymbols: true) {
        let (width, hidden) = $0.transformer(128, heads: 4)
        return GPT(
          vocabulary: $0.outputs, context: $0.input.last, width: width, hidden: hidden,
          activation: $0.activation(or: .gelu))
      },
      Entry(name: "lstm", summary: "LSTM language model, 128 units", takesActivation: false, readsSymbols: true) {
        let widths = [64, 128].scaled($0.width)
        return LSTMLanguageModel(vocabulary: $0.outputs, embedding: widths[0], units: widths[1])
      },
      Entry(name: "kan", summary: "learned B-splines on edges, 8 hidden nodes, grid of 5 on -2…2") {
        let hidden = [8].scaled($0.width)
        let base = $0.activation.map { KANLayer.Base.activation($0) } ?? .silu
        return Sequential([
          Flatten(), KANLayer(hidden[0], intervals: 5, range: -2...2, base: base),
          KANLayer($0.outputs, intervals: 5, range: -2...2, base: base),
        ])
      },
      Entry(name: "cheby-kan", summary: "Chebyshev polynomials on edges, 8 hidden nodes", takesActivation: false) {
        edges(ChebyshevBasis(), $0)
      },
      Entry(name: "fourier-kan", summary: "Fourier series on edges, 8 hidden nodes", takesActivation: false) {
        edges(FourierBasis(), $0)
      },
      Entry(name: "wavelet-kan", summary: "Mexican hats on edges, 8 hidden nodes", takesActivation: false) {
        edges(WaveletBasis(range: -2...2), $0)
      },
      Entry(name: "fast-kan", summary: "Gaussian bumps on edges, 8 hidden nodes", takesActivation: false) {
        edges(GaussianBasis(range: -2...2), $0)
      },
      Entry(name: "faster-kan", summary: "switches on edges, 8 hidden nodes", takesActivation: false) {
        Sequential([Flatten(), FasterKAN([8].scaled($0.width) + [$0.outputs])])
      },
      Entry(name: "relu-kan", summary: "two-sided ReLUs on edges, 8 hidden nodes", takesActivation: false) {
        let hidden = [8].scaled($0.width)
        return Sequential([Flatten(), ReLUKANLayer(hidden[0]), ReLUKANLayer($0.outputs)])
      },
      Entry(name: "af-kan", summary: "two-sided activations, reduced by attention, 64 hidden nodes") {
        let basis = TwoSidedBasis($0.activation(or: .silu))
        return Sequential([Flatten(), AFKAN([64].scaled($0.width) + [$0.outputs], basis: basis)])
      },
      Entry(
        name: "spline-mlp", summary: "two dense layers of 64 units, each with a learned B-spline",
        takesActivation: false
      ) {
        let hidden = [64, 64].scaled($0.width)
        return Sequential(
          [Flatten()] + hidden.flatMap { [Dense($0), BSplineActivation()] as [any Layer] } + [Dense($0.outputs)])
      },
      Entry(name: "activation-kan", summary: "shifted copies of an activation on edges, 8 hidden nodes") {
        edges(ActivationBasis($0.activation(or: .silu), range: -2...2), $0)
      },
      Entry(name: "fan", summary: "sines and cosines beside an activation, two layers of 64 units") {
        let width = Swift.max(4, [64].scaled($0.width)[0])
        return Sequential([Flatten(), FAN(outputs: $0.outputs, width: width, activation: $0.activation(or: .gelu))])
      },
      Entry(name: "gated-fan", summary: "the same with a gate between both") {
        let width = Swift.max(4, [64].scaled($0.width)[0])
        return Sequential([
          Flatten(), FAN(outputs: $0.outputs, width: width, activation: $0.activation(or: .gelu), isGated: true),
        ])
      },
      Entry(name: "mlp-kan", summary: "mixture of 4 MLPs and 4 KANs in two residual blocks", takesActivation: false) {
        let width = [24].scaled($0.width)[0]
        let block = MLPKAN(hidden: Swift.max(2, width * 5 / 4), kanHidden: Swift.max(1, width / 6))
        return Sequential([
          Flatten(), Dense(width),
          Residual {
            LayerNorm(); block
          },
          Residual {
            LayerNorm(); block
          }, Dense($0.outputs),
        ])
      },
      Entry(name: "unet", summary: "from images to images, 16 to 128 channels") {
        UNet(outputs: $0.outputs, activation: $0.activation(or: .relu), widths: [16, 32, 64, 128].scaled($0.width))
      },
    ]
    return result
  }()
}

/// A ready network by its specification.
public struct Network: Layer {
  public var specification: NetworkSpecification
  private let layer: any Layer

  public init(_ specification: NetworkSpecification, input: Shape, outputs: Int) {
    self.specification = specification
    layer = specification.network(input: input, outputs: outputs)
  }

  /// `Network.named("resnet8:gelu", input: [1, 3, 32, 32], outputs: 10)`, with all widths scaled to a number of
  /// parameters if
  /// wanted.
  /// - Throws: `NetworkError`
  public static func named(_ text: String, input: Shape, outputs: Int, parameters: Int? = nil) throws(NetworkError)
    -> Network
  {
    var specification = try NetworkSpecification(parsing: text)
    if let parameters {
      specification = try specification.scaled(toParameters: parameters, input: input, outputs: outputs)
    }
    return Network(specification, input: input, outputs: outputs)
  }

  public func forward(_ x: Tensor, _ scope: Scope) -> Tensor { layer.forward(x, scope) }
}
