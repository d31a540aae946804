import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks

/// Trains a stack with `KANConvolution`s over a `BasisPool` on images in the three phases of arXiv 2408.08338, each a third of the
/// epochs' steps; after the second the convolutions keep their preferred families.
func threePhaseClassifier(
  _ network: Sequential, _ split: Split, epochs: Int, batch: Int, rates: [Double], _ run: ReproductionRun
) throws -> TrainingStudy.Outcome {
  var best: TrainingStudy.Outcome?
  for rate in run.isSmoke ? Array(rates.prefix(1)) : rates {
    var outcome = TrainingStudy.Outcome("S-ConvKAN", learningRate: rate)
    for seed in 0..<run.seeds {
      let loader = DataLoader(
        split.train, batchSize: min(batch, split.train.count), seed: UInt64(seed), dropsLast: true, prefetch: 0)
      let all = epochs * loader.batchCount
      let third = max(1, all / 3)
      let clock = ContinuousClock()
      let begin = clock.now
      var (current, variables) = (network, Variables?.none)
      var losses: [Double] = []
      func phase(_ network: Sequential, _ steps: Int) throws -> Trainer {
        let trainer = Trainer(
          network, loss: CrossEntropy(), optimizer: Adam(), schedule: .cosine(rate), metrics: [.accuracy], seed: seed)
        if let variables { trainer.variables = variables }
        try trainer.fit(loader, for: .steps(steps)) { event in
          if case .step(let progress) = event, progress.step % 8 == 0 { losses.append(progress.loss) }
          return .proceed
        }
        variables = trainer.variables
        return trainer
      }
      func selecting(_ phase: BasisPool.Phase) -> Sequential {
        Sequential(current.layers.map { ($0 as? KANConvolution)?.selecting(phase) ?? $0 })
      }
      try run.report(Double(seed) / Double(run.seeds), "S-ConvKAN")
      _ = try phase(selecting(.full), third)
      _ = try phase(
        selecting(.annealed(temperatures: [1, 0.7, 0.4, 0.2], steps: third, isDeterministic: false)), third)
      var kept = variables!
      var layers = current.layers
      for (i, layer) in current.layers.enumerated() {
        guard let convolution = layer as? KANConvolution else { continue }
        let prefix = "\(i)/"
        let own = Parameters(
          kept.parameters.names.filter { $0.hasPrefix(prefix) }.map {
            (String($0.dropFirst(prefix.count)), kept.parameters[$0]!)
          })
        let (selected, parameters) = convolution.selectingFamilies(own)
        for name in own.names { kept.parameters[prefix + name] = nil }
        for name in parameters.names { kept.parameters[prefix + name] = parameters[name] }
        layers[i] = selected
      }
      current = Sequential(layers)
      // The kept families' knots, as they begin.
      let shape = Shape([1] + split.train.sampleShape.dimensions)
      let fresh = current.initialized(for: shape, key: Key(0))
      kept.state = fresh.state.merging(kept.state.filtered { fresh.state[$0] != nil })
      variables = kept
      let trainer = try phase(current, max(1, all - 2 * third))
      func accuracy(_ part: LabeledData) throws -> Double {
        try trainer.evaluate(DataLoader(part, batchSize: min(512, part.count), prefetch: 0)).metrics["accuracy"] ?? .nan
      }
      outcome.validation.append(try accuracy(split.validation))
      outcome.test.append(try accuracy(split.test))
      outcome.trainingLoss.append(losses)
      outcome.variables.append(variables)
      outcome.seconds += (clock.now - begin) / .seconds(1) / Double(run.seeds)
    }
    if best == nil || outcome.validation.mean > best!.validation.mean { best = outcome }
  }
  return best!
}
