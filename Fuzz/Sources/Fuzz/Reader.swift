import Soma
import SomaData
import SomaInterchange

/// The readers of files from outside, each with what a user does next with the result.
enum Reader: String, CaseIterable {
  case onnx, safetensors, pt, gguf, npy, npz, tokenizer, png, jpeg, idx, csv, edf, vnnlib, gzip, text, obj, sound

  /// Decompressed data may be larger than the file by nature; the limit that a caller gives is kept.
  static let decompressedLimit = 1 << 24

  func read(_ bytes: [UInt8]) throws {
    switch self {
    case .onnx:
      let model = try ONNXModel.decode(bytes, file: "x.onnx")
      _ = (model.operatorCounts, model.parameters, model.producer, model.inputs.map(\.description))
      _ = try model.network()
    case .safetensors: _ = try Safetensors.decode(bytes, file: "x.safetensors").tensors()
    case .pt: _ = try PyTorchCheckpoint.decode(bytes, file: "x.pt", limit: Self.decompressedLimit)
    case .gguf:
      let file = try GGUF.decode(bytes, file: "x.gguf")
      for name in file.names { _ = try file.tensor(name) }
    case .npy: _ = try NPY.decode(bytes, file: "x.npy")
    case .npz: _ = try NPZ.decode(bytes, file: "x.npz", limit: Self.decompressedLimit)
    case .tokenizer:
      let tokenizer = try Tokenizer.decode(bytes, file: "tokenizer.json")
      for text in ["Hello, wörld! 12\u{301}", "", " \u{200D}中文 x's", "[CLS] a</s>"] {
        let ids = tokenizer.encode(text, with: "b", limit: 12).ids
        _ = tokenizer.decode(ids)
      }
    case .png: _ = try PNG.decode(bytes, file: "x.png")
    case .jpeg: _ = try JPEG.decode(bytes, file: "x.jpg")
    case .idx: _ = try IDX.decode(bytes, file: "x.idx")
    case .csv: _ = try CSV.decode(bytes, file: "x.csv")
    case .edf:
      let recording = try EDF.decode(bytes, file: "x.edf")
      for signal in recording.signals.indices { _ = recording.samples(of: signal) }
    case .vnnlib: _ = try VNNLIB.decode(bytes, file: "x.vnnlib").cases(limit: 1000)
    case .gzip: _ = try Gzip.decompress(bytes, file: "x.gz", limit: Self.decompressedLimit)
    case .obj:
      let mesh = try OBJ.decode(bytes, file: "x.obj")
      let distance = SignedDistance(mesh.fitted())
      _ = [Mesh.Point(0, 0), Mesh.Point(1, 2, 3)].map { distance($0) }
    case .sound: _ = try Sound.decode(bytes, file: "x.wav")
    case .text: _ = try TextCorpus.decode(bytes, file: "x.txt")
    }
  }
}
