import Soma
import SomaExperiments
import SomaLearning
import SomaNetworks

/// A function known at some places, to be learned by networks whose rates are chosen by validation.
struct FunctionStudy {
  struct Points {
    var x: Tensor
    var y: Tensor

    /// Targets less `mean`, over `deviation`.
    func standardized(_ mean: Double, _ deviation: Double) -> Points { Points(x: x, y: (y - mean) * (1 / deviation)) }
  }

  struct Outcome {
    var name: String
    var rate: Double
    /// Roots of mean squared errors, one for each seed.
    var test: [Double]
    var validation: [Double]
    /// Trained weights of each seed, with the state.
    var variables: [Variables]
    var parameters: Int
    var secondsPerStep: Double
  }

  var training, validation, test: Points
  var rates: [Double]
  var steps: Int
  /// Samples of a step; nil: all.
  var batch: Int?
  var optimizer: any Optimizer = Adam()

  /// Trains a network from every seed with every rate, all in one graph; random layers draw by the member's key.
  func run(_ name: String, _ network: any Layer, _ run: ReproductionRun, inTraining: Bool = false) throws -> Outcome {
    let rates = run.isSmoke ? Array(self.rates.prefix(1)) : self.rates
    let type = TensorType(shape: training.x.shape, dtype: training.x.dtype)
    let begun = (0..<run.seeds).map { network.initialized(for: type, key: Key($0).folding("weights")) }
    let state = begun[0].state
    let starts = rates.flatMap { _ in begun.map(\.parameters) }
    let count = training.x.shape[0]
    let batch = self.batch.map { min($0, count) }
    let ensemble = try EnsembleTraining(
      starts, optimizer: optimizer, learningRates: rates.flatMap { [Double](repeating: $0, count: run.seeds) },
      seeds: rates.flatMap { _ in Array(0..<run.seeds) }, shared: [training.x, training.y]
    ) { member in
      var (x, y) = (member.shared[0], member.shared[1])
      if let batch {
        let places = Tensor.randomIntegers([batch], in: 0..<count, key: member.key)
        (x, y) = (x.take(places), y.take(places))
      }
      let variables = Variables(parameters: member.parameters, state: state)
      let output =
        inTraining
        ? network.applyTraining(variables, x, key: member.key.folding("noise")).output : network.apply(variables, x)
      return (output - y).squared().mean()
    }
    let clock = ContinuousClock()
    let begin = clock.now
    let schedule = Schedule.cosine(1)
    for step in 0..<steps {
      ensemble.load([training.x, training.y], rateFactor: schedule(step, of: steps))
      ensemble.step()
      if step % 25 == 0 { try run.report(Double(step) / Double(steps), name) }
    }
    let seconds = (clock.now - begin) / .seconds(1) / Double(max(1, steps)) / Double(starts.count)
    return outcome(name, network, ensemble.members, state, rates, run.seeds, seconds)
  }

  /// Judges trained members, given rate by rate.
  func outcome(
    _ name: String, _ network: any Layer, _ members: [Parameters], _ state: Parameters, _ rates: [Double], _ seeds: Int,
    _ seconds: Double
  ) -> Outcome {
    func errors(_ points: Points) -> [Double] {
      members.map { member in
        let y = network.apply(Variables(parameters: member, state: state), points.x)
        return (y - points.y).squared().mean().scalar.squareRoot()
      }
    }
    let (valid, tested) = (errors(validation), errors(test))
    func own(_ values: [Double], _ k: Int) -> [Double] { Array(values[(k * seeds)..<((k + 1) * seeds)]) }
    func score(_ k: Int) -> Double { own(valid, k).mean.isFinite ? own(valid, k).mean : .infinity }
    let best = rates.indices.min { score($0) < score($1) }!
    return Outcome(
      name: name, rate: rates[best], test: own(tested, best), validation: own(valid, best),
      variables: (0..<seeds).map { Variables(parameters: members[best * seeds + $0], state: state) },
      parameters: members[0].elementCount, secondsPerStep: seconds)
  }
}

/// Points uniform in a box, with a function of their columns.
func samples(
  _ count: Int, _ dimensions: Int, low: Double = -1, high: Double = 1, key: Key, dtype: DType = .float32,
  _ f: ([Tensor]) -> Tensor
) -> FunctionStudy.Points {
  let x = Tensor.uniform([count, dimensions], low: low, high: high, key: key, dtype: dtype)
  let columns = (0..<dimensions).map { x[.all, $0..<($0 + 1)] }
  return .init(x: x, y: f(columns))
}
