import Foundation
import Soma
import SomaData

/// The standard's own tests of single operators, as `scripts/make-onnx-conformance.py` writes them: a folder for each test
/// with `model.onnx`, `test_data_set_*/input_*.pb` and `output_*.pb`, and the tolerances in `tolerance.txt`.
public enum ONNXConformance {
  public enum Verdict: Sendable, Equatable {
    case passed
    /// A wrong answer, or a right model refused.
    case failed(String)
    /// What the test needs does not exist here.
    case notSupported(String)
  }

  public struct Outcome: Sendable {
    public let name: String
    public let verdict: Verdict
    /// Whether the test stays in the default domain and needs no sequences, maps, optional values or text.
    public let isInScope: Bool
  }

  /// The names of the tests in a folder, sorted.
  /// - Throws: `DataError` if it is no folder or holds no test.
  public static func tests(in directory: String) throws -> [String] {
    let names = try directoryEntries(directory).filter { fileExists("\(directory)/\($0)/model.onnx") }
    guard !names.isEmpty else { throw DataError(directory, "holds no folder with a model.onnx") }
    return names
  }

  public static func run(_ name: String, in directory: String) -> Outcome {
    let folder = "\(directory)/\(name)"
    do {
      let model = try ONNXModel.read("\(folder)/model.onnx")
      return Outcome(name: name, verdict: verdict(of: model, folder), isInScope: model.isInScope)
    } catch let error as ONNXError where error.kind == .unsupported {
      return Outcome(name: name, verdict: .notSupported(error.description), isInScope: true)
    } catch {
      return Outcome(name: name, verdict: .failed("\(error)"), isInScope: true)
    }
  }

  private static func verdict(of model: ONNXModel, _ folder: String) -> Verdict {
    do {
      let sets = try directoryEntries(folder).filter { $0.hasPrefix("test_data_set_") }
      guard !sets.isEmpty else { return .failed("it has no data") }
      if let port = (model.inputs + model.outputs).first(where: { $0.element == nil && !$0.elementName.isEmpty }) {
        return .notSupported("values of type \(port.elementName)")
      }
      for set in sets {
        let verdict = try verdict(of: model, folder, "\(folder)/\(set)")
        guard verdict == .passed else { return verdict }
      }
      return .passed
    } catch let error as ONNXError where error.kind == .unsupported {
      return .notSupported(error.description)
    } catch {
      return .failed("\(error)")
    }
  }

  private static func verdict(of model: ONNXModel, _ folder: String, _ set: String) throws -> Verdict {
    let tolerance = try readFile("\(folder)/tolerance.txt")
    let numbers = String(decoding: tolerance, as: UTF8.self).split(whereSeparator: \.isWhitespace).compactMap {
      Double($0)
    }
    guard numbers.count == 2 else { throw DataError(folder, "tolerance.txt does not hold two numbers") }
    func value(_ kind: String, _ i: Int) throws -> ONNXValue {
      let path = "\(set)/\(kind)_\(i).pb"
      guard let proto = try? Onnx_TensorProto(serializedBytes: try readFile(path)) else {
        throw DataError(path, "is no tensor")
      }
      return try ONNXValue(proto, directory: nil)
    }
    var given = [String: ONNXValue]()
    for (i, port) in model.inputs.enumerated() { given[port.name] = try value("input", i) }
    let results = try model.run(values: given)
    for (i, result) in results.enumerated() {
      let expected = try value("output", i)
      if let difference = difference(result.value, expected, relative: numbers[0], absolute: numbers[1]) {
        if model.isRandom { return .notSupported("random numbers, of which the standard fixes the distribution only") }
        return .failed("output \(quoted(result.name)): \(difference)")
      }
    }
    return .passed
  }

  /// What is wrong with an answer; nil if it is right.
  static func difference(_ a: ONNXValue, _ b: ONNXValue, relative: Double, absolute: Double) -> String? {
    if a.element != b.element { return "it is \(a.element.name), not \(b.element.name)" }
    if a.shape != b.shape { return "its shape is \(a.shape), not \(b.shape)" }
    if !a.element.isFloating {
      let (x, y) = (a.tensor.array(of: Int64.self), b.tensor.array(of: Int64.self))
      guard let wrong = x.indices.first(where: { x[$0] != y[$0] }) else { return nil }
      return "element \(wrong) is \(x[wrong]), not \(y[wrong])"
    }
    let (x, y) = (a.tensor.doubles, b.tensor.doubles)
    let wrong = x.indices.first { i in
      if x[i].isNaN || y[i].isNaN { return x[i].isNaN != y[i].isNaN }
      return x[i] != y[i] && !(abs(x[i] - y[i]) <= absolute + relative * abs(y[i]))
    }
    return wrong.map { "element \($0) is \(x[$0]), not \(y[$0])" }
  }
}

extension ONNXModel {
  /// Whether the standard leaves open what numbers come out.
  var isRandom: Bool {
    operatorCounts.keys.contains { $0.hasPrefix("Random") || $0 == "Bernoulli" || $0 == "Multinomial" }
  }

  /// Whether the model stays in the default domain and needs tensors of numbers only.
  var isInScope: Bool {
    let others = ["string", "no tensor"]
    if (inputs + outputs).contains(where: { others.contains($0.elementName) }) { return false }
    return operatorCounts.keys.allSatisfy { name in
      let isOther =
        name.contains("Sequence") && name != "ReverseSequence" || name.hasPrefix("Optional") || name.hasPrefix("String")
        || name == "RegexFullMatch"
      return !isOther && (!name.contains(":") || functions[name] != nil)
    }
  }
}
