import Soma
import SomaNetworks

/// A network that takes part in a comparison, scaled to the common number of parameters.
public struct Candidate: Sendable, Hashable {
  /// As it was asked for: `relu`, `mlp:gelu`, `resnet8`.
  public let name: String
  public let specification: NetworkSpecification
  public let parameters: Int

  /// Reads what takes part: a network with or without activation and width (`resnet8:mish`), or an activation alone, which
  /// goes into `network`.
  /// - Throws: `NetworkError`, `ActivationError`; `ComparisonError` for a name that is neither, with the nearest of both.
  static func specification(_ text: String, network: String) throws -> NetworkSpecification {
    let name = text.prefix { $0 != ":" && $0 != "@" && $0 != "(" }.lowercased()
    if text.contains(":") || networkFailure(name) == nil { return try NetworkSpecification(parsing: text) }
    switch activationFailure(text) {
    case nil: break
    case .unknownName(_, let activations)?:
      let nearest = nearestNetworks(text) + activations
      throw ComparisonError(
        "\"\(text)\" is neither an activation nor a network"
          + (nearest.isEmpty ? "" : "; did you mean \(nearest.prefix(4).joined(separator: ", "))?"))
    case let failure?: throw failure
    }
    let host = try NetworkSpecification(parsing: network)
    return try NetworkSpecification(parsing: "\(host.name):\(text)" + (host.width == 1 ? "" : "@\(host.width)"))
  }

  /// Candidates and behind them every entry of the catalogue that can stand in a network; relu first if there are none.
  /// - Throws: `NetworkError`
  public static func withAllActivations(_ names: [String], network: String) throws -> [String] {
    let host = try NetworkSpecification(parsing: network)
    let all = Activation.find { activation in
      activation.suitsDenseLayers && networkFailure("\(host.name):\(activation.name)") == nil
    }
    return (names.isEmpty ? ["relu"] : names)
      + all.map(\.name).filter { $0 != "relu" || !names.isEmpty }
      .filter { !names.contains($0) }
  }

  // Failures as values: the compiler (6.3) fails on patterns in the `catch` of a typed error.
  private static func activationFailure(_ text: String) -> ActivationError? {
    do { _ = try Activation.named(text) } catch { return error }
    return nil
  }

  private static func networkFailure(_ text: String) -> NetworkError? {
    do { _ = try NetworkSpecification(parsing: text) } catch { return error }
    return nil
  }

  private static func nearestNetworks(_ text: String) -> [String] {
    if case .unknownName(_, let nearest)? = networkFailure(text) { nearest } else { [] }
  }

  /// Widths for about `budget` parameters.
  /// - Throws: `NetworkError` if none come near; `ComparisonError` for a network that does not suit the data.
  init(_ name: String, _ specification: NetworkSpecification, budget: Int, data: ComparisonSettings.Data) throws {
    let input = Self.input(data)
    try Self.check(specification, data)
    self.name = name
    self.specification = try specification.scaled(toParameters: budget, input: input, outputs: data.outputs)
    parameters = self.specification.parameterCount(input: input, outputs: data.outputs)
  }

  private static func input(_ data: ComparisonSettings.Data) -> Shape { Shape([1] + data.sampleShape) }

  static func check(_ specification: NetworkSpecification, _ data: ComparisonSettings.Data) throws {
    guard !specification.readsSymbols else {
      throw ComparisonError("\(specification.name) reads text; a comparison's samples are images or rows of numbers")
    }
    guard specification.name != "unet" else {
      throw ComparisonError("\(specification.name) puts out images; a comparison wants one prediction for each sample")
    }
    guard data.sampleShape.count <= 3 else {
      throw ComparisonError("\(data.name): samples of shape \(data.sampleShape) are neither images nor rows of numbers")
    }
  }

  /// How far the number of parameters is from a budget, as a share of it.
  func deviation(from budget: Int) -> Double { Double(parameters - budget) / Double(budget) }

  func network(_ data: ComparisonSettings.Data, batch: Int) -> any Layer {
    specification.network(input: Shape([batch] + data.sampleShape), outputs: data.outputs)
  }

  /// The number of parameters that a comparison gets if none is asked for: 20,000 for the ready dense networks, else what the first
  /// candidate has with its own widths.
  static func usualBudget(_ specification: NetworkSpecification, _ data: ComparisonSettings.Data) -> Int {
    if ["mlp", "mlp-deep"].contains(specification.name), specification.width == 1 { return 20_000 }
    return specification.parameterCount(input: input(data), outputs: data.outputs)
  }
}
