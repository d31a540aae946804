import Foundation
import Synchronization

/// Turns Ctrl-C (and a polite request to end) into a question that work asks after each step. A second one ends at once.
final class Interruption: @unchecked Sendable {
  private let flag: Flag
  // Held, never used again: a source that is released listens no more.
  private let sources: [any DispatchSourceSignal]

  private final class Flag: Sendable {
    let isSet = Atomic<Bool>(false)
  }

  init() {
    let flag = Flag()
    self.flag = flag
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        flag.isSet.store(true, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
      source.resume()
      return source
    }
  }

  var isRequested: Bool { flag.isSet.load(ordering: .relaxed) }
}
