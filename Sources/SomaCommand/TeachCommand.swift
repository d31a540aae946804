import ArgumentParser
import Foundation
import SomaData
import SomaLearning
import SomaReports

/// The first lessons on neural networks, with every number of every step.
struct TeachCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "teach", abstract: "Perceptron, delta rule and back-propagation, step by step.",
    discussion: """
      EXAMPLES
        soma teach perceptron --table and --trace
        soma teach delta --table xor --language es
        soma teach backpropagation --trace
        soma teach perceptron --table or --plot boundary.svg
      """, subcommands: [Perceptron.self, Delta.self, Back.self])

  enum Language: String, CaseIterable, ExpressibleByArgument { case en, es }
  enum Table: String, CaseIterable, ExpressibleByArgument {
    case and, or, xor, xnor
    var function: BooleanFunction {
      switch self {
      case .and: .and
      case .or: .or
      case .xor: .xor
      case .xnor: .xnor
      }
    }
  }

  struct Choice: ParsableArguments {
    @Option(help: "The truth table to learn.") var table = Table.and
    @Option(help: ArgumentHelp("The learning rate η.", valueName: "number")) var rate: Double?
    @Option(help: "Epochs at most.") var epochs: Int?
    @Flag(help: "Print every step.") var trace = false
    @Option(help: "The language of the headings.") var language = Language.en
    @Option(help: ArgumentHelp("Draw the decision line after each epoch as SVG.", valueName: "file")) var plot: String?

    func validate() throws {
      if let rate, !(rate > 0 && rate.isFinite) { throw ValidationError("--rate must be above 0, not \(rate).") }
      if let epochs, !(1...1_000_000).contains(epochs) {
        throw ValidationError("--epochs must be 1 to 1000000, not \(epochs).")
      }
    }
  }

  private static func text(_ x: Double) -> String { formattedNumber(x, digits: 6) }

  private static func show(_ fit: NeuronFit, _ choice: Choice, rows: [[Double]], rule: String) throws {
    let english = choice.language == .en
    print(rule)
    if choice.trace {
      var table = TextColumns(
        headings: english
          ? ["epoch", "x", "t", "a = w·x + b", "y = f(a)", "e = t - y", "w", "b"]
          : ["época", "x", "t", "a = w·x + b", "y = f(a)", "e = t - y", "w", "b"], alignedRight: [0, 2, 3, 4, 5, 7])
      table.rows = fit.trace.map { step in
        [
          String(step.epoch + 1), step.input.map(text).joined(separator: " "), text(step.target), text(step.sum),
          text(step.output), text(step.error), step.weights.map(text).joined(separator: " "), text(step.bias),
        ]
      }
      for line in table.lines { print(line) }
    }
    let weights = fit.neuron.weights.map(text).joined(separator: ", ")
    print(
      english
        ? "after \(fit.epochs) epochs: w = (\(weights)), b = \(text(fit.neuron.bias))"
        : "tras \(fit.epochs) épocas: w = (\(weights)), b = \(text(fit.neuron.bias))")
    for row in rows {
      print("  \(row.map(text).joined(separator: " ")) → \(text(fit.neuron(row)))")
    }
    for warning in fit.warnings { Terminal.note(warning) }
    guard let path = choice.plot else { return }
    let ends = fit.trace.indices.filter { $0 + 1 == fit.trace.count || fit.trace[$0 + 1].epoch != fit.trace[$0].epoch }
    let lines = ends.prefix(12).compactMap { i -> LineChart.Series? in
      let step = fit.trace[i]
      let name = "\(english ? "epoch" : "época") \(step.epoch + 1)"
      switch McCullochPitts(weights: step.weights, bias: step.bias).boundary {
      case .line(let slope, let intercept):
        return .init(name, x: [-0.5, 1.5], y: [intercept - 0.5 * slope, intercept + 1.5 * slope])
      case .vertical(let place): return .init(name, x: [place, place], y: [-0.5, 1.5])
      case .none: return nil
      }
    }
    let chart = LineChart(
      english ? "Decision line after each epoch" : "Frontera de decisión tras cada época", xTitle: "x₁", yTitle: "x₂",
      lines, xRange: -0.5...1.5, yRange: -0.5...2.5)
    try writeText(chart.svg(), to: path)
  }

  struct Perceptron: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "w ← w + η (t - y) x, with a step.")
    @OptionGroup var choice: Choice
    func run() throws {
      let function = choice.table.function
      let rule = PerceptronRule(learningRate: choice.rate ?? 0.5, maximumEpochs: choice.epochs ?? 100)
      let fit = try rule.fit(function.rows(), function.values, traces: true)
      try TeachCommand.show(fit, choice, rows: function.rows(), rule: "e = t - y,  w ← w + η e x,  b ← b + η e")
    }
  }

  struct Delta: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "w ← w + η (t - a) x, a linear neuron.")
    @Option(help: "Update after each pattern, or by the mean of all.") var mode = DeltaRule.Mode.batch
    @OptionGroup var choice: Choice
    func run() throws {
      let function = choice.table.function
      let rule = DeltaRule(mode: mode, learningRate: choice.rate ?? 0.5, maximumEpochs: choice.epochs ?? 200)
      let fit = try rule.fit(function.rows(), function.values, traces: true)
      let limit = DeltaRule.stabilityLimit(function.rows())
      try TeachCommand.show(
        fit, choice, rows: function.rows(),
        rule: "e = t - a,  w ← w + η e x,  b ← b + η e   (η < \(TeachCommand.text(limit)))")
    }
  }

  struct Back: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "backpropagation", abstract: "The worked example of two hidden and two output units.")
    @Option(help: "Steps.") var steps = 1
    @Flag(help: "Print sums, outputs, deltas and gradients.") var trace = false
    @Flag(help: "Leave the biases as they are.") var fixedBiases = false
    @Option(help: "The language of the headings.") var language = Language.en

    func validate() throws {
      guard (1...100_000).contains(steps) else { throw ValidationError("--steps must be 1 to 100000, not \(steps).") }
    }

    func run() throws {
      let start = [
        Backpropagation.Layer(weights: [[0.15, 0.20], [0.25, 0.30]], biases: [0.35, 0.35]),
        Backpropagation.Layer(weights: [[0.40, 0.45], [0.50, 0.55]], biases: [0.60, 0.60]),
      ]
      let rule = Backpropagation(updatesBiases: !fixedBiases, maximumEpochs: steps, tolerance: 0)
      let fit = try rule.fit(start, [[0.05, 0.10]], [[0.01, 0.99]], traces: true)
      func row(_ values: [Double]) -> String { values.map { formattedNumber($0, digits: 9) }.joined(separator: "  ") }
      let layer = language == .en ? "layer" : "capa"
      print("δᴸ = (y - t) f'(a),  δˡ = (Wˡ⁺¹)ᵀ δˡ⁺¹ f'(aˡ),  W ← W - η δˡ (yˡ⁻¹)ᵀ")
      for step in fit.trace where trace || step.epoch + 1 == steps {
        print("E = \(formattedNumber(step.error, digits: 9))")
        for (l, numbers) in step.layers.enumerated() {
          print("\(layer) \(l + 1):  a = \(row(numbers.sums))   y = \(row(numbers.outputs))")
          if trace {
            print("          δ = \(row(numbers.deltas))   ∂E/∂W = \(row(numbers.weightGradient.flatMap { $0 }))")
          }
        }
      }
      for (l, numbers) in fit.network.enumerated() {
        print("\(layer) \(l + 1):  W = \(row(numbers.weights.flatMap { $0 }))   b = \(row(numbers.biases))")
      }
    }
  }
}

extension DeltaRule.Mode: ExpressibleByArgument {}
