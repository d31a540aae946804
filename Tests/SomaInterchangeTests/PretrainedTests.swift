import Foundation
import Soma
import SomaData
import SomaNetworks
import Testing

@testable import SomaInterchange

/// Tiny random transformers in the Hugging Face layout, with the outputs of the reference library
/// (`Tests/Golden/make_pretrained_golden.py`).
@Suite struct PretrainedTests {
  private static let ids = Tensor([3, 7, 5, 20, 39, 6, 11, 9, 8, 30, 31, 2, 5, 17] as [Int32], shape: [2, 7])

  private static func expected(_ name: String) throws -> Tensor {
    try NPY.read(Resource.path("tiny-\(name)/output.npy"))
  }

  /// Words w5 to w39, between the special tokens that BERT wants.
  private static var bertTokenizer: String {
    let words = (5..<40).map { #""w\#($0)": \#($0)"# }.joined(separator: ", ")
    return
      #"{"model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "#
      + words + #"}}, "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": {"type": "BertProcessing", "#
      + #""cls": ["[CLS]", 2], "sep": ["[SEP]", 3]}}"#
  }

  /// A copy of a model's folder with other settings and with more files.
  private static func withFolder(
    _ name: String, _ change: (inout [String: Any]) -> Void = { _ in }, files: [String: String] = [:],
    _ body: (String) throws -> Void
  ) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = URL(fileURLWithPath: Resource.path("tiny-\(name)"))
    try FileManager.default.copyItem(
      at: source.appendingPathComponent("model.safetensors"), to: folder.appendingPathComponent("model.safetensors"))
    let data = try Data(contentsOf: source.appendingPathComponent("config.json"))
    var json = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    change(&json)
    try JSONSerialization.data(withJSONObject: json).write(to: folder.appendingPathComponent("config.json"))
    for (file, text) in files {
      let target = folder.appendingPathComponent(file)
      try FileManager.default.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: target)
    }
    try body(folder.path)
  }

  @Test(arguments: ["bert", "roberta", "distilbert"]) func encodersEqualTheReference(_ name: String) throws {
    let encoder = try PretrainedEncoder.read(Resource.path("tiny-\(name)"))
    let isText = Tensor([7, 4] as [Int32]).expandDimensions(at: 1) .> Tensor.iota([2, 7], axis: 1, dtype: .int32)
    let output = encoder(Self.ids, isText: isText)
    let expected = try Self.expected(name)
    #expect(output.shape == [2, 7, 16] && encoder.width == 16)
    // Padding attends to the text as the reference's does, so all places are equal.
    #expect(output.isClose(to: expected, relative: 1e-4, absolute: 2e-5))
    let compiled = compile { (x: [Tensor]) in encoder(x[0], isText: x[1]) }
    #expect(compiled([Self.ids, isText]).isClose(to: expected, relative: 1e-4, absolute: 2e-5))
  }

  @Test(arguments: ["gpt2", "llama", "qwen2"]) func decodersEqualTheReference(_ name: String) throws {
    let decoder = try PretrainedDecoder.read(Resource.path("tiny-\(name)"))
    let expected = try Self.expected(name)
    #expect(decoder(Self.ids).isClose(to: expected, relative: 1e-4, absolute: 2e-5))
  }

  @Test(arguments: ["gpt2", "llama", "qwen2"]) func continuationsTakeTheLikeliestToken(_ name: String) throws {
    let decoder = try PretrainedDecoder.read(Resource.path("tiny-\(name)"))
    var ids = [3, 7, 5]
    for _ in 0..<17 {
      let scores = decoder(Tensor(ids.map { Int32($0) }, shape: [1, ids.count]))[0, ids.count - 1].floats
      ids.append(try #require(scores.indices.max { scores[$0] < scores[$1] }))
    }
    // The context holds 20 tokens: the text ends there.
    #expect(decoder.continuation(of: [3, 7, 5], count: 100) == Array(ids[3...]))
    #expect(decoder.continuation(of: [3, 7, 5], count: 4) == Array(ids[3..<7]))
    let stop = ids[5]
    let beforeStop = ids[3...].prefix { $0 != stop }
    #expect(decoder.continuation(of: [3, 7, 5], count: 100, stops: [stop]) == Array(beforeStop))
  }

  @Test func drawnContinuationsDependOnTheirKey() throws {
    let decoder = try PretrainedDecoder.read(Resource.path("tiny-gpt2"))
    let texts = (0..<6).map { decoder.continuation(of: [3], count: 12, temperature: 1, key: Key($0)) }
    #expect(Set(texts).count > 1)
    #expect(decoder.continuation(of: [3], count: 12, temperature: 1, key: Key(4)) == texts[4])
  }

  /// Sentences' vectors are the mean of their tokens' states, of length one, in the given order, at any batch size.
  @Test func sentencesAreMeansOfTheirTokens() throws {
    try Self.withFolder("bert", files: ["tokenizer.json": Self.bertTokenizer]) { folder in
      let embedder = try SentenceEmbedder.read(folder)
      let texts = ["w7 w8 w9 w30 w31 w5 w6 w7 w8", "", "w20", "w39 w38 w37", "w6 nothing"]
      let vectors = embedder.embed(texts, batchSize: 2)
      #expect(vectors.shape == [5, 16])
      #expect(vectors.isClose(to: embedder.embed(texts, batchSize: 1), relative: 1e-4, absolute: 1e-5))
      for (i, text) in texts.enumerated() {
        let ids = [2] + text.split(separator: " ").map { Int32($0.dropFirst()) ?? 1 } + [3]
        let states = embedder.encoder(
          Tensor(ids.map { Int32($0) }, shape: [1, ids.count]), isText: Tensor.ones([1, ids.count], dtype: .bool))
        let sum = states[0].mean([0])
        #expect(vectors[i].isClose(to: sum / sum.norm([-1]), relative: 1e-4, absolute: 1e-5), "\(text)")
      }
      #expect(embedder.embed([]).shape == [0, 16])
      // Texts that are too long lose their ends.
      #expect(embedder.embed([String(repeating: "w7 ", count: 300)]).shape == [1, 16])
    }
    try Self.withFolder(
      "bert",
      files: [
        "tokenizer.json": Self.bertTokenizer, "1_Pooling/config.json": #"{"pooling_mode_cls_token": true}"#,
        "modules.json": "[]",
        "sentence_bert_config.json": #"{"max_seq_length": 4}"#,
      ]
    ) { folder in
      let embedder = try SentenceEmbedder.read(folder)
      #expect(embedder.pooling == .first && !embedder.isNormalized && embedder.maximumLength == 4)
      let states = embedder.encoder(
        Tensor([2, 7, 8, 3] as [Int32], shape: [1, 4]), isText: Tensor.ones([1, 4], dtype: .bool))
      #expect(embedder.embed(["w7 w8 w9"])[0].isClose(to: states[0, 0], relative: 1e-4, absolute: 1e-5))
    }
  }

  /// Blocks show what they read and made, on windows of a text between the special tokens.
  @Test func feedForwardBlocksShowTheirActivations() throws {
    let text = (0..<23).map { "w\(5 + $0)" }.joined(separator: " ")
    try Self.withFolder("bert", files: ["tokenizer.json": Self.bertTokenizer, "text.txt": text, "short.txt": "w5 w6"]) {
      folder in
      let blocks = try pretrainedFeedForwards(folder, text: folder + "/text.txt", windows: 3, length: 10)
      let encoder = try PretrainedEncoder.read(folder)
      // 23 words are two windows of eight between the special tokens.
      let ids = [2] + (5..<13) + [3] + [2] + (13..<21) + [3]
      let weights = try Safetensors.read(folder + "/model.safetensors")
      var states: Tensor?
      for (i, block) in blocks.enumerated() {
        func weight(_ name: String) throws -> Tensor {
          let found = try weights.names.first { $0.hasSuffix("encoder.layer.\(i).\(name)") }
          return try weights.tensor(#require(found))
        }
        let wide = try block.inputs.matmul(weight("intermediate.dense.weight").T) + weight("intermediate.dense.bias")
        #expect(block.path == "layer/\(i)" && block.inputs.shape == [2, 10, 16])
        #expect(block.activations.isClose(to: Activation.gelu(wide), relative: 1e-4, absolute: 1e-5))
        #expect(try block.outputWeight.isClose(to: weight("output.dense.weight").T))
        let y = try block.inputs + block.activations.matmul(block.outputWeight) + weight("output.dense.bias")
        let (mean, scale, offset) = try (
          y.mean([-1], keepsAxes: true), weight("output.LayerNorm.weight"), weight("output.LayerNorm.bias")
        )
        states = (y - mean) / ((y - mean).squared().mean([-1], keepsAxes: true) + 1e-12).sqrt() * scale + offset
      }
      let batch = Tensor(ids.map { Int32($0) }, shape: [2, 10])
      let whole = encoder(batch, isText: Tensor.ones([2, 10], dtype: .bool))
      #expect(try #require(states).isClose(to: whole, relative: 1e-4, absolute: 2e-5))
      #expect(throws: DataError.self) {
        _ = try pretrainedFeedForwards(folder, text: folder + "/short.txt", length: 10)
      }
    }
  }

  @Test func pretrainedTextGoesOn() throws {
    let words = (3..<40).map { #""w\#($0)": \#($0)"# }.joined(separator: ", ")
    let tokenizer =
      #"{"model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[PAD]": 0, "[UNK]": 1, "[END]": 2, "#
      + words + #"}}, "pre_tokenizer": {"type": "WhitespaceSplit"}}"#
    try Self.withFolder(
      "llama", { $0["eos_token_id"] = NSNull() }, files: ["tokenizer.json": tokenizer]
    ) { folder in
      let generator = try TextGenerator.read(folder)
      let ids = generator.decoder.continuation(of: [3, 7], count: 5)
      let text = generator.tokenizer.decode([3, 7] + ids)
      #expect(try generator.continuation(of: "w3 w7", count: 5) == text)
      #expect(throws: DataError.self) {
        try generator.continuation(of: String(repeating: "w3 ", count: 21), count: 5)
      }
    }
  }

  // MARK: Damage

  private static func refusal(_ name: String, _ folder: String) -> String? {
    do {
      if ["gpt2", "llama", "qwen2"].contains(name) {
        _ = try PretrainedDecoder.read(folder)
      } else {
        _ = try PretrainedEncoder.read(folder)
      }
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: ["bert", "roberta", "distilbert", "gpt2", "llama", "qwen2"])
  func wrongSettingsAreRefused(_ name: String) throws {
    let folder = Resource.path("tiny-\(name)")
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/config.json"))
    let settings = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    var refused = 0
    for key in settings.keys.sorted() {
      for value: Any in [-1, 0, 3, 1e300, "x", [1], NSNull(), true] {
        // Whatever is not refused must run.
        try Self.withFolder(name, { $0[key] = value }) { folder in
          if let line = Self.refusal(name, folder) {
            refused += 1
            #expect(!line.contains("\n") && line.count < 400, "\(line)")
          } else if ["gpt2", "llama", "qwen2"].contains(name) {
            _ = try PretrainedDecoder.read(folder)(Tensor([1, 2] as [Int32], shape: [1, 2]))
          } else {
            _ = try PretrainedEncoder.read(folder)(
              Tensor([1, 2] as [Int32], shape: [1, 2]), isText: Tensor.ones([1, 2], dtype: .bool))
          }
        }
      }
    }
    #expect(refused > 30)
  }

  @Test func missingPartsAreNamed() throws {
    try Self.withFolder("bert") { folder in
      try FileManager.default.removeItem(atPath: "\(folder)/model.safetensors")
      #expect(Self.refusal("bert", folder)?.contains("neither model.safetensors nor pytorch_model.bin") ?? false)
      try Data(#"{"weight_map": {"a": "../secret"}}"#.utf8).write(
        to: URL(fileURLWithPath: "\(folder)/model.safetensors.index.json"))
      #expect(Self.refusal("bert", folder)?.contains("../secret") ?? false)
    }
    try Self.withFolder("bert", { $0["num_hidden_layers"] = 3 }) { folder in
      #expect(Self.refusal("bert", folder)?.contains("encoder.layer.2") ?? false)
    }
    try Self.withFolder("bert", { $0["vocab_size"] = 41 }) { folder in
      #expect(Self.refusal("bert", folder)?.contains("has shape [40, 16], not [41, 16]") ?? false)
    }
    try Self.withFolder("bert", { $0["model_type"] = "gpt2" }) { folder in
      #expect(Self.refusal("bert", folder)?.contains("gpt2") ?? false)
    }
    #expect(Self.refusal("bert", "/nonexistent")?.contains("config.json") ?? false)
  }
}

@Suite struct PretrainedActivationTests {
  @Test func configurationsNameActivations() throws {
    let json = try JSONReader(Array("{}".utf8), file: "config.json")
    let x = Tensor([-2, -0.5, 0, 0.5, 2] as [Double])
    let expected: [(names: [String], values: [Double])] = [
      (["gelu"], [-0.04550026, -0.1542687, 0, 0.3457312, 1.954500]),
      (["gelu_new", "gelu_fast", "gelu_pytorch_tanh"], [-0.04540231, -0.1542860, 0, 0.3457140, 1.954598]),
      (["quick_gelu"], [-0.06434142, -0.1496116, 0, 0.3503884, 1.935659]),
      (["silu", "swish"], [-0.2384058, -0.1887703, 0, 0.3112297, 1.761594]), (["relu"], [0, 0, 0, 0.5, 2]),
      (["mish"], [-0.2525015, -0.2207438, 0, 0.3752452, 1.943959]),
    ]
    for (names, values) in expected {
      for name in names {
        let found = try pretrainedActivation(name, json)(x).doubles
        #expect(zip(found, values).allSatisfy { abs($0 - $1) < 1e-6 }, "\(name): \(found)")
      }
    }
    for name in ["nope", "softmax", "prelu", "glu"] {
      #expect(throws: DataError.self, "\(name)") { try pretrainedActivation(name, json) }
    }
  }
}
