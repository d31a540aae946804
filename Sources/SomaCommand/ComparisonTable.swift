import Soma
import SomaExperiments
import SomaReports

/// A comparison's result as it is printed.
struct ComparisonTable {
  let result: ComparisonReport

  /// The ranked table; the best candidate is marked.
  var lines: [String] {
    var headings = ["#", "candidate", "test \(result.settings.data.scoreName)"]
    if !result.isClassification { headings.append("RMSE") }
    let numbers = headings.count..<headings.count + 7
    headings += ["Δ", "p", "parameters", "FLOPs", "training", "latency", "memory", "rate"]
    var columns = TextColumns(headings: headings, alignedRight: Set([0, 2] + Array(numbers) + [numbers.upperBound]))
    if !result.isClassification { columns.alignedRight.insert(3) }
    columns.rows = result.entries.map { entry in
      var row = [String(entry.rank), entry.candidate + (entry.isBaseline ? " *" : ""), result.text(entry.testScore)]
      if !result.isClassification { row.append(entry.testRMSE.map { formattedNumber($0.mean) } ?? "–") }
      row += [
        result.text(difference: entry.difference),
        ComparisonReport.text(pValue: entry.adjustedPValue),
        ComparisonReport.text(count: entry.parameters), formattedNumber(Double(entry.operations), digits: 3),
        entry.trainingSeconds.map { ComparisonReport.text(seconds: $0.mean) } ?? "–",
        ComparisonReport.text(seconds: entry.latency), formattedBytes(entry.memoryBytes),
        entry.learningRate.map { formattedNumber($0) } ?? "–",
      ]
      return row
    }
    var lines = columns.lines
    if lines.count > 2 { lines[2] = Terminal.green(lines[2]) }
    return lines
  }

  /// What was found, what the columns are, and what to be careful about.
  var remarks: [String] {
    let settings = result.settings
    var lines = [result.conclusion, ""]
    lines.append(
      Terminal.dim(
        "* baseline. ± and p over \(settings.seeds) seeds: 95 % interval; paired t-test against the baseline, Holm-adjusted."
      ))
    lines.append(
      Terminal.dim(
        "FLOPs and latency: forward pass of one sample. Memory: a training step of \(settings.batch) samples. Rate: chosen on validation data."
      ))
    lines += result.notes.map { Terminal.dim("Note: " + $0) }
    return lines
  }

  func show(isQuiet: Bool) {
    for line in lines { print(line) }
    if !isQuiet {
      print()
      for line in remarks { print(line) }
    }
  }
}
