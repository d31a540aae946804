import SomaNetworks
import SomaReports

/// Computed properties as terms and texts.
public func activationFacts(_ p: ActivationProperties) -> [(String, String)] {
  func optional(_ value: Double?) -> String { value.map(short) ?? "none" }
  func places(_ ranges: [ClosedRange<Double>]) -> String {
    let texts = ranges.prefix(6).map { range in
      range.lowerBound == range.upperBound
        ? short(range.lowerBound) : "\(short(range.lowerBound)) … \(short(range.upperBound))"
    }
    return ranges.isEmpty ? "none" : texts.joined(separator: ", ") + (ranges.count > 6 ? " …" : "")
  }
  func proved(_ text: String, _ certificate: ActivationProperties.Certificate) -> String {
    certificate == .intervals ? text + " (proved)" : text
  }
  let saturation =
    switch p.saturates {
    case (true, true): "at both ends"
    case (true, false): "towards -∞"
    case (false, true): "towards +∞"
    case (false, false): "none"
    }
  return [
    ("f(0)", short(p.valueAtZero)), ("range", "\(short(p.range.lowerBound)) … \(short(p.range.upperBound))"),
    ("symmetry", p.symmetry.rawValue), ("monotonicity", proved(p.monotonicity.rawValue, p.monotonicityCertificate)),
    ("curvature", proved(p.curvature.rawValue, p.curvatureCertificate)), ("smoothness", p.smoothness.rawValue),
    ("Lipschitz constant", short(p.lipschitzConstant)),
    ("limits at ∓∞", "\(optional(p.limits.low)), \(optional(p.limits.high))"),
    ("slopes at ∓∞", "\(optional(p.slopes.low)), \(optional(p.slopes.high))"), ("saturation", saturation),
    ("zeros", places(p.zeros)), ("fixed points", places(p.fixedPoints)),
    ("kinks", p.kinks.isEmpty ? "none" : p.kinks.prefix(8).map(short).joined(separator: ", ")),
    ("jumps", p.jumps.isEmpty ? "none" : p.jumps.prefix(8).map(short).joined(separator: ", ")),
    (
      "minima",
      p.minima.isEmpty
        ? "none" : p.minima.prefix(6).map { "\(short($0.y)) at \(short($0.x))" }.joined(separator: ", ")
    ), ("f(c x) = c f(x), c > 0", p.isPositivelyHomogeneous ? "yes" : "no"),
    (
      "E f(z), E f(z)², E f′(z)²",
      "\(short(p.moments.mean)), \(short(p.moments.secondMoment)), \(short(p.moments.slopeMoment)) for standard normal z"
    ), ("gain for initialization", short(p.moments.initialGain)),
    ("gradient by layer", "× \(short(p.moments.depthFactor)) (E f′² / E f²)"),
  ]
}
