import Kernels
import Synchronization

/// The one pool that runs kernels on all cores. Work is divided by the caller so that results do not depend on the
/// number of threads.
public enum Parallel {
  private static let limit = Atomic<Int>(defaultThreads())

  /// Threads that kernels may use, at least 1. The default is `SOMA_THREADS`, or the number of cores.
  public static var threads: Int {
    get { limit.load(ordering: .relaxed) }
    set { limit.store(Swift.min(cores, Swift.max(1, newValue)), ordering: .relaxed) }
  }

  /// Cores of the machine.
  static let cores = Swift.max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

  private static func defaultThreads() -> Int {
    if let text = getenv("SOMA_THREADS"), let value = Int(String(cString: text)), value > 0 {
      return Swift.min(value, cores)
    }
    return cores
  }
}

/// A loop whose parts may run side by side. It is made once, when a kernel is made: a closure that is made in every run
/// would be an allocation in every run.
struct ParallelLoop: Sendable {
  typealias Body = @Sendable (_ pointers: Kernel.Pointers, _ worker: Int, _ part: Range<Int>) -> Void

  private let count: Int
  private let mostParts: Int
  private let units: Int
  private let alignment: Int
  private let body: Body

  /// - Parameters:
  ///   - count: the loop runs over `0..<count`.
  ///   - grain: how much of it is worth a thread.
  ///   - alignment: parts begin at multiples of it, and none is shorter unless the loop is.
  ///   - body: gets what `run` was given, the part's number below `Parallel.cores` (for scratch memory of its own), and
  ///     the part.
  init(_ count: Int, grain: Int, alignment: Int = 1, _ body: @escaping Body) {
    self.count = count
    self.alignment = alignment
    self.body = body
    mostParts = Swift.max(1, count / Swift.max(1, grain))
    units = Swift.max(1, count / alignment)
  }

  func run(_ pointers: Kernel.Pointers) {
    let parts = Swift.min(Parallel.threads, mostParts)
    if parts <= 1 {
      soma_single_threaded_libraries()
      if count > 0 { body(pointers, 0, 0..<count) }
      return
    }
    var call = Call(loop: self, pointers: pointers, parts: parts)
    withUnsafeMutablePointer(to: &call) { call in
      soma_parallel(parts, call) { call, i in call!.assumingMemoryBound(to: Call.self).pointee.run(i) }
    }
  }

  private struct Call {
    let loop: ParallelLoop
    let pointers: Kernel.Pointers
    let parts: Int

    func run(_ i: Int) {
      soma_single_threaded_libraries()
      let start = loop.units * i / parts * loop.alignment
      let end = i == parts - 1 ? loop.count : loop.units * (i + 1) / parts * loop.alignment
      if start < end { loop.body(pointers, i, start..<end) }
    }
  }
}

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif
