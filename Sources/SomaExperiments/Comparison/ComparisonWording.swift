import Foundation
import SomaReports

/// A comparison's numbers as texts, the same in the terminal and on the page.
extension ComparisonReport {
  public var isClassification: Bool { settings.data.task == .classification }

  /// An accuracy in per cent, or an R².
  public func text(score: Double) -> String {
    isClassification ? formattedNumber(score * 100, decimals: 2) + " %" : formattedNumber(score, decimals: 4)
  }

  /// `97.21 ± 0.35 %`
  public func text(_ estimate: Estimate?) -> String {
    guard let estimate else { return "–" }
    guard let half = estimate.halfWidth else { return text(score: estimate.mean) }
    return isClassification
      ? "\(formattedNumber(estimate.mean * 100, decimals: 2)) ± \(formattedNumber(half * 100, decimals: 2)) %"
      : "\(formattedNumber(estimate.mean, decimals: 4)) ± \(formattedNumber(half, decimals: 4))"
  }

  /// A difference of scores, with its sign; in percentage points for accuracies.
  public func text(difference: Estimate?) -> String {
    guard let difference else { return "" }
    let scaled = isClassification ? difference.mean * 100 : difference.mean
    let number = formattedNumber(scaled, decimals: isClassification ? 2 : 4)
    return scaled > 0 && !number.hasPrefix("−") ? "+" + number : number
  }

  /// `0.031`, `< 0.001`
  public static func text(pValue: Double?) -> String {
    guard let pValue else { return "" }
    return pValue < 0.001 ? "< 0.001" : formattedNumber(pValue, decimals: 3)
  }

  /// Seconds with a fitting unit: `31 µs`, `4.2 ms`, `1.3 s`.
  public static func text(seconds: Double) -> String {
    switch seconds {
    case ..<1e-3: "\(formattedNumber(seconds * 1e6, digits: 3)) µs"
    case ..<1: "\(formattedNumber(seconds * 1e3, digits: 3)) ms"
    default: "\(formattedNumber(seconds, digits: 3)) s"
    }
  }

  /// `20,098`
  public static func text(count: Int) -> String {
    var result = ""
    for (i, digit) in String(count).reversed().enumerated() {
      if i > 0 && i % 3 == 0 && digit != "-" { result.append(",") }
      result.append(digit)
    }
    return String(result.reversed())
  }

  /// What was found, in a sentence or two.
  public var conclusion: String {
    guard let best = entries.first, let score = best.testScore else { return "No trial finished." }
    let name = settings.data.scoreName
    var result = "\(best.candidate) has the best test \(name), \(text(score))."
    guard entries.count > 1, let baseline = settings.candidates.first else { return result }
    let (better, worse) = (
      entries.filter { $0.isSignificant && ($0.difference?.mean ?? 0) > 0 }.map(\.candidate),
      entries.filter { $0.isSignificant && ($0.difference?.mean ?? 0) < 0 }.map(\.candidate)
    )
    if settings.seeds < 2 { return result }
    if better.isEmpty && worse.isEmpty {
      return result + " No difference from the baseline \(baseline) is significant at the level 0.05."
    }
    if !better.isEmpty {
      result += " Significantly better than the baseline \(baseline): \(Self.text(names: better))."
    }
    if !worse.isEmpty { result += " Significantly worse: \(Self.text(names: worse))." }
    return result
  }

  /// Names in a row; of many the first few and how many more.
  static func text(names: [String], limit: Int = 12) -> String {
    names.count <= limit
      ? names.joined(separator: ", ")
      : names.prefix(limit - 4).joined(separator: ", ") + " and \(names.count - limit + 4) more"
  }
}
