import ArgumentParser
import Foundation
import Soma
import SomaData
import SomaLearning
import SomaNetworks

/// `soma fit curve.csv --multi-stage 4`: a function of one column in double precision, each stage for what those before have left.
struct FitStages: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Fit a curve of one column by so many networks, one for what the others leave.", valueName: "count"))
  var multiStage: Int?
  @Option(help: "Steps of L-BFGS of a stage.") var stageIterations = 2500

  mutating func validate() throws {
    try checkOption(multiStage, "multi-stage", 1...8)
    try checkOption(stageIterations, "stage-iterations", 1...1_000_000)
  }

  private struct Stage: Encodable {
    var stage: Int
    var magnitude: Double
    var frequency: Double
    var kappa: Double
    var error: Double
  }

  private struct Report: Encodable {
    var rows: Int
    var stages: [Stage]
    var heldError: Double
    var ending: String
  }

  func run(_ stages: Int, _ path: String, target: String?, seed: Int, _ output: OutputChoice) throws {
    let table = try CSV.read(path)
    guard table.columns.count >= 2 else { throw DataError(path, "has one column; a curve takes two") }
    let value = try target.map { try table.column($0) } ?? table.columns.last!
    let others = table.columns.filter { $0.name != value.name }
    guard others.count == 1, let place = others.first,
      [place, value].allSatisfy({ $0.kind == .number || $0.kind == .integer })
    else {
      throw DataError(path, "stages fit one column of numbers by one other; it has \(table.columns.count) columns")
    }
    let rows = zip(place.values, value.values).sorted { $0.0 < $1.0 }
    guard rows.allSatisfy({ $0.0.isFinite && $0.1.isFinite }) else {
      throw DataError(path, "has missing or infinite numbers")
    }
    // Every fifth row inside is kept for the error.
    let kept = rows.enumerated().filter { $0.offset % 5 == 2 && rows.count >= 20 }.map(\.element)
    let learned = rows.enumerated().filter { !($0.offset % 5 == 2 && rows.count >= 20) }.map(\.element)
    guard learned.count >= 10, let low = learned.first?.0, let high = learned.last?.0, low < high else {
      throw DataError(path, "stages want at least 10 rows at different places")
    }
    func tensor(_ values: [Double]) -> Tensor { Tensor(values, shape: [values.count, 1]) }
    let progress = ProgressLine(isQuiet: output.quiet)
    let interruption = Interruption()
    let result = try MultiStage(stages: stages, iterations: stageIterations).fit(
      tensor(learned.map(\.0)), tensor(learned.map(\.1)), box: [low...high], seed: seed
    ) { share, text in
      if interruption.isRequested { throw ExitCode(130) }
      progress.update(share, text)
    }
    progress.clear()
    let judged = kept.isEmpty ? learned : kept
    let found = result.network.apply(Variables(parameters: result.parameters), tensor(judged.map(\.0))).doubles
    let error = MultiStage.rootMeanSquare(zip(found, judged).map { $0 - $1.1 })
    let ending =
      switch result.ending {
      case .stagesDone: "all stages were run"
      case .targetReached: "nothing is left"
      case .noFurtherDecrease: "the last stage did not halve the error"
      case .precisionReached: "double precision is reached"
      case .dataTooSparse(let frequency, let samples):
        String(format: "%d rows are too few for a residue of %.3g periods a unit", samples, frequency)
      }
    let report = Report(
      rows: learned.count,
      stages: result.reports.map {
        Stage(stage: $0.stage, magnitude: $0.epsilon, frequency: $0.frequency, kappa: $0.kappa, error: $0.error)
      }, heldError: error, ending: ending)
    if output.json { return print(try jsonText(report)) }
    var columns = TextColumns(
      headings: ["stage", "magnitude", "frequency", "κ", "error left"], alignedRight: Set(0...4))
    for stage in report.stages {
      let numbers = [stage.magnitude, stage.frequency, stage.kappa].map { String(format: "%.3g", $0) }
      columns.rows.append([String(stage.stage)] + numbers + [String(format: "%.2e", stage.error)])
    }
    for line in columns.lines { print(line) }
    print(String(format: "error of %@ on %d rows kept aside: %.2e; %@", value.name, kept.count, error, ending))
  }
}
