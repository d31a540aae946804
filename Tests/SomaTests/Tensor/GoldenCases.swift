import Foundation

@testable import Soma

/// A case of a file in `Resources`, which a NumPy script wrote: `core_golden.json` (`Tests/Golden/make_core_golden.py`),
/// `numpy_golden.json` (`Tests/Golden/make_numpy_golden.py`).
struct GoldenCase: Sendable, CustomStringConvertible {
  let name: String
  let operation: String
  let attributes: [String: Attribute]
  let inputs: [Tensor]
  let outputs: [Tensor]
  let relative: Double
  let absolute: Double
  let signedZeros: Bool
  var description: String { name }

  enum Attribute: Sendable, Decodable {
    case bool(Bool)
    case number(Double)
    case text(String)
    case list([Double?])

    init(from decoder: Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let value = try? container.decode(Bool.self) {
        self = .bool(value)
      } else if let value = try? container.decode(Double.self) {
        self = .number(value)
      } else if let value = try? container.decode([Double?].self) {
        self = .list(value)
      } else {
        self = .text(try container.decode(String.self))
      }
    }
  }

  func int(_ key: String) -> Int { Int(double(key)) }
  func double(_ key: String) -> Double {
    guard case .number(let value)? = attributes[key] else { fatalError("\(name) has no number \(key)") }
    return value
  }
  func bool(_ key: String) -> Bool {
    if case .bool(let value)? = attributes[key] { return value }
    return false
  }
  func text(_ key: String) -> String {
    guard case .text(let value)? = attributes[key] else { fatalError("\(name) has no text \(key)") }
    return value
  }
  func optionals(_ key: String) -> [Int?] {
    guard case .list(let values)? = attributes[key] else { fatalError("\(name) has no list \(key)") }
    return values.map { $0.map { Int($0) } }
  }
  func list(_ key: String) -> [Int] { optionals(key).map { $0! } }
  func axes() -> [Int]? {
    if case .list? = attributes["axes"] { return list("axes") }
    return nil
  }

  private struct File: Decodable {
    struct Array: Decodable {
      let dtype: String
      let shape: [Int]
      let data: String
      init(from decoder: Decoder) throws {
        var container = try decoder.unkeyedContainer()
        dtype = try container.decode(String.self)
        shape = try container.decode([Int].self)
        data = try container.decode(String.self)
      }
    }
    struct Case: Decodable {
      let name: String
      let operation: String
      let attributes: [String: Attribute]?
      let inputs: [Int]
      let outputs: [Int]
      let relative: Double?
      let absolute: Double?
      let signedZeros: Bool?
    }
    let arrays: [Array]
    let cases: [Case]
  }

  static let all = read("core_golden.json")

  /// The cases of a file in `Resources`.
  static func read(_ name: String) -> [GoldenCase] {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Resources/" + name)
    guard let data = try? Data(contentsOf: url), let file = try? JSONDecoder().decode(File.self, from: data) else {
      fatalError("cannot read \(url.path)")
    }
    let tensors = file.arrays.map { array in
      Tensor(
        bytes: [UInt8](Data(base64Encoded: array.data)!), shape: Shape(array.shape), dtype: DType(named: array.dtype)!)
    }
    return file.cases.map { c in
      GoldenCase(
        name: c.name, operation: c.operation, attributes: c.attributes ?? [:], inputs: c.inputs.map { tensors[$0] },
        outputs: c.outputs.map { tensors[$0] }, relative: c.relative ?? 0, absolute: c.absolute ?? 0,
        signedZeros: c.signedZeros ?? false)
    }
  }

  /// What Soma computes for the case.
  func compute(_ x: [Tensor]) -> [Tensor] {
    func windowed(_ pool: (Tensor, [Int], [Int], Padding) -> Tensor) -> [Tensor] {
      [pool(x[0], list("window"), list("stride"), .explicit(list("low"), list("high")))]
    }
    switch operation {
    case "negate": return [-x[0]]
    case "abs": return [x[0].abs()]
    case "floor": return [x[0].floor()]
    case "ceil": return [x[0].ceil()]
    case "round": return [x[0].round()]
    case "sign": return [x[0].sign()]
    case "isFinite": return [x[0].isFinite()]
    case "isNaN": return [x[0].isNaN()]
    case "exp": return [x[0].exp()]
    case "expm1": return [x[0].expm1()]
    case "log": return [x[0].log()]
    case "log1p": return [x[0].log1p()]
    case "sqrt": return [x[0].sqrt()]
    case "rsqrt": return [x[0].rsqrt()]
    case "sin": return [x[0].sin()]
    case "cos": return [x[0].cos()]
    case "tan": return [x[0].tan()]
    case "asin": return [x[0].asin()]
    case "acos": return [x[0].acos()]
    case "atan": return [x[0].atan()]
    case "sinh": return [x[0].sinh()]
    case "cosh": return [x[0].cosh()]
    case "tanh": return [x[0].tanh()]
    case "asinh": return [x[0].asinh()]
    case "acosh": return [x[0].acosh()]
    case "atanh": return [x[0].atanh()]
    case "erf": return [x[0].erf()]
    case "erfc": return [x[0].erfc()]
    case "erfInverse": return [x[0].erfInverse()]
    case "logistic": return [x[0].logistic()]
    case "logGamma": return [x[0].lgamma()]
    case "digamma": return [x[0].digamma()]
    case "polygamma": return [x[0].polygamma(int("order"))]
    case "not": return [!x[0]]
    case "add": return [x[0] + x[1]]
    case "subtract": return [x[0] - x[1]]
    case "multiply": return [x[0] * x[1]]
    case "divide": return [x[0].dtype.isFloating ? x[0] / x[1] : x[0].floorDivide(by: x[1])]
    case "maximum": return [x[0].maximum(x[1])]
    case "minimum": return [x[0].minimum(x[1])]
    case "remainder": return [x[0] % x[1]]
    case "power": return [x[0].power(x[1])]
    case "atan2": return [x[0].atan2(x[1])]
    case "equal": return [x[0] .== x[1]]
    case "notEqual": return [x[0] .!= x[1]]
    case "less": return [x[0] .< x[1]]
    case "lessEqual": return [x[0] .<= x[1]]
    case "greater": return [x[0] .> x[1]]
    case "greaterEqual": return [x[0] .>= x[1]]
    case "and": return [x[0] .& x[1]]
    case "or": return [x[0] .| x[1]]
    case "xor": return [x[0] .^ x[1]]
    case "shiftLeft": return [x[0].shiftedLeft(x[1])]
    case "shiftRight": return [x[0].shiftedRight(x[1])]
    case "where": return [.select(x[0], x[1], x[2])]
    case "cast": return [x[0].cast(to: DType(named: text("to"))!)]
    case "matmul": return [x[0].matmul(x[1])]
    case "cholesky": return [x[0].cholesky()]
    case "eigenvalues": return [x[0].symmetricEigen().values]
    case "singularValues": return [x[0].singularValues().s]
    case "qr":
      let (q, r) = x[0].qr()
      return [q, r]
    case "solve": return [x[0].solve(x[1])]
    case "inverse": return [x[0].inverse()]
    case "logDeterminant":
      let (sign, log) = x[0].logDeterminant()
      return [sign, log]
    case "triangularSolve": return [x[0].triangularSolve(x[1], lower: bool("lower"), transposed: bool("transpose"))]
    case "einsum": return [.einsum(text("equation"), x)]
    case "fft":
      let (re, im) = x[0].fourier(imaginary: x[1], axis: int("axis"))
      return [re, im]
    case "ifft":
      let (re, im) = Tensor.inverseFourier(real: x[0], imaginary: x[1], axis: int("axis"))
      return [re, im]
    case "rfft":
      let (re, im) = x[0].realFourier(axis: int("axis"))
      return [re, im]
    case "irfft": return [.inverseRealFourier(real: x[0], imaginary: x[1], length: int("length"), axis: int("axis"))]
    case "sum": return [x[0].sum(axes(), keepsAxes: bool("keepDims"))]
    case "product": return [x[0].product(axes(), keepsAxes: bool("keepDims"))]
    case "max": return [x[0].max(axes(), keepsAxes: bool("keepDims"))]
    case "min": return [x[0].min(axes(), keepsAxes: bool("keepDims"))]
    case "mean": return [x[0].mean(axes(), keepsAxes: bool("keepDims"))]
    case "any": return [x[0].any(axes(), keepsAxes: bool("keepDims"))]
    case "all": return [x[0].all(axes(), keepsAxes: bool("keepDims"))]
    case "argmax": return [x[0].argMax(int("axis"))]
    case "argmin": return [x[0].argMin(int("axis"))]
    case "cumulativeSum": return [x[0].cumulativeSum(int("axis"))]
    case "cumulativeProduct": return [x[0].cumulativeProduct(int("axis"))]
    case "cumulativeMax": return [x[0].cumulativeMax(int("axis"))]
    case "reshape": return [x[0].reshape(list("shape"))]
    case "transpose": return [x[0].transposed(list("axes"))]
    case "swapAxes": return [x[0].swappingAxes(int("first"), int("second"))]
    case "broadcast": return [x[0].broadcast(to: Shape(list("shape")))]
    case "slice":
      let (starts, stops, steps) = (optionals("starts"), optionals("stops"), optionals("steps"))
      return [x[0].part(starts.indices.map { .range(from: starts[$0], to: stops[$0], by: steps[$0] ?? 1) })]
    case "pad": return [x[0].padded(low: list("low"), high: list("high"), value: inputs[1].scalar)]
    case "concatenate": return [.concatenate(x, axis: int("axis"))]
    case "stack": return [.stack(x, axis: int("axis"))]
    case "flip": return [x[0].reversed(axes())]
    case "roll": return [x[0].rolled(int("shift"), axis: int("axis"))]
    case "repeat": return [x[0].repeated(int("count"), axis: int("axis"))]
    case "tile": return [x[0].tiled(list("counts"))]
    case "lowerTriangle": return [x[0].lowerTriangular(offset: int("diagonal"))]
    case "upperTriangle": return [x[0].upperTriangular(offset: int("diagonal"))]
    case "take": return [emit(.gather(axis: x[0].shape.normalized(axis: int("axis")), batchAxes: 0), x[0], x[1])]
    case "takeAlongAxis": return [x[0].takeAlong(x[1], axis: int("axis"))]
    case "scatterAdd": return [x[0].scatterAdding(x[2], at: x[1], axis: int("axis"))]
    case "oneHot": return [x[0].oneHot(int("classes"), dtype: DType(named: text("dtype"))!)]
    case "sort": return [x[0].sorted(int("axis"))]
    case "argsort": return [x[0].argSort(int("axis"))]
    case "topK":
      let (values, indices) = x[0].topK(int("k"))
      return [values, indices]
    case "convolution":
      return [
        x[0].convolution(
          x[1], strides: list("stride"), padding: .explicit(list("low"), list("high")), dilations: list("dilation"),
          groups: int("groups"))
      ]
    case "transposedConvolution":
      return [x[0].transposedConvolution(x[1], strides: list("stride"), low: list("low"), high: list("high"))]
    case "maxPool": return windowed { $0.maxPool($1, strides: $2, padding: $3) }
    case "sumPool": return windowed { $0.sumPool($1, strides: $2, padding: $3) }
    case "meanPool": return windowed { $0.averagePool($1, strides: $2, padding: $3, countsPadding: true) }
    case "softmax": return [x[0].softmax(int("axis"))]
    case "logSoftmax": return [x[0].logSoftmax(int("axis"))]
    case "logSumExp": return [x[0].logSumExp(axes(), keepsAxes: bool("keepDims"))]
    case "variance": return [x[0].variance(axes(), correction: int("correction"))]
    case "standardDeviation": return [x[0].standardDeviation(axes(), correction: int("correction"))]
    case "norm":
      let order: Double
      switch attributes["order"] {
      case .number(let p): order = p
      case .text(let text): order = text == "infinity" ? .infinity : -.infinity
      default: order = 2
      }
      return [x[0].norm(order: order, axes())]
    case "resize":
      return [
        x[0].resized(
          list("size"), text("method") == "nearest" ? .nearest : .linear, alignsCorners: bool("alignCorners"))
      ]
    case "clip": return [x[0].clipped(double("low"), double("high"))]
    case "linspace":
      return [.linspace(double("start"), double("stop"), count: int("count"), dtype: DType(named: text("dtype"))!)]
    case "arange":
      return [
        .range(from: double("start"), to: double("stop"), by: double("step"), dtype: DType(named: text("dtype"))!)
      ]
    case "identity":
      return [
        .eye(
          int("rows"), int("columns"), offset: attributes["diagonal"] == nil ? 0 : int("diagonal"),
          dtype: DType(named: text("dtype"))!)
      ]
    default: fatalError("\(name): unknown operation")
    }
  }
}
