import SomaReports

/// The tables and pictures that most studies show.
extension [TrainingStudy.Outcome] {
  /// The outcome of a name.
  public subscript(_ name: String) -> TrainingStudy.Outcome {
    guard let outcome = first(where: { $0.name == name }) else { fatalError("no variant is called \(name)") }
    return outcome
  }

  /// The two-sided p-value of the paired t-test of two variants over seeds, and the mean difference `a - b`. Nil for fewer
  /// than two seeds or if a run diverged.
  public func difference(_ a: String, _ b: String) -> (mean: Double, pValue: Double)? {
    let (x, y) = (self[a].test, self[b].test)
    guard x.count == y.count, (x + y).allSatisfy(\.isFinite), let test = pairedTTest(x, y) else { return nil }
    return (x.mean - y.mean, test.pValue)
  }

  /// A row for each variant.
  /// - Parameters:
  ///   - factor: 100 shows accuracies in per cent
  ///   - baseline: the variant that the others are tested against
  public func table(_ title: String, score: String, factor: Double = 1, baseline: String? = nil) -> Finding.Table {
    var columns = ["variant", score, "learning rate", "seconds a run"]
    if baseline != nil { columns.insert(contentsOf: ["difference", "p"], at: 2) }
    let rows = map { outcome in
      var row = [
        outcome.name + (outcome.isComplete ? "" : " (diverged)"),
        Estimate(of: outcome.test.filter(\.isFinite).map { $0 * factor }).formatted(),
        formattedNumber(outcome.learningRate), formattedNumber(outcome.seconds, digits: 2),
      ]
      if let baseline {
        let difference = outcome.name == baseline ? nil : self.difference(outcome.name, baseline)
        row.insert(
          contentsOf: [
            difference.map { formattedNumber($0.mean * factor, digits: 3) } ?? "–",
            difference.map { formattedNumber($0.pValue, digits: 2) } ?? "–",
          ], at: 2)
      }
      return row
    }
    return Finding.Table(title, columns: columns, rows: rows)
  }

  /// Mean test scores with their intervals.
  public func scorePlot(_ title: String, _ xTitle: String, factor: Double = 1, reference: String? = nil) -> IntervalPlot
  {
    IntervalPlot(
      title, xTitle: xTitle,
      enumerated().map { i, outcome in
        let estimate = Estimate(of: outcome.test.filter(\.isFinite).map { $0 * factor })
        return IntervalPlot.Row(outcome.name, estimate.mean, interval: estimate.interval, series: i)
      }, reference: reference.map { self[$0].estimate.mean * factor })
  }

  /// Training losses of the chosen rates: means over seeds.
  public func lossPlot(_ title: String = "Training loss", yTitle: String = "loss") -> LineChart {
    LineChart(
      title, xTitle: "epoch", yTitle: yTitle,
      map { outcome in
        let runs = outcome.trainingLoss.filter { !$0.isEmpty }
        let epochs = runs.map(\.count).min() ?? 0
        return LineChart.Series(
          outcome.name, x: (0..<epochs).map { Double($0 + 1) }, y: (0..<epochs).map { k in runs.map { $0[k] }.mean })
      }, yScale: .logarithmic)
  }
}
