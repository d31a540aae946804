import Foundation
import SomaExperiments
import SomaNetworks
import SomaReports
import Synchronization

/// The activation browser: all of the catalogue to search, and each with sliders for its numbers and its curve at once.
final class Activations: Sendable {
  /// The page's part, with or without properties.
  private struct Known {
    var gallery: String?
    var isComputing = false
  }

  private let known = Mutex(Known())

  /// The catalogue to search. Properties of all functions take seconds: the first readers get it without them.
  func list() -> WebPage {
    let (body, isFirst) = known.withLock { known in
      let isFirst = !known.isComputing
      known.isComputing = true
      return (known.gallery, isFirst)
    }
    if isFirst { computeProperties() }
    let plain = body ?? Self.gallery([:])
    known.withLock { known in if known.gallery == nil { known.gallery = plain } }
    return WebPage(title: "Activations", room: .activations, body: plain)
  }

  private func computeProperties() {
    let thread = Thread { [self] in
      let all = Activation.find()
      let properties = ActivationProperties.of(all) { _ in }
      let named = Dictionary(zip(all.map(\.name), properties).compactMap { name, value in value.map { (name, $0) } }) {
        $1
      }
      let whole = Self.gallery(named)
      known.withLock { $0.gallery = whole }
    }
    thread.stackSize = 16 << 20
    thread.start()
  }

  private static func gallery(_ properties: [String: ActivationProperties]) -> String {
    let all = Activation.find()
    return ActivationsPage(activations: all, properties: all.map { properties[$0.name] }) {
      "/activations/" + $0.name.addressEscaped
    }.page.content
  }

  // MARK: One activation

  /// A number that can be moved.
  struct Slider {
    var name: String
    var value: Double
    var range: ClosedRange<Double>
    var role: String
  }

  /// The numbers of an activation, each with a range about its start value that its constant bounds allow.
  static func sliders(_ activation: Activation) -> [Slider] {
    activation.parameters.compactMap { parameter in
      guard case .number(let value) = parameter.value, value.isFinite else { return nil }
      let reach = max(2, 2 * abs(value))
      var (low, high) = (value - reach, value + reach)
      for bound in parameter.bounds {
        guard case .number(let limit) = bound.limit else { continue }
        // Just inside where the limit itself is not allowed.
        let inside = min(0.001 * max(1, abs(limit)), abs(value - limit) / 2)
        switch bound.comparison {
        case .greater: low = max(low, limit + inside)
        case .greaterEqual: low = max(low, limit)
        case .less: high = min(high, limit - inside)
        case .lessEqual: high = min(high, limit)
        case .equal: (low, high) = (limit, limit)
        }
      }
      guard low < high else { return nil }
      return Slider(name: parameter.name, value: value, range: low...high, role: parameter.role.rawValue)
    }
  }

  /// The activation with the numbers of a query: `p.a=0.3`.
  /// - Throws: `ActivationError` for a number that its constraints do not allow.
  private static func activation(_ name: String, _ query: [String: String]) throws -> Activation {
    let base = try Activation.named(name)
    var values: [String: Double] = [:]
    for slider in sliders(base) {
      guard let text = query["p." + slider.name] else { continue }
      guard let value = Double(text), value.isFinite else { throw WrongNumber(name: slider.name, text: text) }
      values[slider.name] = value
    }
    return values.isEmpty ? base : try base.with(values)
  }

  struct WrongNumber: Error, CustomStringConvertible {
    let name: String
    let text: String
    var description: String { "\(name) is no number: \(text.prefix(40))" }
  }

  func page(of name: String, _ query: [String: String]) throws -> WebPage {
    let base = try Activation.named(name)
    let controls = Self.sliders(base).map { slider -> String in
      // Without steps: a step would round the start value.
      let id = "p-" + slider.name.markupEscaped
      let given = query["p." + slider.name].flatMap { Double($0) }.flatMap { $0.isFinite ? $0 : nil } ?? slider.value
      return """
        <label for="\(id)">\(slider.name.markupEscaped) <span class="faint">(\(slider.role))</span></label>
        <input type="range" id="\(id)" name="p.\(slider.name.markupEscaped)" min="\(slider.range.lowerBound)" max="\(slider.range.upperBound)" step="any" value="\(given)" data-start="\(slider.value)">
        <output for="\(id)">\(formattedNumber(given))</output>

        """
    }
    let address = base.name.addressEscaped
    let form =
      controls.isEmpty
      ? "<p class=\"faint\">This function has no numbers to move.</p>"
      : """
      <form class="sliders" method="get" action="/activations/\(address)" data-instant="/activations/\(address)/curve" data-into="curve">
      \(controls.joined())<p><button type="reset">Start values</button> <noscript><button>Draw</button></noscript></p></form>
      """
    return WebPage(
      title: base.displayName, room: .activations,
      body: """
        <h1>\(base.displayName.markupEscaped)</h1>
        <p class="subtitle"><code>f(x) = \(base.formula.markupEscaped)</code></p>
        \(form)
        <div id="curve" aria-live="polite">\(Self.curve(base.name, query))</div>
        <dl><div><dt>name</dt><dd>\(base.name.markupEscaped)</dd></div><div><dt>class</dt><dd>\(base.family.markupEscaped), \(base.kind.rawValue.markupEscaped)</dd></div><div><dt>source</dt><dd>\(base.source.markupEscaped)</dd></div></dl>
        <p><a href="/activations">All activations</a></p>
        """)
  }

  /// Function and slope, and what is computed of it, for the numbers of a query. What they do not allow is said instead.
  static func curve(_ name: String, _ query: [String: String]) -> String {
    let activation: Activation
    do { activation = try Self.activation(name, query) } catch {
      return "<p class=\"note\" role=\"alert\">\("\(error)".markupEscaped)</p>"
    }
    let places = (0...400).map { -6 + 12 * Double($0) / 400 }
    guard let points = activation.derivatives(at: places) else {
      return
        "<p class=\"note\">\(activation.displayName.markupEscaped) is no function of one number: there is no curve.</p>"
    }
    let chart = LineChart(
      "", xTitle: "x", yTitle: "",
      [
        LineChart.Series("f", x: places, y: points.map(\.value)),
        LineChart.Series("f′", x: places, y: points.map(\.first)),
      ], yRange: shownRange(points.map(\.value) + points.map(\.first)))
    var page = Page(title: "")
    if let properties = ActivationProperties(activation) {
      page.add(.facts(activationFacts(properties).map { (term: $0.0, value: $0.1) }))
    }
    return "<div class=\"plot\">\(chart.element(id: "curve-plot"))</div>\n\(page.content)"
  }

  /// Poles and powers would leave no room for the rest.
  private static func shownRange(_ values: [Double]) -> ClosedRange<Double>? {
    let finite = values.filter(\.isFinite)
    guard let low = finite.min(), let high = finite.max(), low < -12 || high > 12 else { return nil }
    return max(low, -12)...max(min(high, 12), max(low, -12) + 1)
  }
}
