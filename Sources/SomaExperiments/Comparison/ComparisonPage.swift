import Foundation
import Soma
import SomaReports

extension ComparisonReport {
  /// More candidates than that get a page that shows groups instead of each one's curves.
  static let mostOnSmallPage = 24

  /// The result as a self-contained page: ranking, plots, settings, and what to be careful about.
  public func page() -> Page {
    if entries.count > Self.mostOnSmallPage { return manyPage() }
    let data = settings.data
    let seeds = "\(settings.seeds) seed\(settings.seeds == 1 ? "" : "s")"
    var page = Page(
      title: "\(data.name): \(settings.candidates.joined(separator: ", "))",
      subtitle:
        "A comparison with equal parameters, equal tuning and equal data order; test \(data.scoreName), mean of \(seeds), 95 % intervals."
    )
    page.add(.paragraph(conclusion))
    page.add(.table(table))
    page.add(
      .figures(
        [scorePlot, validationPlot],
        caption:
          "Means over seeds with their 95 % intervals; the dashed line is the baseline's mean test \(data.scoreName)."))
    page.add(.figures([lossPlot] + costPlots + [tuningPlot]))
    page.add(.heading("What to be careful about"), .list(notes))
    page.add(.heading("How it was done"))
    page.add(.facts(facts))
    page.add(procedure)
    page.footer = footer
    return page
  }

  var footer: String {
    "Made by soma \(version), \(created.formatted(.iso8601)), on \(machine); run \(experimentID)."
  }

  var procedure: Page.Block {
    let data = settings.data
    return .details(
      summary: "The procedure",
      [
        .list([
          "Every candidate's widths are scaled to the same number of parameters.",
          "Each is trained with each learning rate on the training part (seed 0). Of the rates whose validation \(data.scoreName) over the last quarter of the epochs is the best\(isClassification ? " or within its standard error" : ""), the one with the smallest validation loss is kept.",
          "With that rate it is trained once for each seed. A seed gives all candidates the same batches in the same order. The learning rate falls along half a cosine.",
          "The weights of the epoch with the best validation \(data.scoreName) are judged on the test part, once.",
          "p is of the two-sided paired t-test against the baseline over seeds, adjusted by Holm's rule for the number of candidates.",
          "Latency is the median time of a forward pass; memory is what a training step needs in all.",
        ])
      ])
  }

  /// The plots' colour of a candidate: by the order of asking, so that it does not change with the ranking.
  private func series(_ entry: Entry) -> Int { settings.candidates.firstIndex(of: entry.candidate) ?? 0 }

  /// In the order of asking.
  private var inOrder: [Entry] { entries.sorted { series($0) < series($1) } }

  var unit: Double { isClassification ? 100 : 1 }
  var scoreTitle: String { isClassification ? "accuracy, %" : settings.data.scoreName }

  var table: PageTable {
    var columns: [PageTable.Column] = [
      .init("candidate", isNumeric: false),
      .init("test \(settings.data.scoreName)", explanation: "mean over seeds ± half the 95 % interval"),
      .init(
        "difference",
        explanation: "from the baseline, mean over seeds" + (isClassification ? ", percentage points" : "")),
      .init("p", explanation: "paired t-test against the baseline, Holm-adjusted"),
      .init("parameters"),
      .init("FLOPs", explanation: "operations of a forward pass for one sample"),
      .init("training", explanation: "mean seconds of training of one trial"),
      .init("latency", explanation: "median time of a forward pass for one sample"),
      .init("latency, \(entries.first?.batch ?? 0)", explanation: "median time of a forward pass for so many samples"),
      .init("memory", explanation: "what a training step needs"),
      .init("rate", explanation: "the learning rate chosen on the validation part"),
    ]
    if !isClassification { columns.insert(.init("test RMSE", explanation: "in the target's unit"), at: 2) }
    let rows = entries.map { entry -> [PageTable.Cell] in
      var cells: [PageTable.Cell] = [
        .init(
          entry.candidate + (entry.isBaseline ? " (baseline)" : ""), series: series(entry), isStrong: entry.rank == 1),
        .init(text(entry.testScore), value: entry.testScore?.mean, isStrong: entry.rank == 1),
        .init(text(difference: entry.difference), value: entry.difference?.mean ?? 0),
        .init(Self.text(pValue: entry.adjustedPValue), value: entry.adjustedPValue ?? 2, isStrong: entry.isSignificant),
        .init(Self.text(count: entry.parameters), value: Double(entry.parameters)),
        .init(formattedNumber(Double(entry.operations), digits: 3), value: Double(entry.operations)),
        .init(
          entry.trainingSeconds.map { Self.text(seconds: $0.mean) } ?? "–", value: entry.trainingSeconds?.mean),
        .init(Self.text(seconds: entry.latency), value: entry.latency),
        .init(Self.text(seconds: entry.batchLatency), value: entry.batchLatency),
        .init(formattedBytes(entry.memoryBytes), value: Double(entry.memoryBytes)),
        .init(entry.learningRate.map { formattedNumber($0) } ?? "–", value: entry.learningRate),
      ]
      if !isClassification {
        cells.insert(
          .init(entry.testRMSE.map { formattedNumber($0.mean) } ?? "–", value: entry.testRMSE?.mean), at: 2)
      }
      return cells
    }
    return PageTable(
      columns, rows: rows, caption: "A click on a heading sorts. On a narrow screen the table scrolls sideways.")
  }

  func scaled(_ interval: ClosedRange<Double>?) -> ClosedRange<Double>? {
    interval.map { $0.lowerBound * unit...$0.upperBound * unit }
  }

  private var scorePlot: IntervalPlot {
    let decimals = isClassification ? 2 : 4
    let baseline = entries.first { $0.isBaseline }?.testScore
    return IntervalPlot(
      "Test \(settings.data.scoreName)", xTitle: scoreTitle,
      entries.map { entry in
        IntervalPlot.Row(
          entry.candidate, (entry.testScore?.mean ?? .nan) * unit, interval: scaled(entry.testScore?.interval),
          series: series(entry))
      }, reference: baseline.map { $0.mean * unit }, format: { formattedNumber($0, decimals: decimals) })
  }

  private func chart(
    _ title: String, yTitle: String, factor: Double, scale: AxisScale, _ estimates: (Entry) -> [Estimate]
  ) -> LineChart {
    LineChart(
      title, xTitle: "epoch", yTitle: yTitle,
      inOrder.map { entry in
        let values = estimates(entry)
        return LineChart.Series(
          entry.candidate, x: values.indices.map { Double($0 + 1) }, y: values.map { $0.mean * factor },
          low: values.map { ($0.low ?? $0.mean) * factor }, high: values.map { ($0.high ?? $0.mean) * factor })
      }, yScale: scale)
  }

  private var validationPlot: LineChart {
    var chart = chart(
      "Validation \(settings.data.scoreName)", yTitle: scoreTitle, factor: unit, scale: .linear
    ) { $0.curve.validationScore }
    // The first steep epochs would leave no room for the differences that matter.
    let late = chart.series.flatMap { $0.y.dropFirst($0.y.count / 8) + $0.high!.dropFirst($0.y.count / 8) }
      .filter(\.isFinite)
    if let low = late.min(), let high = late.max(), high > low {
      let room = (high - low) * 0.05
      chart.yRange = low - room...(isClassification ? min(100, high + room) : high + room)
    }
    return chart
  }

  private var lossPlot: LineChart {
    chart("Training loss", yTitle: "loss", factor: 1, scale: .logarithmic) { $0.curve.trainingLoss }
  }

  private func scatter(_ title: String, _ xTitle: String, _ x: (Entry) -> Double?) -> ScatterPlot {
    ScatterPlot(
      title, xTitle: xTitle, yTitle: scoreTitle,
      inOrder.compactMap { entry in
        guard let score = entry.testScore, let value = x(entry) else { return nil }
        return ScatterPlot.Point(
          entry.candidate, x: value, y: score.mean * unit, yInterval: scaled(score.interval), series: series(entry))
      })
  }

  /// Score against training time, and against parameters where these differ.
  private var costPlots: [any Plot] {
    var plots: [any Plot] = [
      scatter("Score and training time", "training time of a trial, s") { $0.trainingSeconds?.mean }
    ]
    let counts = entries.map(\.parameters).filter { $0 > 0 }
    if let low = counts.min(), let high = counts.max(), Double(high) > Double(low) * 1.05 {
      plots.append(scatter("Score and parameters", "parameters") { Double($0.parameters) })
    } else {
      plots.append(scatter("Score and latency", "latency of one sample, µs") { $0.latency * 1e6 })
    }
    return plots
  }

  private var tuningPlot: LineChart {
    LineChart(
      "Learning-rate sweep", xTitle: "learning rate", yTitle: "validation \(scoreTitle)",
      inOrder.map { entry in
        LineChart.Series(
          entry.candidate, x: entry.tuning.map(\.learningRate),
          y: entry.tuning.map { ($0.validationScore ?? .nan) * unit })
      }, xScale: .logarithmic)
  }

  /// The networks without their activations, with the factor of their widths.
  private var networks: String {
    let texts = inOrder.map { entry in
      let parts = entry.network.split(separator: "@")
      let name = parts.first?.split(separator: ":").first.map(String.init) ?? entry.network
      return parts.count == 2 ? "\(name), widths × \(formattedNumber(Double(parts[1]) ?? .nan))" : name
    }
    let different = texts.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    return different.count <= 6
      ? different.joined(separator: "; ")
      : different.prefix(4).joined(separator: "; ") + " and \(different.count - 4) more widths"
  }

  var facts: [(term: String, value: String)] {
    let data = settings.data
    let shape = data.sampleShape.map(String.init).joined(separator: " × ")
    return [
      ("data", data.name),
      ("samples", "\(shape) numbers each, \(data.outputs) \(isClassification ? "classes" : "outputs")"),
      (
        "division",
        "\(Self.text(count: data.trainingCount)) training, \(Self.text(count: data.validationCount)) validation, \(Self.text(count: data.testCount)) test"
      ),
      ("networks", networks),
      ("parameters", "\(Self.text(count: settings.parameters)), within 2 % where widths allow"),
      ("seeds", String(settings.seeds)), ("epochs", String(settings.epochs)), ("batch", String(settings.batch)),
      ("optimizer", settings.optimizer.rawValue),
      ("learning rates tried", settings.learningRates.map { formattedNumber($0) }.joined(separator: ", ")),
      ("epochs of each try", String(settings.tuningEpochs)), ("data fingerprint", data.fingerprint),
    ]
  }
}
