import Foundation
import HTTPTypes
import Hummingbird

/// Lets in only what may come in, and sends every answer with strict headers.
///
/// - Only GET and HEAD: nothing can be changed through the pages.
/// - The `Host` header must name this machine (against DNS rebinding, where a foreign page's name comes to mean 127.0.0.1), or
///   the reader must have the token, which a foreign page cannot know.
/// - Requests that other sites' pages make are refused (`Sec-Fetch-Site`), except for a link that a person follows.
/// - The token comes once in the address, from then on in a cookie that scripts cannot read and other sites do not send.
struct Doorkeeper: RouterMiddleware {
  typealias Context = BasicRequestContext

  let token: String?
  /// The address that is listened at.
  let host: String

  static let cookieName = "soma_token"

  func handle(
    _ request: Request, context: BasicRequestContext, next: (Request, BasicRequestContext) async throws -> Response
  ) async throws -> Response {
    var response: Response
    if let refusal = refusal(of: request) {
      response = refusal
    } else {
      do {
        response = try await next(request, context)
      } catch let error as HTTPError where error.status == .notFound {
        response = Answer.failure(NotFound("There is no page \(request.uri.path.prefix(200))."), room: .runs)
      } catch let error as HTTPError {
        response = Self.text(error.status, error.body ?? "This cannot be answered.")
      }
    }
    for field in Self.headers where response.headers[field.name] == nil { response.headers[field.name] = field.value }
    return response
  }

  private func refusal(of request: Request) -> Response? {
    guard request.method == .get || request.method == .head else {
      return Self.text(.methodNotAllowed, "Only GET and HEAD are answered here.")
    }
    if token == nil {
      guard isOwn(request.head.authority) else {
        return Self.text(.misdirectedRequest, "This server answers to 127.0.0.1 and localhost only.")
      }
    }
    let site = request.headers[HTTPField.Name("Sec-Fetch-Site")!]
    let isFollowedLink =
      request.headers[HTTPField.Name("Sec-Fetch-Mode")!] == "navigate"
      && request.headers[HTTPField.Name("Sec-Fetch-Dest")!] == "document"
    if let site, site != "same-origin", site != "none", !isFollowedLink {
      return Self.text(.forbidden, "Other sites' pages may not ask.")
    }
    return token.flatMap { refusal(of: request, without: $0) }
  }

  private func refusal(of request: Request, without token: String) -> Response? {
    if let given = request.cookies[Self.cookieName]?.value, Self.isEqual(given, token) { return nil }
    if let given = request.headers[.authorization], Self.isEqual(given, "Bearer " + token) { return nil }
    if let given = request.uri.queryParameters["token"], Self.isEqual(String(given), token) {
      // The address without the token: it must not stay in the history.
      return Response(
        status: .seeOther,
        headers: [
          .location: request.uri.path.hasPrefix("//") ? "/" : request.uri.path,
          .setCookie: "\(Self.cookieName)=\(token); Path=/; HttpOnly; SameSite=Strict",
        ])
    }
    return Self.text(.unauthorized, "A token is needed: open the address that soma serve printed.")
  }

  /// Whether a `Host` header means this machine.
  func isOwn(_ authority: String?) -> Bool {
    guard let authority, !authority.isEmpty else { return false }
    var name = authority.lowercased()
    if name.hasPrefix("[") {
      guard let end = name.firstIndex(of: "]") else { return false }
      let rest = name[name.index(after: end)...]
      guard rest.isEmpty || Self.isPort(rest) else { return false }
      name = String(name[...end])
    } else if let colon = name.firstIndex(of: ":") {
      guard Self.isPort(name[colon...]) else { return false }
      name = String(name[..<colon])
    }
    return ServerSettings.isLoopback(name) || name == host.lowercased()
  }

  private static func isPort(_ text: Substring) -> Bool { text.first == ":" && UInt16(text.dropFirst()) != nil }

  /// Equality in a time that does not tell how many characters agree.
  private static func isEqual(_ a: String, _ b: String) -> Bool {
    let (a, b) = (Array(a.utf8), Array(b.utf8))
    guard a.count == b.count else { return false }
    return zip(a, b).reduce(0 as UInt8) { $0 | ($1.0 ^ $1.1) } == 0
  }

  private static func text(_ status: HTTPResponse.Status, _ message: String) -> Response {
    Response(
      status: status, headers: [.contentType: "text/plain; charset=utf-8"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: message + "\n")))
  }

  /// Scripts and styles from this server's files alone; no frames, no plug-ins, nothing told to other sites, nothing kept.
  static let headers: [(name: HTTPField.Name, value: String)] = [
    (
      .contentSecurityPolicy,
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    (.xContentTypeOptions, "nosniff"),
    (HTTPField.Name("X-Frame-Options")!, "DENY"),
    (HTTPField.Name("Referrer-Policy")!, "no-referrer"),
    (HTTPField.Name("Cross-Origin-Opener-Policy")!, "same-origin"),
    (HTTPField.Name("Cross-Origin-Resource-Policy")!, "same-origin"),
    (HTTPField.Name("Permissions-Policy")!, "camera=(), microphone=(), geolocation=()"),
    (.cacheControl, "no-store"),
  ]
}
