import Foundation
import HTTPTypes
import Hummingbird
import SomaExperiments
import SomaReports

/// A page of the server: a part of markup between the navigation and the end. Whoever makes the part escapes all texts.
struct WebPage {
  /// Where in the navigation a page belongs.
  enum Room: String, CaseIterable {
    case runs, systems, activations, networks, surfaces

    var title: String {
      switch self {
      case .runs: "Runs"
      case .systems: "Systems"
      case .activations: "Activations"
      case .networks: "Networks"
      case .surfaces: "Loss surfaces"
      }
    }
  }

  var title: String
  var room: Room?
  var body: String

  var html: String {
    let links = Room.allCases.map { other in
      "<a href=\"/\(other.rawValue)\"\(other == room ? " aria-current=\"page\"" : "")>\(other.title)</a>"
    }
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <link rel="icon" href="data:,">
      <link rel="stylesheet" href="/assets/soma.css">
      <script src="/assets/soma.js" defer></script>
      <title>\(title.markupEscaped) – soma</title>
      </head>
      <body>
      <a class="skip" href="#content">Skip to the content</a>
      <header><nav aria-label="pages"><strong>soma</strong> \(links.joined(separator: " "))</nav></header>
      <main id="content" tabindex="-1">
      \(body)
      </main>
      </body>
      </html>

      """
  }
}

/// Answers of a kind.
enum Answer {
  static func html(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
    typed("text/html; charset=utf-8", text, status: status)
  }

  static func page(_ page: WebPage, status: HTTPResponse.Status = .ok) -> Response { html(page.html, status: status) }

  static func typed(_ type: String, _ text: String, status: HTTPResponse.Status = .ok) -> Response {
    Response(
      status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }

  /// A picture that has its own style sheet, and may load nothing.
  static func svg(_ text: String) -> Response {
    var response = typed("image/svg+xml", text)
    response.headers[.contentSecurityPolicy] =
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return response
  }

  static func redirect(to path: String) -> Response { Response(status: .seeOther, headers: [.location: path]) }

  /// What went wrong, as a page.
  static func failure(_ error: any Error, room: WebPage.Room) -> Response {
    let (status, text): (HTTPResponse.Status, String) =
      switch error {
      case is Workshop.Busy: (.serviceUnavailable, "Too much is being computed at the moment; try again soon.")
      case let error as NotFound: (.notFound, error.description)
      case let error as StoreError:
        (error.problem.hasPrefix("has no run") ? .notFound : .internalServerError, "\(error)")
      default: (.badRequest, "\(error)")
      }
    return page(
      WebPage(
        title: "Error", room: room,
        body: "<h1>That did not work</h1>\n<p class=\"note\" role=\"alert\">\(text.markupEscaped)</p>"), status: status)
  }
}

extension String {
  /// As a part of an address: letters and digits of ASCII and `-._~` as they are, all else in `%` and two digits (RFC 3986).
  var addressEscaped: String {
    let kept = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
    return addingPercentEncoding(withAllowedCharacters: CharacterSet(charactersIn: kept)) ?? ""
  }
}

struct NotFound: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
