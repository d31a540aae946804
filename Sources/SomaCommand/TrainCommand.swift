import ArgumentParser
import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaReports

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train one network on one data set, or on a text, and keep the model.",
    discussion: """
      Samples are divided into training, validation and test parts (a fixed test part stays as it is); features are
      standardized by the training part. The test part is scored once, at the end. With --checkpoint, a run that was cut
      off goes on bit for bit with --resume. Ctrl-C ends a run after the step and keeps what it learned.

      EXAMPLES
        soma train digits --out digits.soma
        soma train digits --tensorboard events      (then: tensorboard --logdir events)
        soma train fashion-mnist --network resnet8 --epochs 10 --optimizer momentum --augment --out fashion.soma
        soma train --data prices.csv --target price --network mlp:gelu --parameters 5000 --out prices.soma
        soma train --text kjv.txt --network gpt --context 128 --batch 16 --epochs 4 --out kjv.soma
      """)

  @Argument(help: ArgumentHelp("A data set's name; left out with --data or --text.", valueName: "data set"))
  var name: String?

  @OptionGroup(title: "Data") var data: DataChoice
  @OptionGroup(title: "Text") var text: TextChoice
  @OptionGroup(title: "Training") var training: TrainingChoice
  @OptionGroup(title: "Output") var output: OutputChoice
  @OptionGroup(title: "Output") var tensorBoard: TensorBoardChoice

  @Option(
    help: ArgumentHelp(
      "A ready network, such as mlp, resnet8:gelu. Default: mlp, or gpt for text.", valueName: "network"))
  var network: String?

  @Option(help: ArgumentHelp("Scale the network's width to this many parameters.", valueName: "count"))
  var parameters: Int?

  @Option(help: ArgumentHelp("Where to keep the trained model.", valueName: "file"))
  var out: String?

  mutating func validate() throws {
    let sources = [name != nil, data.isComplete, text.text != nil].count { $0 }
    guard sources == 1 else {
      throw ValidationError(
        sources == 0
          ? "Say what to train on: a data set (\(DataSet.all.map(\.name).joined(separator: ", "))), --data PATH, or --text FILE."
          : "Give one of a data set's name, --data and --text.")
    }
    if let parameters, parameters < 1 { throw ValidationError("--parameters must be at least 1, not \(parameters).") }
  }

  func run() throws {
    if let out { try checkWritable(out) }
    let source: TrainingJob.Source =
      if let path = text.text {
        .text(path, level: text.level == .byte ? .byte : .character, context: text.context)
      } else {
        .samples(
          try data.source(name), target: data.target,
          task: data.task?.encoding)
      }
    var job = TrainingJob(source: source, network: network ?? (text.text == nil ? "mlp" : "gpt"))
    job.parameters = parameters
    training.apply(to: &job)

    let events = try tensorBoard.open().map {
      try TrainingEvents($0, name: "\(text.text ?? data.data ?? name ?? "") \(job.network)")
    }

    let interruption = Interruption()
    let progress = ProgressLine(isQuiet: output.quiet)
    let (model, report): (SavedModel, TrainingJob.Report)
    do {
      (model, report) = try job.run { event in
        show(event, progress)
        if case .training(let training) = event { try events?.write(training) }
        return interruption.isRequested ? .stop : .proceed
      }
    } catch {
      progress.clear()
      throw error
    }
    progress.clear()
    try events?.write(model, report)
    if let out { try model.save(to: out) }
    try finish(report)
  }

  private func show(_ event: TrainingJob.Event, _ progress: ProgressLine) {
    guard !output.quiet else { return }
    switch event {
    case .prepared(let network, let parameters, let samples):
      Terminal.note(
        "\(network): \(parameters) parameters; \(samples["training"] ?? 0) training, \(samples["validation"] ?? 0) validation, \(samples["test"] ?? 0) test samples"
      )
    case .training(.step(let step)):
      progress.update(
        Double(step.step) / Double(max(1, step.totalSteps)),
        "epoch \(step.epoch + 1)  loss \(short(step.loss))  \(Int(step.samplesPerSecond)) samples/s")
    case .training(.epoch(let epoch)):
      progress.clear()
      let scores = epoch.validationMetrics.sorted { $0.key < $1.key }.map { "\($0.key) \(short($0.value))" }
      Terminal.note(
        "epoch \(epoch.epoch + 1)  training loss \(short(epoch.trainingLoss))"
          + (epoch.validationLoss.map { "  validation loss \(short($0))" } ?? "")
          + (scores.isEmpty ? "" : "  " + scores.joined(separator: "  ")) + "  \(formattedDuration(epoch.seconds))")
    case .training(.checkpoint): break
    }
  }

  private func finish(_ report: TrainingJob.Report) throws {
    if output.json {
      print(try jsonText(report))
      return
    }
    for part in ["validation", "test"] {
      guard let scores = report.scores[part] else { continue }
      let text = scores.sorted { $0.key < $1.key }.map { "\($0.key) \(short($0.value))" }.joined(separator: ", ")
      print("\(part): \(text)")
    }
    guard !output.quiet else { return }
    if let noise = report.noiseMultiplier {
      Terminal.note(
        "private: ε \(short(training.epsilon)), δ \(short(training.delta)), noise \(short(noise)) times the clip; choosing settings on these data is not counted."
      )
    }
    Terminal.note(
      "\(report.steps) steps in \(formattedDuration(report.seconds)) (\(report.ending))"
        + (report.stepMemoryBytes > 0 ? ", a step needs \(formattedBytes(report.stepMemoryBytes))." : ".")
    )
    if let out { Terminal.note("Model: \(out)") }
  }
}

/// A text to learn from.
struct TextChoice: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A text file, plain or gzipped; the network learns to predict the next token.", valueName: "file"))
  var text: String?

  @Option(help: "What a token is.") var level = Level.character

  @Option(help: ArgumentHelp("Tokens the network sees at once.", valueName: "count")) var context = 128

  enum Level: String, CaseIterable, ExpressibleByArgument { case character, byte }

  mutating func validate() throws {
    guard (2...65536).contains(context) else {
      throw ValidationError("--context must be between 2 and 65536, not \(context).")
    }
  }
}

/// How a network is trained.
struct TrainingChoice: ParsableArguments {
  @Option(help: "Passes over the training data.") var epochs = 20
  @Option(help: ArgumentHelp("Train this many steps instead of epochs.", valueName: "count")) var steps: Int?
  @Option(help: "Samples of a step.") var batch = 64
  @Option(help: "The optimizer.") var optimizer = OptimizerChoice.adamw
  @Option(help: ArgumentHelp("The peak of the learning rate. Default: what suits the optimizer.", valueName: "rate"))
  var learningRate: Double?
  @Option(help: ArgumentHelp("Weight decay. Default: the optimizer's.", valueName: "rate")) var weightDecay: Double?
  @Option(help: ArgumentHelp("Share of the target that goes to other classes.", valueName: "share"))
  var labelSmoothing = 0.0
  @Option(help: ArgumentHelp("Scale gradients down to this norm.", valueName: "norm")) var clip: Double?
  @Flag(help: "Flip and shift images at random.") var augment = false
  @Option(help: "Decides initial weights, the data's division and its order.") var seed = 0
  @Option(help: ArgumentHelp("Stop when the validation loss has not improved for so many epochs.", valueName: "epochs"))
  var patience: Int?
  @Option(help: ArgumentHelp("Keep the run's state here after each epoch.", valueName: "file")) var checkpoint: String?
  @Flag(help: "Go on from the checkpoint.") var resume = false
  @Flag(name: .customLong("private"), help: "Hide each record: gradients clipped (--clip, else 1) and noise added.")
  var isPrivate = false
  @Option(help: ArgumentHelp("What --private may give away, ε.", valueName: "number")) var epsilon = 3.0
  @Option(help: ArgumentHelp("The chance that it gives away more, δ.", valueName: "number")) var delta = 1e-5

  mutating func validate() throws {
    try checkOption(epochs, "epochs", 1...1_000_000)
    try checkOption(steps, "steps", 1...1_000_000_000)
    try checkOption(batch, "batch", 1...1_000_000)
    try checkOption(patience, "patience", 1...1_000_000)
    if let learningRate, !(learningRate > 0 && learningRate.isFinite) {
      throw ValidationError("--learning-rate must be above 0, not \(learningRate).")
    }
    if let clip, !(clip > 0) { throw ValidationError("--clip must be above 0, not \(clip).") }
    if let weightDecay, !(weightDecay >= 0) {
      throw ValidationError("--weight-decay must be at least 0, not \(weightDecay).")
    }
    guard (0..<1).contains(labelSmoothing) else {
      throw ValidationError("--label-smoothing must be at least 0 and below 1, not \(labelSmoothing).")
    }
    guard epsilon > 0, epsilon.isFinite, delta > 0, delta < 1 else {
      throw ValidationError("--epsilon must be above 0, --delta between 0 and 1.")
    }
    if isPrivate, checkpoint != nil || patience != nil || augment {
      throw ValidationError("--private does without --checkpoint, --patience and --augment.")
    }
    if resume && checkpoint == nil { throw ValidationError("--resume needs --checkpoint FILE to go on from.") }
  }

  func apply(to job: inout TrainingJob) {
    job.duration = steps.map { .steps($0) } ?? .epochs(epochs)
    job.batchSize = batch
    job.optimizer = optimizer
    job.learningRate = learningRate
    job.weightDecay = weightDecay
    job.labelSmoothing = labelSmoothing
    job.clipping = clip
    job.augments = augment
    job.seed = seed
    job.patience = patience
    job.checkpoint = checkpoint
    job.resumes = resume
    if isPrivate { job.privacy = TrainingJob.Privacy(epsilon: epsilon, delta: delta) }
  }
}

/// A value as indented JSON.
func jsonText(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// What cannot be written should be known before minutes of work.
func checkWritable(_ path: String) throws {
  let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
  guard FileManager.default.isWritableFile(atPath: folder) else {
    throw DataError(path, "cannot be written: its folder is missing or closed to you")
  }
}
