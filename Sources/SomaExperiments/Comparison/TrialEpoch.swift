import Foundation

/// An epoch of a training run of a comparison, as those who watch are told.
public struct TrialEpoch: Sendable, Hashable {
  public var candidate: String
  public var purpose: Trial.Purpose
  public var seed: Int
  public var learningRate: Double
  /// The epoch, from 0.
  public var epoch: Int
  public var values: Trial.Epoch
  public var date: Date
  /// Whether it was read from the store, of a run that ended earlier.
  public var isStored: Bool

  init(_ run: TrialRun, epoch: Int, _ values: Trial.Epoch) {
    candidate = run.candidate.name
    purpose = run.purpose
    seed = run.seed
    learningRate = run.learningRate
    self.epoch = epoch
    self.values = values
    date = Date()
    isStored = false
  }

  init(stored trial: Trial, epoch: Int) {
    candidate = trial.candidate
    purpose = trial.purpose
    seed = trial.seed
    learningRate = trial.learningRate
    self.epoch = epoch
    values = trial.curve[epoch]
    // Only the end is known; the epochs are spread over the time that training took.
    let left = Double(trial.curve.count - 1 - epoch) / Double(max(1, trial.curve.count))
    date = trial.ended.addingTimeInterval(-left * trial.trainingSeconds)
    isStored = true
  }
}
