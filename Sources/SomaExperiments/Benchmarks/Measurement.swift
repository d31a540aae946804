import Foundation
import Soma

/// What was measured of one workload.
public struct BenchmarkResult: Codable, Sendable {
  public struct KernelTime: Codable, Sendable {
    public var kernel: String
    public var milliseconds: Double
  }

  public var workload: String
  public var threads: Int
  /// The median of `repeats`.
  public var millisecondsPerStep: Double
  public var repeats: [Double]
  /// The largest resident memory of the process so far.
  public var peakMemoryBytes: Int
  /// What a step needs by the compiler's plan.
  public var plannedMemoryBytes: Int
  /// From the start of the process to the end of the first step, compilation included.
  public var secondsToFirstStep: Double
  /// From tracing to the compiled loop.
  public var secondsToCompile: Double
  /// The losses of the first steps; for the matrix product the mean square of the result.
  public var losses: [Double]
  public var nodes: Int
  public var kernels: Int
  public var profile: [KernelTime]?
}

/// A compiled workload that has run its first step.
public final class WorkloadRun {
  private let workload: Workload
  private let loop: CompiledLoop<WorkloadState, [Tensor], [Tensor]>
  private let secondsToCompile: Double
  public let secondsToFirstStep: Double
  public private(set) var losses: [Double] = []

  /// Compiles a workload and runs its first step.
  /// - Parameters:
  ///   - initial: an `.npz` archive with inputs and first parameters.
  ///   - start: when the process began, by `MonotonicClock`.
  ///   - lossCount: of how many first steps to note the loss.
  /// - Throws: `BenchmarkError`, `DataError`
  public convenience init(_ workload: Workload, initial: String?, start: UInt64, losses lossCount: Int = 0) throws {
    try self.init(workload, initial: try initial.map { try InitialTensors($0) }, start: start, losses: lossCount)
  }

  init(_ workload: Workload, initial: InitialTensors?, start: UInt64, losses lossCount: Int = 0) throws {
    self.workload = workload
    let prepared = try workload.prepare(initial)
    let compileStart = MonotonicClock.nanoseconds
    loop = try CompiledLoop(prepared.state, example: prepared.inputs, prepared.step)
    loop.load(prepared.inputs)
    secondsToCompile = Double(MonotonicClock.nanoseconds - compileStart) * 1e-9
    loop.step()
    secondsToFirstStep = Double(MonotonicClock.nanoseconds - start) * 1e-9
    for i in 0..<lossCount {
      if i > 0 { loop.step() }
      losses.append(loop.output[0].scalarOrMeanSquare)
    }
  }

  /// Milliseconds a step, over `steps` steps.
  public func measure(steps: Int) -> Double {
    let start = MonotonicClock.nanoseconds
    for _ in 0..<steps { loop.step() }
    return Double(MonotonicClock.nanoseconds - start) * 1e-6 / Double(steps)
  }

  /// How many steps take about `seconds`. Warms up.
  public func steps(lasting seconds: Double) -> Int {
    _ = measure(steps: 1)
    var steps = 1
    while true {
      let milliseconds = measure(steps: steps)
      if milliseconds * Double(steps) > 100 * seconds || steps >= 1 << 20 {
        return max(1, Int(seconds * 1000 / milliseconds))
      }
      steps *= 2
    }
  }

  /// The result of these repeats.
  public func result(repeats: [Double], profiled: Bool = false) -> BenchmarkResult {
    BenchmarkResult(
      workload: workload.name, threads: Parallel.threads, millisecondsPerStep: median(repeats), repeats: repeats,
      peakMemoryBytes: peakMemoryBytes(), plannedMemoryBytes: loop.memory.total,
      secondsToFirstStep: secondsToFirstStep, secondsToCompile: secondsToCompile, losses: losses,
      nodes: loop.graph.nodes.count, kernels: loop.stepCount,
      profile: profiled ? loop.profile(20).map { .init(kernel: $0.kernel, milliseconds: $0.milliseconds) } : nil)
  }
}

extension Tensor {
  fileprivate var scalarOrMeanSquare: Double { count == 1 ? scalar : squared().mean().scalar }
}

func median(_ values: [Double]) -> Double {
  guard !values.isEmpty else { return .nan }
  let sorted = values.sorted()
  return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}

/// The clock that all processes of a machine share.
public enum MonotonicClock {
  public static var nanoseconds: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

/// The largest resident memory of this process so far.
public func peakMemoryBytes() -> Int {
  var usage = rusage()
  #if canImport(Darwin)
    getrusage(RUSAGE_SELF, &usage)
    return usage.ru_maxrss
  #else
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    // Linux counts in KiB.
    return usage.ru_maxrss * 1024
  #endif
}
