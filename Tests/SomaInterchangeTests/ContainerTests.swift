import Foundation
import Soma
import SomaData
import Testing

@testable import SomaInterchange

/// Files that the reference libraries wrote.
@Suite struct ContainerTests {
  private let grid = (0..<12).map { Double($0) / 8 - 0.5 }

  private func expectTensors(_ tensor: (String) throws -> Tensor) throws {
    for (name, dtype) in [("a.float32", DType.float32), ("a.float64", .float64), ("a.bfloat16", .bfloat16)] {
      let a = try tensor(name)
      #expect(a.dtype == dtype && a.shape == [3, 4] && a.cast(to: .float64).doubles == grid)
    }
    #expect(try tensor("a.float16").cast(to: .float64).doubles == grid)
    #expect(try tensor("b.int64").doubles == [-3, 0, 1_099_511_627_776])
    #expect(try tensor("b.int32").doubles == [-7, 9])
    #expect(try tensor("b.int8").doubles == [-128, 127])
    #expect(try tensor("b.uint8").doubles == [0, 255])
    #expect(try tensor("b.bool").dtype == .bool)
    #expect(try tensor("c.scalar").shape == [] && tensor("c.scalar").doubles == [2.5])
    #expect(try tensor("c.empty").shape == [0, 3])
  }

  @Test func safetensorsAreRead() throws {
    let file = try Safetensors.read(Resource.path("tensors.safetensors"))
    #expect(file.metadata == ["made by": "safetensors"])
    #expect(file.names.count == 11 && file.names == file.names.sorted())
    try expectTensors { try file.tensor($0) }
    #expect(throws: (any Error).self) { try file.tensor("none") }
  }

  @Test func safetensorsAreWrittenAndReadAgain() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("copy.safetensors").path
    let original = try Safetensors.read(Resource.path("tensors.safetensors")).tensors()
    try Safetensors.write(original, metadata: ["a": "b"], to: path)
    let copy = try Safetensors.read(path)
    #expect(copy.metadata["a"] == "b")
    for (name, tensor) in original {
      let other = try copy.tensor(name)
      #expect(other.shape == tensor.shape && other.dtype == tensor.dtype && other.bytes == tensor.bytes, "\(name)")
    }
  }

  @Test func checkpointsOfPyTorchAreRead() throws {
    let tensors = try PyTorchCheckpoint.read(Resource.path("checkpoint.pt"))
    try expectTensors { try #require(tensors["model.\($0)"]) }
    let transposed = try #require(tensors["transposed"])
    #expect(
      transposed.shape == [4, 3] && transposed.doubles == (0..<4).flatMap { j in (0..<3).map { grid[$0 * 4 + j] } })
    #expect(tensors.count == 12)
  }

  @Test func ggufIsRead() throws {
    let file = try GGUF.read(Resource.path("tensors.gguf"))
    #expect(file.settings["test.layers"] == .int(2))
    #expect(file.settings["test.words"] == .list([.text("one"), .text("two")]))
    #expect(file.names == ["plain", "q8_0", "q4_0"])
    #expect(try file.tensor("plain").doubles == grid)
    for name in ["q8_0", "q4_0"] {
      let expected = try NPY.read(Resource.path("gguf-\(name).npy"))
      let found = try file.tensor(name)
      #expect(found.shape == expected.shape && found.isClose(to: expected, relative: 1e-6, absolute: 1e-7), "\(name)")
    }
  }

  // MARK: Damage

  private func expectLines(_ errors: [String], atLeast count: Int) {
    #expect(errors.count >= count)
    for error in errors { #expect(!error.contains("\n") && error.count < 400, "\(error)") }
  }

  @Test func damagedSafetensors() throws {
    let errors = Resource.errors(try Resource.bytes("tensors.safetensors")) { bytes in
      _ = try Safetensors.decode(bytes, file: "x").tensors()
    }
    expectLines(errors, atLeast: 100)
  }

  @Test func damagedCheckpoints() throws {
    let errors = Resource.errors(try Resource.bytes("checkpoint.pt")) { bytes in
      _ = try PyTorchCheckpoint.decode(bytes, file: "x", limit: 1 << 24)
    }
    expectLines(errors, atLeast: 100)
  }

  @Test func damagedGGUF() throws {
    let errors = Resource.errors(try Resource.bytes("tensors.gguf")) { bytes in
      let file = try GGUF.decode(bytes, file: "x")
      for name in file.names { _ = try file.tensor(name) }
    }
    expectLines(errors, atLeast: 100)
  }
}
