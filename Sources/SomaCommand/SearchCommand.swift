import ArgumentParser
import Foundation
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports
import SomaSearch

struct SearchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search", abstract: "Search for parts that serve your data.",
    subcommands: [ActivationSearchCommand.self])
}

struct ActivationSearchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "activation",
    abstract: "Search for an activation: functions of simple operators, scored by training a small network.",
    discussion: """
      Prints the best functions found, in a form that can be read again. Scores are accuracies (or R²) on the validation part.

      EXAMPLES
        soma search activation digits
        soma search activation --data prices.csv --target price --searcher evolution --budget 200
        soma search activation digits --units 2 --searcher ppo --json
      """)

  enum Searcher: String, CaseIterable, ExpressibleByArgument { case random, evolution, ppo }

  @Argument(help: "A data set's name.") var name: String?
  @OptionGroup var data: DataChoice
  @Option(help: "How the space is searched; ppo is a recurrent controller trained by its rewards.") var searcher =
    Searcher.evolution
  @Option(help: ArgumentHelp("Functions to score.", valueName: "count")) var budget = 60
  @Option(help: ArgumentHelp("Core units of a function, 1 to 4.", valueName: "count")) var units = 1
  @Option(help: ArgumentHelp("Epochs of a score's training.", valueName: "count")) var epochs = 5
  @Option(help: "Decides what is drawn, and the network's weights.") var seed: UInt64 = 0
  @OptionGroup var output: OutputChoice
  @OptionGroup var tensorBoard: TensorBoardChoice

  func validate() throws {
    guard (2...100_000).contains(budget) else {
      throw ValidationError("--budget must be between 2 and 100000, not \(budget).")
    }
    guard (1...4).contains(units) else { throw ValidationError("--units must be between 1 and 4, not \(units).") }
    guard (1...10_000).contains(epochs) else {
      throw ValidationError("--epochs must be between 1 and 10000, not \(epochs).")
    }
  }

  private struct Row: Encodable {
    var function: String
    var score: Double
  }

  func run() throws {
    let prepared = try ActivationScore(
      data.open(name), name: data.source(name), epochs: epochs, seed: Int(truncatingIfNeeded: seed))
    let space = ActivationSearchSpace(coreUnits: units)
    let progress = ProgressLine(isQuiet: output.quiet)
    let interruption = Interruption()
    var count = 0.0
    var best = 0.0
    let events = try tensorBoard.open()?.run(["\(try data.source(name)) \(searcher.rawValue) seed \(seed)"])
    let score: ActivationSearchSpace.Score = { expression in
      if interruption.isRequested { throw ExitCode(130) }
      progress.update(count / Double(budget), expression.description)
      count += 1
      let value = try prepared(expression)
      best = max(best, value)
      try events?.write(["score": value, "score/best": best], step: Int(count))
      return value
    }
    defer { progress.clear() }
    let result =
      switch searcher {
      case .random: try space.randomSearch(evaluations: budget, seed: seed, score)
      case .evolution:
        try space.evolution(evaluations: budget, population: max(2, min(50, budget / 3)), seed: seed, score)
      case .ppo: try space.policySearch(evaluations: budget, seed: seed, score)
      }
    progress.clear()
    let rows = result.top(10).map { Row(function: $0.expression.description, score: $0.score) }
    if output.json { return print(try encoded(rows)) }
    var table = TextColumns(headings: ["score", "function"], alignedRight: [0])
    table.rows = rows.map { [formattedNumber($0.score), $0.function] }
    for line in table.lines { print(line) }
    if !output.quiet {
      print(
        "relu scores \(formattedNumber(try prepared(Activation.relu))), silu \(formattedNumber(try prepared(Activation.silu)))."
      )
    }
  }
}
