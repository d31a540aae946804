import Foundation
import Soma
import SomaNetworks
import SomaReports

/// The page of a comparison of many: ranks, groups, cost, classes; each candidate is found in the table and the gallery.
extension ComparisonReport {
  /// Candidates whose scores the seeds cannot tell apart, best group first.
  public struct Cluster: Sendable {
    public var candidates: [String]
    public var scores: ClosedRange<Double>
  }

  /// Groups by the test of Scott and Knott (1974) over the seeds' scores. Candidates without two finished trials are in none.
  public var clusters: [Cluster] {
    let tested = entries.filter { $0.scores.count { $0 != nil } > 1 }
    let groups = scottKnottGroups(tested.map { $0.scores.compactMap(\.self) })
    return Dictionary(grouping: zip(tested, groups), by: \.1).sorted { $0.key < $1.key }.map { _, members in
      let scores = members.compactMap { $0.0.testScore?.mean }
      return Cluster(
        candidates: members.map { $0.0.candidate }, scores: (scores.min() ?? .nan)...(scores.max() ?? .nan))
    }
  }

  func manyPage() -> Page {
    let data = settings.data
    let clusters = clusters
    var page = Page(
      title: "\(data.name): \(entries.count) candidates",
      subtitle:
        "A comparison with equal parameters, equal tuning and equal data order; test \(data.scoreName), mean of \(settings.seeds) seeds, 95 % intervals."
    )
    page.add(.paragraph(conclusion), .facts(overview(clusters)))
    page.add(.heading("The best, and those that everybody knows"))
    page.add(
      .figures(
        [ranking("The best 30", Array(entries.prefix(30))), ranking("Well known", wellKnown)],
        caption:
          "Means over seeds with their 95 % intervals; the dashed line is the baseline's mean test \(data.scoreName)."))
    page.add(.heading("Groups that the seeds cannot tell apart"))
    page.add(.table(clusterTable(clusters)))
    page.add(
      .details(
        summary: "The members of each group",
        [.list(clusters.enumerated().map { "\($0.offset + 1): \($0.element.candidates.joined(separator: ", "))" })]))
    page.add(.heading("Score and cost"))
    page.add(
      .figures(
        [
          costScatter("All", entries, showsLabels: false),
          costScatter("No faster one is better", front, showsLabels: true),
        ],
        caption:
          "Each point is a candidate: mean test \(data.scoreName) against the training time of a trial. On the right those that no faster one beats."
      ))
    page.add(
      .figures([Histogram("Scores", xTitle: scoreTitle, means.map { $0 * unit }, binCount: 40), tuningHistogram]))
    if let table = classTable { page.add(.heading("By class"), .table(table)) }
    if let gallery { page.add(.heading("All of them"), .gallery(gallery)) }
    page.add(.heading("The ranking"), .table(table))
    page.add(.heading("What to be careful about"), .list(notes))
    page.add(.heading("How it was done"), .facts(facts), procedure)
    page.footer = footer
    return page
  }

  private var means: [Double] { entries.compactMap { $0.testScore?.mean } }
  private var baseline: Entry? { entries.first(where: \.isBaseline) }

  private func overview(_ clusters: [Cluster]) -> [(term: String, value: String)] {
    let scores = means.sorted()
    var result: [(term: String, value: String)] = [
      ("quartiles", [0.25, 0.5, 0.75].map { text(score: scores.quantile($0)) }.joined(separator: ", ")),
      ("groups", "\(clusters.count); the first has \(clusters.first?.candidates.count ?? 0) candidates"),
    ]
    if let baseline {
      let better = entries.count { $0.isSignificant && ($0.difference?.mean ?? 0) > 0 }
      let worse = entries.count { $0.isSignificant && ($0.difference?.mean ?? 0) < 0 }
      result.append(("rank of \(baseline.candidate)", "\(baseline.rank) of \(entries.count)"))
      result.append(("significantly better than it", "\(better), after adjustment for \(entries.count - 1) tests"))
      result.append(("significantly worse", String(worse)))
    }
    let none = entries.count { $0.testScore == nil }
    if none > 0 { result.append(("diverged at every rate", String(none))) }
    return result
  }

  private func ranking(_ title: String, _ entries: [Entry]) -> IntervalPlot {
    IntervalPlot(
      title, xTitle: scoreTitle,
      entries.map {
        IntervalPlot.Row(
          "\($0.rank) \($0.candidate)", ($0.testScore?.mean ?? .nan) * unit, interval: scaled($0.testScore?.interval),
          series: $0.isBaseline ? 1 : 0)
      }, reference: baseline?.testScore.map { $0.mean * unit }, format: { formattedNumber($0, decimals: 2) })
  }

  private var wellKnown: [Entry] {
    let names: Set<String> = [
      "relu", "leaky-relu", "prelu", "elu", "selu", "celu", "gelu", "silu", "swish", "mish", "tanh", "sigmoid",
      "softplus",
      "softsign", "hard-swish", "hardtanh", "bounded-relu", "relu6", "maxout", "glu", "geglu", "reglu", "swiglu",
      "crelu",
      "softmax", "sine", "repu", "snake", "identity", "binary-step",
    ]
    return entries.filter { names.contains($0.candidate) || $0.isBaseline }
  }

  private func clusterTable(_ clusters: [Cluster]) -> PageTable {
    PageTable(
      [
        .init("group"), .init("candidates"), .init("worst"), .init("best"), .init("first members", isNumeric: false),
      ],
      rows: clusters.enumerated().map { i, cluster in
        [
          .init(String(i + 1), value: Double(i + 1)),
          .init(String(cluster.candidates.count), value: Double(cluster.candidates.count)),
          .init(text(score: cluster.scores.lowerBound), value: cluster.scores.lowerBound),
          .init(text(score: cluster.scores.upperBound), value: cluster.scores.upperBound),
          .init(Self.text(names: cluster.candidates, limit: 9)),
        ]
      },
      caption:
        "Scott and Knott's test (1974) at the level \(Self.significance), with the seeds' variance within the group that is divided."
    )
  }

  // MARK: Cost

  private func costScatter(_ title: String, _ entries: [Entry], showsLabels: Bool) -> ScatterPlot {
    var plot = ScatterPlot(
      title, xTitle: "training time of a trial, s", yTitle: scoreTitle,
      entries.compactMap { entry in
        guard let score = entry.testScore, let time = entry.trainingSeconds?.mean, time > 0 else { return nil }
        return ScatterPlot.Point(entry.candidate, x: time, y: score.mean * unit, series: entry.isBaseline ? 1 : 0)
      }, xScale: .logarithmic)
    plot.showsLabels = showsLabels
    return plot
  }

  /// Those that no faster candidate equals, and the baseline.
  private var front: [Entry] {
    let timed = entries.filter { $0.testScore != nil && $0.trainingSeconds != nil }
      .sorted { $0.trainingSeconds!.mean < $1.trainingSeconds!.mean }
    var (best, result) = (-Double.infinity, [Entry]())
    for entry in timed where entry.testScore!.mean > best || entry.isBaseline {
      best = max(best, entry.testScore!.mean)
      result.append(entry)
    }
    return result
  }

  private var tuningHistogram: Histogram {
    Histogram(
      "Learning rates chosen, powers of ten", xTitle: "log₁₀ of the rate",
      entries.compactMap { $0.learningRate.map { log10($0) } }, binCount: 24)
  }

  // MARK: Activations

  private func activation(_ entry: Entry) -> Activation? { try? Activation.named(entry.candidate) }

  /// Classes of activations: how many, and how they fare. Nil where candidates are something else.
  private var classTable: PageTable? {
    let families = Dictionary(grouping: entries) { activation($0)?.family ?? "other" }
    guard families.count > 1 else { return nil }
    let threshold = isClassification ? 0.5 : 0
    let rows = families.sorted { $0.key < $1.key }.map { family, entries -> [PageTable.Cell] in
      let scores = entries.compactMap { $0.testScore?.mean }.sorted()
      let share = Double(scores.count { $0 > threshold }) / Double(entries.count)
      func cell(_ value: Double) -> PageTable.Cell { .init(text(score: value), value: value) }
      return [
        .init(family), .init(String(entries.count), value: Double(entries.count)), cell(scores.last ?? .nan),
        cell(scores.median), cell(scores.first ?? .nan), .init("\(Int((share * 100).rounded())) %", value: share),
        .init(entries.min { $0.rank < $1.rank }?.candidate ?? ""),
      ]
    }
    return PageTable(
      [
        .init("class", isNumeric: false), .init("candidates"), .init("best"), .init("median"), .init("worst"),
        .init("trains", explanation: isClassification ? "accuracy above 50 %" : "R² above 0"),
        .init("the best one", isNumeric: false),
      ], rows: rows)
  }

  /// The curves, green for the best and red for the worst.
  private var gallery: Gallery? {
    let places = (0...96).map { -4 + Double($0) / 12 }
    let scores = means.sorted()
    let items = entries.compactMap { entry -> Gallery.Item? in
      guard let activation = activation(entry) else { return nil }
      // The place among all scores: most differences are small.
      let shade = entry.testScore.map { score in
        Double(scores.count { $0 < score.mean }) / Double(max(1, scores.count - 1))
      }
      var tags: [String] = []
      if activation.isTrained { tags.append("trained") }
      if activation.kind != .scalar { tags.append(activation.kind.rawValue) }
      if entry.isSignificant {
        tags.append((entry.difference?.mean ?? 0) > 0 ? "better than baseline" : "worse than baseline")
      }
      return Gallery.Item(
        name: "\(entry.rank) \(entry.candidate)", title: activation.displayName, text: activation.formula,
        group: activation.family, tags: tags, curve: activation.values(at: places),
        facts: [
          ("test \(settings.data.scoreName)", text(entry.testScore)), ("source", activation.source),
          ("learning rate", entry.learningRate.map { formattedNumber($0) } ?? "–"),
        ], shade: shade ?? 0)
    }
    return items.isEmpty ? nil : Gallery(places: places, items: items, groupTitle: "class")
  }
}
