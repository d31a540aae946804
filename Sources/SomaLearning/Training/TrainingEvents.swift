/// How long to train, counted from the run's first step, resumed or not.
public enum TrainingDuration: Sendable, Hashable {
  case epochs(Int)
  case steps(Int)
}

/// What a run reports.
public enum TrainingEvent: Sendable {
  case step(TrainingProgress)
  case epoch(EpochSummary)
  /// A checkpoint was written to this path.
  case checkpoint(String)
}

public enum TrainingControl: Sendable { case proceed, stop }

/// Where a run stands after a step.
public struct TrainingProgress: Sendable {
  /// The epoch, from 0.
  public var epoch: Int
  /// Steps done.
  public var step: Int
  /// Steps of the whole run.
  public var totalSteps: Int
  /// The mean loss of this step's batch.
  public var loss: Double
  public var learningRate: Double
  /// The norm of the gradient before clipping.
  public var gradientNorm: Double
  public var samplesPerSecond: Double
  public var secondsLeft: Double

  public init(
    epoch: Int, step: Int, totalSteps: Int, loss: Double, learningRate: Double, gradientNorm: Double = .nan,
    samplesPerSecond: Double, secondsLeft: Double
  ) {
    self.epoch = epoch
    self.step = step
    self.totalSteps = totalSteps
    self.loss = loss
    self.learningRate = learningRate
    self.gradientNorm = gradientNorm
    self.samplesPerSecond = samplesPerSecond
    self.secondsLeft = secondsLeft
  }
}

/// One epoch, or the part of it that a run ended in.
public struct EpochSummary: Sendable, Codable, Hashable {
  /// The epoch, from 0.
  public var epoch: Int
  /// Steps done since the run began.
  public var steps: Int
  /// The mean loss over the epoch's batches, each at the weights of its own step.
  public var trainingLoss: Double
  public var trainingMetrics: [String: Double]
  public var validationLoss: Double?
  public var validationMetrics: [String: Double]
  /// The learning rate of the last step.
  public var learningRate: Double
  public var seconds: Double
}

public enum TrainingEnding: String, Sendable {
  case completed
  case stoppedEarly
  /// The callback asked for it.
  case stopped
  /// The task was cancelled.
  case cancelled
}

/// What a run gave.
public struct TrainingResult: Sendable {
  public var epochs: [EpochSummary]
  public var ending: TrainingEnding
  public var steps: Int
}

/// When checkpoints are written.
public struct CheckpointPolicy: Sendable {
  /// The file, replaced as a whole each time.
  public var path: String
  /// Also within epochs, after each so many steps; the end of an epoch always writes one.
  public var everySteps: Int?

  public init(path: String, everySteps: Int? = nil) {
    self.path = path
    self.everySteps = everySteps
  }
}

/// Something that came from outside does not suit the run. Prints as one line.
public struct TrainingError: Error, Hashable, Sendable, CustomStringConvertible {
  public let problem: String
  public init(_ problem: String) { self.problem = problem }
  public var description: String { problem }
}

/// The loss or its gradient was no finite number. The trainer's variables are those before the step.
public struct NonFiniteLoss: Error, Hashable, Sendable, CustomStringConvertible {
  public let epoch: Int
  /// The step, from 0.
  public let step: Int
  public let loss: Float
  /// What the numbers went wrong in.
  public let cause: NonFiniteCause
  /// The last checkpoint that was written.
  public let checkpoint: String?

  public var description: String {
    "step \(step) (epoch \(epoch)): the \(loss.isFinite ? "gradient" : "loss") is not finite; \(cause)"
      + (checkpoint.map { "; the last good checkpoint is \($0)" } ?? "")
  }
}
