import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks

/// Small character models on the King James text, trained alike: a seed gives all variants the same batches. The score is the
/// loss (nats) on the last 60,000 characters.
struct CharacterStudy {
  struct Variant {
    var name: String
    /// For a vocabulary and a context.
    var network: (Int, Int) -> any Layer

    init(name: String, network: @escaping (Int, Int) -> any Layer) {
      self.name = name
      self.network = network
    }

    /// A transformer of width 64: 2 blocks of 4 heads.
    init(name: String, activation: Activation, isGated: Bool = false, hidden: Int = 256) {
      self.init(name: name) { vocabulary, context in
        GPT(
          vocabulary: vocabulary, context: context, width: 64, heads: 4, layers: 2, hidden: hidden,
          activation: activation, isGated: isGated)
      }
    }
  }

  struct Outcome {
    var name: String
    /// One for each seed.
    var losses: [Double]
    /// Of each seed: the trained weights.
    var variables: [Variables]
    /// Values of the parameters whose path ends in `tracked`, over training: by path, of the first seed.
    var tracks: [String: [Double]]
  }

  var steps: Int
  var context = 64
  var batch = 32
  var warmup = 20
  var learningRate = 3e-3
  var weightDecay = 0.01
  var clipping: Double?
  /// Parameters of this name are not decayed; the first seed's values are kept over training.
  var tracked: String?

  func run(_ variants: [Variant], _ run: ReproductionRun) throws -> [Outcome] {
    let corpus = try TextCorpus(name: "King James text", text: kingJamesText(run, characters: .max))
    let count = min(60_000, corpus.tokens.count / 4)
    let held = Array(corpus.tokens.suffix(count))
    let train = TextCorpus(name: corpus.name, tokens: corpus.tokens.dropLast(count), vocabulary: corpus.vocabulary)
    let sequences = try train.windows(length: context, stride: context)
    let test = try TextCorpus(name: corpus.name, tokens: held, vocabulary: corpus.vocabulary).windows(length: context)
    let evaluation = DataLoader(
      DatasetSubset(test, Array(0..<min(test.count, run.scaled(test.count, smoke: 16)))), batchSize: 16,
      dropsLast: true,
      prefetch: 0)
    let total = Double(variants.count * run.seeds)
    return try variants.enumerated().map { i, variant in
      var outcome = Outcome(name: variant.name, losses: [], variables: [], tracks: [:])
      for seed in 0..<run.seeds {
        let network = variant.network(corpus.vocabulary.count, context)
        let groups = tracked.map { [ParameterGroup("*/\($0)", weightDecay: 0)] } ?? []
        let trainer = Trainer(
          network, loss: CrossEntropy(), optimizer: AdamW(weightDecay: weightDecay, groups: groups),
          schedule: .cosine(learningRate).warmedUp(warmup), clipping: clipping.map { .globalNorm($0) }, seed: seed)
        let loader = DataLoader(sequences, batchSize: batch, seed: UInt64(seed), dropsLast: true, prefetch: 0)
        try trainer.fit(loader, for: .steps(steps)) { event in
          if case .step(let progress) = event {
            try run.report(
              (Double(i * run.seeds + seed) + Double(progress.step) / Double(steps)) / total,
              "\(variant.name): seed \(seed)")
            if seed == 0, let tracked, progress.step % 10 == 0 || progress.step == steps {
              let parameters = trainer.trainedVariables?.parameters ?? Parameters()
              for name in parameters.names where name.hasSuffix("/" + tracked) {
                outcome.tracks[name, default: []].append(Double(parameters[name]!.floats[0]))
              }
            }
          }
          return .proceed
        }
        outcome.losses.append(try trainer.evaluate(evaluation).loss)
        if let variables = trainer.variables { outcome.variables.append(variables) }
      }
      return outcome
    }
  }
}
