import Foundation
import Soma
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// The hundred formulas of the Feynman Lectures, each looked for by a sparse KAN. A smoke run tries 2 of them, a standard run all with a small
/// budget, a full run all with more starts, steps and samples.
func feynmanFormulas(_ run: ReproductionRun) throws -> Finding {
  let equations = Array(FeynmanEquation.all.prefix(run.scaled(100, smoke: 2)))
  let count = run.scaled(400, smoke: 60, full: 2000)
  var rows: [[String]] = []
  var curveShares: [Double] = []
  var formulaShares: [Double] = []
  var found = 0
  for (i, equation) in equations.enumerated() {
    try run.report(Double(i) / Double(equations.count), equation.name)
    let (x, y) = try equation.samples(count, key: Key(1905).folding(i))
    let half = count * 3 / 4
    let fit = FormulaFit(
      hidden: [run.scaled(2, smoke: 1, full: 4)], grids: [3, 5], starts: run.scaled(2, smoke: 1, full: 8),
      steps: run.scaled(40, smoke: 2, full: 200))
    let names = equation.variables.map(\.name)
    do {
      let result = try fit(
        Array(x[..<half]), Array(y[..<half]), test: (Array(x[half...]), Array(y[half...])), names: names, key: Key(i))
      let (curve, formula) = (
        result.curveErrors.test / result.deviation, (result.printedError ?? .nan) / result.deviation
      )
      curveShares.append(curve)
      formulaShares.append(formula)
      let isFound = formula < 0.01
      if isFound { found += 1 }
      rows.append([
        equation.name, equation.formula, "\(names.count)", formattedNumber(curve, digits: 2),
        formattedNumber(formula, digits: 2),
        isFound ? "found" : "", result.printed?.description ?? "–",
      ])
    } catch let error as KANError {
      curveShares.append(.infinity)
      formulaShares.append(.infinity)
      rows.append([equation.name, equation.formula, "\(names.count)", "–", "–", error.description, "–"])
    }
  }
  func share(_ values: [Double], _ limit: Double) -> Double { Double(values.filter { $0 < limit }.count) }
  let levels = [1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1]
  let near = share(curveShares, 0.1)
  let verdict: Verdict =
    found * 2 >= equations.count ? .reproduced : Int(near) * 2 >= equations.count ? .partly : .notReproduced
  return Finding(
    verdict,
    summary: """
      Of \(equations.count) formulas \(found) are found (error of the printed formula below 1 % of the deviation); the learned curves have an \
      error below 10 % of the deviation on \(Int(near)).
      """,
    measurements: [
      .init("median error of the curves, in deviations", curveShares.median, digits: 3),
      .init("median error of the printed formulas, in deviations", formulaShares.filter(\.isFinite).median, digits: 3),
    ],
    tables: [
      Finding.Table(
        "Formulas",
        columns: ["name", "formula", "variables", "curves' error", "formula's error", "", "what was found"], rows: rows)
    ],
    figures: [
      LineChart(
        "How many formulas have a smaller error", xTitle: "error in deviations", yTitle: "formulas",
        [
          .init("learned curves", x: levels, y: levels.map { share(curveShares, $0) }),
          .init("printed formula", x: levels, y: levels.map { share(formulaShares, $0) }),
        ], xScale: .logarithmic)
    ],
    remarks: [
      "Rule: reproduced if at least half are found, partly if the curves are within a tenth of the deviation on at least half.",
      "Every formula gets the same small budget; the publication's own networks were chosen by hand for each.",
    ])
}
