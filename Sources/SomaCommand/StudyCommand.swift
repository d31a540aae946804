import ArgumentParser
import Foundation
import SomaExperiments
import SomaNetworks

struct StudyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "study", abstract: "Small experiments on single neurons and arithmetic units.",
    subcommands: [Xor.self, Arithmetic.self, Capacity.self])

  struct Xor: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "How often the smallest learners solve exclusive or, by learning rate.",
      discussion: """
        EXAMPLES
          soma study xor
          soma study xor --inputs binary --rule sgd --rates 0.01,0.1,1 --restarts 200
        """)
    @Option(help: ArgumentHelp("Learning rates, separated by commas.", valueName: "numbers"))
    var rates = "1e-3,3e-3,1e-2,3e-2,0.1,0.3,1"
    @Option(help: "Restarts of each model at each rate.") var restarts = 500
    @Option(help: "Full-batch steps.") var steps = 300
    @Option(help: "Inputs ±1 (bipolar) or 0 and 1 (binary).") var inputs = SingleNeuronStudy.Coding.bipolar
    @Option(help: "The optimizer.") var rule = SingleNeuronStudy.Rule.adam
    @OptionGroup(title: "Output") var output: OutputChoice

    private func numbers() throws -> [Double] {
      try rates.split(separator: ",").map { text in
        guard let value = Double(text), value > 0, value.isFinite else {
          throw ValidationError("--rates: \"\(text)\" is not a number above zero.")
        }
        return value
      }
    }

    func validate() throws {
      guard (1...100_000).contains(restarts) else {
        throw ValidationError("--restarts must be 1 to 100000, not \(restarts).")
      }
      guard (1...1_000_000).contains(steps) else {
        throw ValidationError("--steps must be 1 to 1000000, not \(steps).")
      }
      guard try !numbers().isEmpty else { throw ValidationError("--rates names no rate.") }
    }

    private struct Row: Encodable {
      var model: String
      var rates: [Double]
      var success: [Double]
    }

    func run() throws {
      let study = SingleNeuronStudy(coding: inputs, rates: try numbers(), restarts: restarts, steps: steps)
      let progress = ProgressLine(isQuiet: output.quiet)
      let count = Double(XorModel.allCases.count)
      let rows = try XorModel.allCases.enumerated().map { i, model in
        let result = try study.run(model, rule) { progress.update((Double(i) + $0) / count, model.rawValue) }.result
        return Row(model: model.rawValue, rates: result.rates, success: result.success)
      }
      progress.clear()
      if output.json { return print(try jsonText(rows)) }
      var table = TextColumns(
        headings: ["model"] + study.rates.map { "\($0)" }, alignedRight: Set(1...study.rates.count))
      table.rows = rows.map { row in [row.model] + row.success.map { String(format: "%.3f", $0) } }
      for line in table.lines { print(line) }
    }
  }

  struct Capacity: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Which activations could solve exclusive or in one neuron, and with what margin.",
      discussion: "EXAMPLE\n  soma study capacity relu gelu mish sine")
    @Argument(help: "Activations.") var activations: [String]
    @OptionGroup(title: "Output") var output: OutputChoice

    private struct Row: Encodable {
      var activation: String
      var margin: Double
      var weights: [Double]
      var bias: Double
    }

    func run() throws {
      let rows = try activations.map { name in
        let activation = try Activation.named(name)
        guard activation.kind == .scalar else {
          throw ValidationError("\(name) does not take one number; the margin is that of scalar activations.")
        }
        let capacity = XorCapacity { activation($0) }
        return Row(activation: name, margin: capacity.margin, weights: capacity.weights, bias: capacity.bias)
      }
      if output.json { return print(try jsonText(rows)) }
      var table = TextColumns(headings: ["activation", "margin", "w1", "w2", "b"], alignedRight: [1, 2, 3, 4])
      table.rows = rows.map { row in
        [row.activation, String(format: "%.4f", row.margin)]
          + (row.weights + [row.bias]).map { String(format: "%.1f", $0) }
      }
      for line in table.lines { print(line) }
    }
  }

  struct Arithmetic: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "How many seeds of an arithmetic unit learn an operation exactly.",
      discussion: """
        EXAMPLES
          soma study arithmetic --op mul --units nau-nmu,nac-nacmul,nalu --seeds 20
          soma study arithmetic --op add --units nau --penalty 0.1 --json
        """)
    @Option(help: "The operation on two sums of subsets of the inputs.") var op = ArithmeticTask.Operation.mul
    @Option(help: ArgumentHelp("Units: \(ArithmeticModel.names.joined(separator: ", ")).", valueName: "names"))
    var units = "nau-nmu,nac-nacmul,nalu,relu"
    @Option(help: "Seeds, all trained in one graph.") var seeds = 10
    @Option(help: "Inputs.") var inputs = 10
    @Option(help: "The share of inputs in a subset.") var subset = 0.3
    @Option(help: "The share of a subset that is in the other.") var overlap = 0.5
    @Option(help: "Training steps.") var steps = 5000
    @Option(help: "Adam's learning rate.") var learningRate = 0.01
    @Option(help: "The weight of the penalty that drives weights to whole numbers.") var penalty = 10.0
    @OptionGroup(title: "Output") var output: OutputChoice

    func validate() throws {
      guard (1...1000).contains(seeds) else { throw ValidationError("--seeds must be 1 to 1000, not \(seeds).") }
      guard (1...10_000).contains(inputs) else { throw ValidationError("--inputs must be 1 to 10000, not \(inputs).") }
      guard (10...10_000_000).contains(steps) else {
        throw ValidationError("--steps must be 10 to 10000000, not \(steps).")
      }
      guard learningRate > 0, learningRate.isFinite, penalty >= 0, penalty.isFinite else {
        throw ValidationError("--learning-rate must be above 0 and --penalty not below.")
      }
    }

    private struct Row: Encodable {
      var units: String
      var solved: Int
      var seeds: Int
      var low: Double
      var high: Double
      var medianStep: Double?
    }

    func run() throws {
      let task = try ArithmeticTask(op, inputs: inputs, subsetRatio: subset, overlapRatio: overlap)
      let benchmark = ExtrapolationBenchmark(task, steps: steps, interval: max(1, min(200, steps / 10)))
      let criterion = BestInterpolation(threshold: task.threshold(samples: 200_000))
      let progress = ProgressLine(isQuiet: output.quiet)
      let names = units.split(separator: ",").map(String.init)
      let rows = try names.enumerated().map { i, name in
        let model = try ArithmeticModel.named(name, inputs: inputs)
        let runs = try benchmark.runs(
          model, (0..<seeds).map { .init(seed: $0, learningRate: learningRate, penalty: penalty) },
          stopsBelow: criterion.threshold
        ) { progress.update((Double(i) + $0) / Double(names.count), name) }
        let summary = ExtrapolationBenchmark.summary(name, runs, criterion)
        return Row(
          units: name, solved: summary.solved, seeds: summary.count, low: summary.interval.lowerBound,
          high: summary.interval.upperBound, medianStep: summary.medianConvergence)
      }
      progress.clear()
      if output.json { return print(try jsonText(rows)) }
      var table = TextColumns(headings: ["units", "solved", "95 % interval", "median step"], alignedRight: [1, 2, 3])
      table.rows = rows.map { row in
        [
          row.units, "\(row.solved)/\(row.seeds)", String(format: "%.0f to %.0f %%", row.low * 100, row.high * 100),
          row.medianStep.map { String(format: "%.0f", $0) } ?? "–",
        ]
      }
      for line in table.lines { print(line) }
      if !output.quiet {
        Terminal.note("Solved: extrapolation error below \(String(format: "%.3g", criterion.threshold)).")
      }
    }
  }
}

extension SingleNeuronStudy.Coding: ExpressibleByArgument {}
extension SingleNeuronStudy.Rule: ExpressibleByArgument {}
extension ArithmeticTask.Operation: ExpressibleByArgument {}
