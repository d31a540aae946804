import Foundation
import Soma
import SomaNetworks
import SomaReports

/// Diagrams of ready networks.
struct Networks: Sendable {
  /// What was asked for.
  struct Wish: Sendable {
    var network = "resnet8"
    var depth = 2
    var outputs = 10

    /// - Throws: `WrongWish` for what is no depth or no number of outputs.
    init(_ query: [String: String]) throws {
      if let text = query["network"], !text.isEmpty { network = text }
      if let text = query["depth"], !text.isEmpty {
        guard let value = Int(text), (1...6).contains(value) else { throw WrongWish("depth is a number from 1 to 6") }
        depth = value
      }
      if let text = query["outputs"], !text.isEmpty {
        guard let value = Int(text), (1...10_000).contains(value) else {
          throw WrongWish("outputs is a number from 1 to 10000")
        }
        outputs = value
      }
    }

    var query: String { "network=\(network.addressEscaped)&depth=\(depth)&outputs=\(outputs)" }
  }

  struct WrongWish: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  /// Larger ones are described by `soma describe`, not by a server that others wait for.
  static let mostParameters = 200_000_000

  private static func resolved(_ wish: Wish) throws -> (specification: NetworkSpecification, input: TensorType) {
    let specification = try NetworkSpecification(parsing: wish.network)
    guard (1.0 / 16...16).contains(specification.width) else {
      throw WrongWish("widths from 1/16 to 16 times the usual are drawn here")
    }
    let input = TensorType(
      shape: Shape([1] + specification.usualInput), dtype: specification.readsSymbols ? .int32 : .float32)
    let parameters = specification.parameterCount(input: input.shape, outputs: wish.outputs)
    guard parameters <= mostParameters else {
      throw WrongWish("\(specification.description) has \(parameters) parameters, too many to be drawn here")
    }
    return (specification, input)
  }

  static func svg(_ wish: Wish) throws -> String {
    let (specification, input) = try resolved(wish)
    let layer = specification.network(input: input.shape, outputs: wish.outputs)
    return Diagram(layer.graph(for: input).simplified(), depth: wish.depth).svg()
  }

  static func page(_ query: [String: String]) throws -> WebPage {
    let wish = try Wish(query)
    let (specification, input) = try resolved(wish)
    let parameters = specification.parameterCount(input: input.shape, outputs: wish.outputs)
    let known = NetworkSpecification.all.map { "<option value=\"\($0.name.markupEscaped)\">" }.joined()
    let depths = (1...6).map { "<option\($0 == wish.depth ? " selected" : "")>\($0)</option>" }.joined()
    let title = specification.description.markupEscaped
    return WebPage(
      title: specification.description, room: .networks,
      body: """
        <h1>Network diagrams</h1>
        <form class="controls" method="get" action="/networks">
        <label>network <input type="search" name="network" list="known" value="\(wish.network.markupEscaped)" maxlength="200"></label>
        <datalist id="known">\(known)</datalist>
        <label>depth <select name="depth">\(depths)</select></label>
        <label>outputs <input type="number" name="outputs" min="1" max="10000" value="\(wish.outputs)"></label>
        <button>Draw</button></form>
        <dl><div><dt>network</dt><dd>\(title)</dd></div><div><dt>input</dt><dd>\(input.description.markupEscaped)</dd></div>
        <div><dt>parameters</dt><dd>\(formattedNumber(Double(parameters)))</dd></div></dl>
        <div class="scroll diagram" tabindex="0" role="region" aria-label="diagram"><img src="/networks/diagram.svg?\(wish.query.markupEscaped)" alt="diagram of \(title): its layers from top to bottom, with the shapes between them"></div>
        <p class="faint">The activation stands behind a colon: <code>mlp:mish</code>, <code>resnet8:gelu</code>.</p>
        """)
  }
}
