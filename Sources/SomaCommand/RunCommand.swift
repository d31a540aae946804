import ArgumentParser
import SomaExperiments

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run an experiment that is written in a file.",
    discussion: """
      The file is YAML. Only data and candidates are needed; the rest is what `soma compare` takes if nothing is said. \
      `soma compare … --save experiment.yaml` writes one with all settings. The whole file is checked before anything \
      runs; a fault is told with line and column. Paths are meant from the file's folder.

        experiment: compare
        data: {name: digits}            # or {file: prices.csv, target: price, task: regression}
        candidates: [relu, gelu, mlp-deep:mish]
        network: mlp
        optimizer: adam
        batch: 64
        budget:
          parameters: 20000
          epochs: 30
          tuning-epochs: 15
          learning-rates: [0.001, 0.003, 0.01]
        seeds: 5
        output: {html: page.html, json: result.json, tensorboard: events}

      EXAMPLES
        soma run digits.yaml
        soma run digits.yaml --check
        soma run digits.yaml --jobs 2 --json
      """)

  @Argument(help: ArgumentHelp("The experiment.", valueName: "file")) var file: String
  @Flag(help: "Only check the file, load its data and scale its candidates.") var check = false
  @OptionGroup(title: "Runs") var runs: ComparisonRuns
  @OptionGroup(title: "Output") var output: OutputChoice

  func run() throws {
    let experiment = try ExperimentFile(contentsOf: file)
    let comparison = try experiment.comparison()
    guard !check else {
      if output.json { return print(try encoded(comparison.settings)) }
      if !output.quiet {
        print("\(file) can be run: \(comparison.candidates.count) candidates on \(comparison.settings.data.name).")
      }
      return
    }
    try ComparisonSession(comparison, experiment.output, runs: runs, output: output).run()
  }
}
