import Foundation

/// A number with at most `digits` significant digits, without needless zeros: `0.9731`, `20.1 k`, `3 M`, `2·10⁻⁵`. Not a
/// number and infinities are `–` and `∞`.
public func formattedNumber(_ value: Double, digits: Int = 4) -> String {
  if value.isNaN { return "–" }
  if value.isInfinite { return value < 0 ? "−∞" : "∞" }
  if value == 0 { return "0" }
  let rounded = significant(value, digits)
  let size = abs(rounded)
  switch size {
  case 1e15...: return scientific(rounded, digits)
  case 1e12...: return plain(rounded / 1e12, digits) + " T"
  case 1e9...: return plain(rounded / 1e9, digits) + " G"
  case 1e6...: return plain(rounded / 1e6, digits) + " M"
  case 1e4...: return plain(rounded / 1e3, digits) + " k"
  case 1e-3...: return plain(rounded, digits)
  default: return scientific(rounded, digits)
  }
}

/// A number with a fixed count of decimals; a true minus sign.
public func formattedNumber(_ value: Double, decimals: Int) -> String {
  guard value.isFinite else { return formattedNumber(value) }
  let text = String(format: "%.\(max(0, min(decimals, 17)))f", value)
  let isZero = !text.contains { "123456789".contains($0) }
  return text.hasPrefix("-") ? (isZero ? "" : "−") + text.dropFirst() : text
}

/// A number in four digits, in the characters that programs read.
package func short(_ value: Double) -> String {
  guard value.isFinite else { return "\(value)" }
  if value != 0, abs(value) < 0.001 || abs(value) >= 100_000 { return String(format: "%.2e", value) }
  return String(format: abs(value) < 10 ? "%.4f" : "%.2f", value)
}

private func significant(_ value: Double, _ digits: Int) -> Double {
  Double(String(format: "%.\(max(1, digits) - 1)e", value)) ?? value
}

/// Decimals that show `digits` significant ones, trailing zeros cut.
private func plain(_ value: Double, _ digits: Int) -> String {
  let exponent = Int(floor(log10(max(abs(value), 1e-300))))
  var text = formattedNumber(value, decimals: max(0, digits - 1 - exponent))
  if text.contains(".") {
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
  }
  return text
}

private func scientific(_ value: Double, _ digits: Int) -> String {
  let exponent = Int(floor(log10(abs(value)) + 1e-12))
  let mantissa = plain(value / pow(10, Double(exponent)), digits)
  let power = "10" + superscript(exponent)
  return mantissa == "1" ? power : mantissa == "−1" ? "−" + power : mantissa + "·" + power
}

private func superscript(_ number: Int) -> String {
  let digits: [Character: Character] = [
    "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸", "9": "⁹",
  ]
  return String(String(number).compactMap { digits[$0] })
}
