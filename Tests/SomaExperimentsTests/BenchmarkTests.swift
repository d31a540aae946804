import Foundation
import Soma
import Testing

@testable import SomaExperiments

/// The rule of Tests/Golden/make_benchmark_golden.py: numbers in -1 … 1 by multiplicative hashing.
private func uniform(_ count: Int, _ seed: Int) -> [Double] {
  (0..<count).map { Double(UInt32(truncatingIfNeeded: ($0 + seed * 7919 + 1) * 2_654_435_761)) / 0x1p31 - 1 }
}

private func made(_ name: String, _ workload: String, _ like: Tensor, _ seed: Int) -> Tensor {
  let values = uniform(like.count, seed)
  if !like.dtype.isFloating {
    let classes = workload == "gpt-char" ? 256.0 : 10
    return Tensor(values.map { Int32(floor(($0 + 1) / 2 * classes)) }, shape: like.shape)
  }
  if name.hasPrefix("input/") { return Tensor(values.map { Float($0) }, shape: like.shape) }
  let leaf = name.split(separator: "/").last!
  if ["bias", "shift", "scale"].contains(leaf) { return .full(like.shape, leaf == "scale" ? 1 : 0) }
  let fan = like.rank == 2 ? like.shape[0] : like.shape[1...].reduce(1, *)
  return Tensor(values.map { Float($0 / Double(fan).squareRoot()) }, shape: like.shape)
}

@Suite struct BenchmarkTests {
  @Test(arguments: BenchmarkGolden.losses.map(\.workload))
  func `first losses are PyTorch's`(_ name: String) throws {
    let workload = try Workload.named(name)
    let prepared = try workload.prepare(nil)
    let parameters = prepared.state.variables.parameters
    var like = Dictionary(uniqueKeysWithValues: zip(parameters.names.map { "parameter/" + $0 }, parameters.leaves))
    for (i, input) in prepared.inputs.enumerated() { like["input/\(i)"] = input }
    let tensors = like.keys.sorted().enumerated().map { ($1, made($1, name, like[$1]!, $0)) }
    let initial = InitialTensors(Dictionary(uniqueKeysWithValues: tensors), source: "the test")
    let expected = try #require(BenchmarkGolden.losses.first { $0.workload == name }).losses
    let run = try WorkloadRun(
      workload, initial: initial, start: MonotonicClock.nanoseconds, losses: expected.count)
    for (found, expected) in zip(run.losses, expected) { #expect(abs(found - expected) <= 1e-4 * abs(expected)) }
    #expect(run.losses.count == expected.count)
  }

  @Test func `the product is that of the matrices`() throws {
    let initial = InitialTensors(
      ["input/0": .eye(2048) * 2, "input/1": .full([2048, 2048], 1.5)], source: "the test")
    let run = try WorkloadRun(
      Workload.named("gemm"), initial: initial, start: MonotonicClock.nanoseconds, losses: 1)
    #expect(run.losses == [9])
  }

  @Test func `archives that do not fit are refused with one line`() throws {
    let workload = try Workload.named("tiny-mlp")
    func refusal(_ tensors: [String: Tensor]) -> String {
      do {
        _ = try workload.prepare(InitialTensors(tensors, source: "a.npz"))
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(refusal([:]) == "a.npz: there is no array input/0")
    #expect(
      refusal(["input/0": .zeros([64, 3])])
        == "a.npz: array input/0 has shape [64, 3], the workload wants [64, 2]")
    #expect(throws: BenchmarkError.self) { try Workload.named("mlpp") }
  }
}
