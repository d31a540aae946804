import ArgumentParser
import Foundation
import SomaExperiments
import SomaInterchange
import SomaLearning

/// Whether a command that trains also writes event files.
struct TensorBoardChoice: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write event files for `tensorboard --logdir` here, a subfolder for each run.", valueName: "folder"))
  var tensorboard: String?

  func open() throws -> EventFolder? { try tensorboard.map(EventFolder.init) }
}

extension EventFolder {
  /// Writes an epoch of a comparison: `data/candidate/seed 1`, or `data/candidate/rate 0.001` of the sweep. What is there
  /// of a run that is told again is left, or replaced if the run was begun anew.
  func write(_ epoch: TrialEpoch, of settings: ComparisonSettings) throws {
    let run = [
      "\(settings.data.name) \(settings.hash.prefix(6))", epoch.candidate,
      epoch.purpose == .final ? "seed \(epoch.seed)" : "rate \(epoch.learningRate)",
    ]
    if epoch.isStored, hasEarlier(run) { return }
    let score = settings.data.task == .classification ? "accuracy" : "R2"
    var scalars: [String: Double] = [:]
    scalars["loss/training"] = epoch.values.trainingLoss
    scalars["loss/validation"] = epoch.values.validationLoss
    scalars["\(score)/validation"] = epoch.values.validationScore
    try self.run(run, replacesEarlier: epoch.epoch == 0 && !epoch.isStored)
      .write(scalars, step: epoch.epoch + 1, at: epoch.date)
  }
}

/// What `soma train` tells TensorBoard: the loss as it goes, what each epoch gave, and at the end how the weights are spread.
final class TrainingEvents {
  private let file: EventFile
  private var lastWritten: ContinuousClock.Instant?

  init(_ folder: EventFolder, name: String) throws {
    let date = Date().formatted(.iso8601.dateSeparator(.dash).timeSeparator(.omitted).timeZone(separator: .omitted))
    file = try folder.run(["\(name) \(date)"])
  }

  func write(_ event: TrainingEvent) throws {
    switch event {
    case .checkpoint: break
    case .step(let step):
      // Two points a second draw a curve as well as thousands.
      let now = ContinuousClock.now
      if let lastWritten, now - lastWritten < .milliseconds(500), step.step < step.totalSteps { return }
      lastWritten = now
      var scalars = ["learning rate": step.learningRate, "loss/batch": step.loss, "gradient norm": step.gradientNorm]
      scalars = scalars.filter { $0.value.isFinite }
      try file.write(scalars, step: step.step)
    case .epoch(let epoch):
      var scalars = ["loss/training": epoch.trainingLoss]
      scalars["loss/validation"] = epoch.validationLoss
      for (name, value) in epoch.trainingMetrics { scalars["\(name)/training"] = value }
      for (name, value) in epoch.validationMetrics { scalars["\(name)/validation"] = value }
      try file.write(scalars, step: epoch.steps)
    }
  }

  func write(_ model: SavedModel, _ report: TrainingJob.Report) throws {
    var histograms: [String: EventHistogram] = [:]
    for name in model.variables.parameters.names {
      guard let tensor = model.variables.parameters[name] else { continue }
      histograms["weights/\(name)"] = EventHistogram(tensor.floats.map(Double.init))
    }
    try file.write(histograms, step: report.steps)
    for (part, scores) in report.scores {
      try file.write(
        Dictionary(uniqueKeysWithValues: scores.map { ("\($0.key)/\(part), final", $0.value) }), step: report.steps)
    }
  }
}
