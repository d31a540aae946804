import Soma
import SomaData
import SomaLearning
import SomaNetworks

/// A training run of a comparison.
struct TrialRun: Sendable, Hashable {
  var candidate: Candidate
  var purpose: Trial.Purpose
  var seed: Int
  var learningRate: Double
  var epochs: Int

  /// What tells trials of an experiment apart.
  struct Identity: Hashable {
    let candidate: String
    let purpose: Trial.Purpose
    let seed: Int
    let learningRate: Double
    let epochs: Int
  }

  var identity: Identity {
    Identity(candidate: candidate.name, purpose: purpose, seed: seed, learningRate: learningRate, epochs: epochs)
  }

  /// Trains on the training part with a cosine schedule, keeps the weights of the epoch with the best validation score, and
  /// for a final trial judges them on the test part.
  /// - Parameters:
  ///   - onStep: told how many epochs are done; stops the run by giving false.
  ///   - onEpoch: told the curve so far, after each epoch.
  /// - Returns: nil if stopped.
  func run(
    _ data: PreparedData, _ settings: ComparisonSettings, experimentID: Int64, onStep: (Double) -> Bool,
    onEpoch: ([Trial.Epoch]) throws -> Void = { _ in }
  ) throws -> Trial? {
    let loader = data.trainingLoader(batch: settings.batch, seed: seed)
    let trainer = Trainer(
      candidate.network(data.facts, batch: loader.batchSize), loss: data.loss, optimizer: settings.optimizer.optimizer,
      schedule: .cosine(learningRate), metrics: data.metrics, seed: seed)
    var curve: [Trial.Epoch] = []
    var best: (epoch: Int, score: Double, loss: Double, variables: Variables)?
    var seconds = 0.0
    let perEpoch = Double(loader.batchCount)
    var trial = Trial(
      experimentID: experimentID, candidate: candidate.name, purpose: purpose, seed: seed, learningRate: learningRate,
      epochs: epochs, status: .finished)
    do {
      let result = try trainer.fit(loader, validation: data.loader(data.split.validation), for: .epochs(epochs)) {
        event in
        switch event {
        case .step(let progress): return onStep(Double(progress.step) / perEpoch) ? .proceed : .stop
        case .checkpoint: return .proceed
        case .epoch(let summary):
          seconds += summary.seconds
          let score = data.validationScore(summary)
          curve.append(
            Trial.Epoch(
              trainingLoss: summary.trainingLoss, validationLoss: summary.validationLoss, validationScore: score))
          try onEpoch(curve)
          if let score, score.isFinite, let loss = summary.validationLoss, best == nil || score >= best!.score,
            let variables = trainer.variables
          {
            best = (summary.epoch, score, loss, variables)
          }
          return .proceed
        }
      }
      guard result.ending == .completed else { return nil }
    } catch let error as NonFiniteLoss {
      trial.status = .diverged
      trial.message = error.description
    }
    trial.curve = curve
    trial.trainingSeconds = seconds
    trial.memoryBytes = trainer.stepMemory?.total ?? 0
    guard trial.status == .finished else { return trial }
    guard let best else {
      trial.status = .diverged
      trial.message = "no epoch had a finite validation score"
      return trial
    }
    let settled = curve.suffix(max(1, curve.count / 4))
    trial.metrics = [
      "validationScore": best.score, "validationLoss": best.loss, "bestEpoch": Double(best.epoch + 1),
      "settledScore": settled.compactMap(\.validationScore).mean,
      "settledLoss": settled.compactMap(\.validationLoss).mean,
    ]
    if purpose == .final {
      trainer.variables = best.variables
      try judge(trainer, data, &trial)
    }
    return trial
  }

  /// What is stored of it while it is at work.
  func live(_ curve: [Trial.Epoch], experimentID: Int64) -> LiveTrial {
    LiveTrial(
      experimentID: experimentID, candidate: candidate.name, purpose: purpose, seed: seed, learningRate: learningRate,
      epochs: epochs, curve: curve)
  }

  /// Scores on the test part.
  private func judge(_ trainer: Trainer, _ data: PreparedData, _ trial: inout Trial) throws {
    let test = data.split.test
    let evaluation = try trainer.evaluate(data.loader(test))
    var metrics = ["testLoss": evaluation.loss]
    switch data.facts.task {
    case .classification: metrics["testScore"] = evaluation.metrics["accuracy"]
    case .regression:
      let (r2, rmse) = data.regressionScores(
        try trainer.predict(test.features, batchSize: PreparedData.evaluationBatch), test)
      (metrics["testScore"], metrics["testRMSE"]) = (r2, rmse)
    }
    guard let score = metrics["testScore"], score.isFinite else {
      trial.status = .diverged
      trial.message = "the score on the test part is not finite"
      return
    }
    trial.metrics.merge(metrics.filter { $0.value.isFinite }) { $1 }
  }
}
