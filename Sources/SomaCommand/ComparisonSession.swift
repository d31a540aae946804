import ArgumentParser
import SomaExperiments
import SomaInterchange

/// A comparison as `soma compare` and `soma run` carry it out: announced, run with a bar, stored, reported.
struct ComparisonSession {
  let comparison: FairComparison
  let files: ExperimentFile.Output
  let runs: ComparisonRuns
  let output: OutputChoice

  init(_ comparison: FairComparison, _ files: ExperimentFile.Output, runs: ComparisonRuns, output: OutputChoice) {
    (self.comparison, self.files, self.runs, self.output) = (comparison, files, runs, output)
  }

  func run() throws {
    for path in [files.html, files.json].compactMap(\.self) { try checkWritable(path) }
    let store = try RunStore(path: runs.store ?? RunStore.defaultPath)
    let (result, outcome) = try finished(in: store)
    try report(result, outcome, store)
  }

  /// Runs what the store does not have yet.
  /// - Throws: `ExitCode` if it was interrupted
  func finished(in store: RunStore) throws -> (report: ComparisonReport, outcome: FairComparison.Outcome) {
    let events = try files.tensorBoard.map(EventFolder.init)
    if !output.quiet { announce() }

    let interruption = Interruption()
    let progress = ProgressLine(isQuiet: output.quiet)
    let outcome: FairComparison.Outcome
    do {
      outcome = try comparison.run(
        in: store, jobs: runs.jobs, startsAnew: runs.reuse == .fresh, shouldStop: { interruption.isRequested },
        onProgress: { progress.update($0.fraction, $0.text) },
        onEpoch: { [settings = comparison.settings] in try events?.write($0, of: settings) })
    } catch {
      progress.clear()
      throw error
    }
    progress.clear()
    guard let result = outcome.result else {
      Terminal.note(
        "Interrupted; \(outcome.finishedTrials) finished trials are stored as run \(outcome.experimentID). "
          + "Give the same command again to go on.")
      throw ExitCode(130)
    }
    return (result, outcome)
  }

  private func announce() {
    let (settings, facts) = (comparison.settings, comparison.settings.data)
    Terminal.note(
      "\(facts.name): \(facts.trainingCount) training, \(facts.validationCount) validation, \(facts.testCount) test samples. "
        + "\(settings.candidates.count) candidates of \(ComparisonReport.text(count: settings.parameters)) parameters, "
        + "\(settings.learningRates.count) learning rates, \(settings.seeds) seeds of \(settings.epochs) epochs.")
  }

  private func report(_ result: ComparisonReport, _ outcome: FairComparison.Outcome, _ store: RunStore) throws {
    if let html = files.html { try writeText(result.page().html, to: html) }
    if let json = files.json { try writeText(try result.json() + "\n", to: json) }
    if output.json {
      print(try result.json())
    } else {
      ComparisonTable(result: result).show(isQuiet: output.quiet)
    }
    guard !output.quiet else { return }
    switch outcome.start {
    case .stored: Terminal.note("From run \(outcome.experimentID), which had all trials; --fresh runs them anew.")
    case .resumed(let count): Terminal.note("Run \(outcome.experimentID) went on after \(count) stored trials.")
    case .new: Terminal.note("Stored as run \(outcome.experimentID) in \(store.path).")
    }
    if let html = files.html { Terminal.note("Page: \(html)") }
    if let json = files.json { Terminal.note("Result: \(json)") }
    if let folder = files.tensorBoard { Terminal.note("Events: tensorboard --logdir \(folder)") }
  }
}
