import Foundation
import Soma
import SomaData
import SomaNetworks

/// A folder of the Hugging Face layout: `config.json`, weights (`model.safetensors`, its parts with an index, or
/// `pytorch_model.bin`), `tokenizer.json`.
struct PretrainedFolder {
  let path: String
  let configuration: JSONReader

  init(_ path: String) throws {
    self.path = path
    configuration = try PretrainedFolder.json("\(path)/config.json")
  }

  static func json(_ path: String) throws -> JSONReader {
    try JSONReader(try readFile(path, limit: 1 << 28), file: path)
  }

  func weights() throws -> PretrainedWeights {
    if fileExists("\(path)/model.safetensors") {
      return PretrainedWeights(
        [try Safetensors.read("\(path)/model.safetensors")], [:], file: "\(path)/model.safetensors")
    }
    let index = "\(path)/model.safetensors.index.json"
    if fileExists(index) {
      let names = try Self.json(index).part("weight_map")?.object.pairs.map(\.value.text) ?? []
      guard !names.isEmpty, !names.contains(nil) else {
        throw DataError(index, "weight_map does not map names to files")
      }
      let files = try Set(names.compactMap { $0 }).sorted().map { name -> Safetensors in
        guard !name.contains("/"), !name.hasPrefix(".") else {
          throw DataError(index, "names the file \(quoted(name))")
        }
        return try Safetensors.read("\(path)/\(name)")
      }
      return PretrainedWeights(files, [:], file: index)
    }
    let checkpoint = "\(path)/pytorch_model.bin"
    if fileExists(checkpoint) {
      return PretrainedWeights([], try PyTorchCheckpoint.read(checkpoint), file: checkpoint)
    }
    throw DataError(path, "holds neither model.safetensors nor pytorch_model.bin")
  }
}

/// The named tensors of a model, their shapes checked when they are taken.
struct PretrainedWeights {
  private let files: [Safetensors]
  private let loaded: [String: Tensor]
  let file: String
  /// What stands before all names, if the file keeps the model as a part of another.
  var prefix = ""

  init(_ files: [Safetensors], _ loaded: [String: Tensor], file: String) {
    self.files = files
    self.loaded = loaded
    self.file = file
  }

  func has(_ name: String) -> Bool {
    loaded[prefix + name] != nil || files.contains { $0.shape(of: prefix + name) != nil }
  }

  /// A tensor as `float32`.
  func tensor(_ name: String, _ shape: Shape) throws -> Tensor {
    let full = prefix + name
    let tensor: Tensor
    if let known = loaded[full] {
      tensor = known
    } else if let file = files.first(where: { $0.shape(of: full) != nil }) {
      guard file.shape(of: full) == shape else {
        throw DataError(self.file, at: .entry(full, byte: nil), "has shape \(file.shape(of: full) ?? []), not \(shape)")
      }
      tensor = try file.tensor(full)
    } else {
      throw DataError(file, "has no tensor named \(quoted(full))")
    }
    guard tensor.shape == shape else {
      throw DataError(file, at: .entry(full, byte: nil), "has shape \(tensor.shape), not \(shape)")
    }
    return tensor.cast(to: .float32)
  }

  /// An affine map from PyTorch's `Linear`: the weight as `[inputs, outputs]`.
  func linear(_ name: String, _ inputs: Int, _ outputs: Int, bias: Bool = true) throws -> AffineMap {
    AffineMap(
      weight: try tensor("\(name).weight", [outputs, inputs]).T,
      bias: bias ? try tensor("\(name).bias", [outputs]) : nil)
  }

  func norm(_ name: String, _ width: Int) throws -> (scale: Tensor, offset: Tensor) {
    (try tensor("\(name).weight", [width]), try tensor("\(name).bias", [width]))
  }
}

/// `x W + b`
struct AffineMap: Sendable {
  var weight: Tensor
  var bias: Tensor?

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = x.matmul(weight)
    return bias.map { y + $0 } ?? y
  }

  /// Several maps of one input as one product.
  static func joined(_ maps: [AffineMap]) -> AffineMap {
    let biases = maps.compactMap(\.bias)
    return AffineMap(
      weight: .concatenate(maps.map(\.weight), axis: 1), bias: biases.count == maps.count ? .concatenate(biases) : nil)
  }
}

/// Normalization over the last axis.
func layerNormalized(_ x: Tensor, _ norm: (scale: Tensor, offset: Tensor), _ epsilon: Double) -> Tensor {
  x.normalizedRows(epsilon) * norm.scale + norm.offset
}

/// The activation of a configuration: an entry of the catalogue or one of its aliases, with the underscores of the layout.
func pretrainedActivation(_ name: String, _ json: JSONReader) throws -> Activation {
  switch name {
  case "gelu_pytorch_tanh", "gelu_fast": return .geluTanh
  case "swish": return .silu
  default:
    guard let activation = try? Activation.named(name.replacing("_", with: "-")), activation.isElementwise,
      !activation.isTrained
    else { throw json.fault("the activation \(quoted(name)) is not known here") }
    return activation
  }
}

/// Sizes of a configuration, checked.
func positive(_ json: JSONReader, _ key: String, limit: Int = 1 << 24) throws -> Int {
  let value = try json.int(key)
  guard value > 0, value <= limit else { throw json.fault("\(key) is \(value)") }
  return value
}
