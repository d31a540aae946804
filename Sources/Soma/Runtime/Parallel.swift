import Dispatch
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

  /// Calls `body` on parts of `0..<count`, side by side if there are at least two `grain`s of work. Parts begin at
  /// multiples of `alignment`.
  @inline(__always)
  static func split(_ count: Int, grain: Int, alignment: Int = 1, _ body: (Range<Int>) -> Void) {
    splitNumbered(count, grain: grain, alignment: alignment) { _, part in body(part) }
  }

  /// The same, telling each part its number below `cores`, for scratch memory of its own.
  @inline(__always)
  static func splitNumbered(_ count: Int, grain: Int, alignment: Int = 1, _ body: (Int, Range<Int>) -> Void) {
    guard count > 0 else { return }
    let parts = Swift.min(threads, Swift.max(1, count / Swift.max(1, grain)))
    if parts <= 1 {
      soma_single_threaded_libraries()
      body(0, 0..<count)
      return
    }
    let units = (count + alignment - 1) / alignment
    withoutActuallyEscaping(body) { body in
      // Parts write to disjoint memory; the addresses they share are not `Sendable`.
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(iterations: parts) { i in
        soma_single_threaded_libraries()
        let start = units * i / parts * alignment
        let end = Swift.min(count, units * (i + 1) / parts * alignment)
        if start < end { body(i, start..<end) }
      }
    }
  }
}

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif
