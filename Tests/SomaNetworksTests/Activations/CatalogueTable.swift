import Foundation
import Soma
import Testing

@testable import SomaNetworks

/// A row of the table of activations, `Tests/Golden/activation-catalogue.tsv`: values from 40-digit arithmetic at
/// x = -2, -0.5, 0, 0.5, 2, seven digits, at the default parameters and, in `probes`, at others.
struct CatalogueRow: Sendable, CustomTestStringConvertible {
  var name: String
  var section: String
  var kind: String
  var parameters: String
  var golden: [Double]?
  var probe: (values: [String: ActivationParameter.Value], expected: [Double])?

  var testDescription: String { name }
  var family: String { String(section.split(separator: "/")[0]) }

  static let points = [-2, -0.5, 0, 0.5, 2] as [Double]
  static let gates = [1, -1, 0.5, 2, -0.5] as [Double]

  static let all: [CatalogueRow] = {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "../../Golden/activation-catalogue.tsv")
    guard let text = try? String(contentsOf: path, encoding: .utf8) else { return [] }
    return text.split(separator: "\n").dropFirst().map { line in
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      return CatalogueRow(
        name: fields[0], section: fields[2], kind: fields[3], parameters: fields[5], golden: numbers(fields[8]),
        probe: probe(fields[7]))
    }
  }()

  private static func numbers(_ text: String) -> [Double]? {
    text == "n/a" ? nil : text.split(separator: ";").map { Double($0)! }
  }

  /// `probe(a=2; b=[1,0.5]): 1;2;3;4;5`
  private static func probe(_ notes: String) -> (values: [String: ActivationParameter.Value], expected: [Double])? {
    guard let match = notes.firstMatch(of: /probe\(([^)]*)\): ([-0-9.;e]+)/) else { return nil }
    var values: [String: ActivationParameter.Value] = [:]
    for pair in match.1.split(separator: ";") {
      let parts = pair.split(separator: "=").map { $0.trimmingCharacters(in: .whitespaces) }
      let value = try? ActivationParameter.parseValue(parts[1]) { .malformedParameter(text: parts[1], reason: $0) }
      values[parts[0]] = value
    }
    var expected = String(match.2)
    while expected.hasSuffix(".") || expected.hasSuffix(";") { expected.removeLast() }
    return (values, numbers(expected)!)
  }

  /// The activation in the form that the table prints.
  func activation() throws -> Activation {
    let f = try Activation.named(name)
    switch name {
    // The library's own defaults avoid a pole, and clamp inputs to where the function is defined.
    case "softsign-rrelu": return try f.with(["bounded": 0])
    case "sbaf": return try f.with(["strict": 1])
    default: return f
    }
  }

  /// The values that the table lists, for an activation of this row.
  func values(_ f: Activation, _ dtype: DType) -> [Double] {
    let x = Tensor(Self.points).cast(to: dtype)
    if f.takesPair { return f(x, gate: Tensor(Self.gates).cast(to: dtype)).doubles }
    switch name {
    // The five numbers are a batch of one unit.
    case "average-biased-relu", "margin-relu", "aoaf", "dynamic-relu-midpoint", "activation-ensemble":
      return f(x.reshape([5, 1])).doubles
    case "oplu": return f(x[0..<4]).doubles
    case "hcaf": return f(x)[0..., 2].doubles
    case "crelu", "ncrelu", "paired-relu", "multi-bias": return f(x).doubles
    case "dy-relu": return f(x.reshape([5, 1])).doubles
    default: return f(x).doubles
    }
  }
}
