import Foundation
import HTTPTypes
import Hummingbird
import Synchronization

/// Server-sent events that tell when something was noted in the store. The page then asks for what it shows anew.
final class RunEvents: Sendable {
  private let runs: Runs
  private let readers = Mutex(0)

  /// A browser holds one stream for each page; more than that is no person.
  static let mostReaders = 64
  static let pause = Duration.milliseconds(300)

  init(_ runs: Runs) { self.runs = runs }

  /// - Parameter id: of one run; nil for all
  func response(of id: Int64?) -> Response {
    guard readers.withLock({ $0 < Self.mostReaders }) else {
      return Answer.typed("text/plain; charset=utf-8", "Too many pages are open.\n", status: .serviceUnavailable)
    }
    let body = ResponseBody { [self] writer in
      readers.withLock { $0 += 1 }
      defer { readers.withLock { $0 -= 1 } }
      try await writer.write(ByteBuffer(string: "retry: 1000\n\n"))
      try await follow(id, &writer)
      try await writer.finish(nil)
    }
    return Response(status: .ok, headers: [.contentType: "text/event-stream"], body: body)
  }

  private func follow(_ id: Int64?, _ writer: inout any ResponseBodyWriter) async throws {
    var last = change(id)
    var sent = ContinuousClock.now
    try await writer.write(Self.event(last))
    while !Task.isCancelled {
      try await Task.sleep(for: Self.pause)
      let now = change(id)
      if now != last {
        last = now
        sent = .now
        try await writer.write(Self.event(now))
      } else if ContinuousClock.now - sent > .seconds(15) {
        // A reader that has gone is noticed when it is written to.
        sent = .now
        try await writer.write(ByteBuffer(string: ": still here\n\n"))
      }
    }
  }

  /// A store that cannot be read at the moment is one that has not changed.
  private func change(_ id: Int64?) -> Date? { try? runs.store()?.lastChange(of: id) }

  private static func event(_ date: Date?) -> ByteBuffer {
    ByteBuffer(string: "event: change\ndata: \(date?.timeIntervalSince1970 ?? 0)\n\n")
  }
}
