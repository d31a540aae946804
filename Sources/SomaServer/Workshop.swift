import Foundation
import Synchronization

/// Work that takes longer than a moment, on threads of its own: tracing wants a deep stack, and whoever only reads a page should
/// not wait for it. At most two at a time, and a short queue; what comes beyond is turned away.
final class Workshop: Sendable {
  struct Busy: Error {}

  private struct State {
    var running = 0
    var waiting: [@Sendable () -> Void] = []
  }

  private let state = Mutex(State())
  private let places: Int
  private let longestQueue: Int

  init(places: Int = 2, longestQueue: Int = 16) {
    self.places = places
    self.longestQueue = longestQueue
  }

  /// - Throws: `Busy` if too much waits already, and what the work throws.
  func run<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      let job: @Sendable () -> Void = {
        let result = Swift.Result { try work() }
        continuation.resume(with: result)
      }
      let isTaken = state.withLock { state -> Bool? in
        if state.running < places {
          state.running += 1
          return true
        }
        guard state.waiting.count < longestQueue else { return nil }
        state.waiting.append(job)
        return false
      }
      switch isTaken {
      case true?: begin(job)
      case false?: break
      case nil: continuation.resume(throwing: Busy())
      }
    }
  }

  private func begin(_ job: @escaping @Sendable () -> Void) {
    let thread = Thread { [self] in
      var next: (@Sendable () -> Void)? = job
      while let job = next {
        job()
        next = state.withLock { state in
          if state.waiting.isEmpty {
            state.running -= 1
            return nil
          }
          return state.waiting.removeFirst()
        }
      }
    }
    thread.stackSize = 16 << 20
    thread.start()
  }
}
