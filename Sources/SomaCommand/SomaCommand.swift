import ArgumentParser
import Foundation
import SomaExperiments

/// The command line: each subcommand parses its options, calls the library and prints.
@main
struct SomaCommand: ParsableCommand {
  static let subcommands: [any ParsableCommand.Type] = [
    CompareCommand.self,
    RunCommand.self,
    RunsCommand.self,
    ServeCommand.self,
    TrainCommand.self,
    EvaluateCommand.self,
    PredictCommand.self,
    GenerateCommand.self,
    DescribeCommand.self,
    DrawCommand.self,
    DataCommand.self,
    ActivationsCommand.self,
    SearchCommand.self,
    SystemsCommand.self,
    ReproduceCommand.self,
    ForecastCommand.self,
    ContinualCommand.self,
    PruneCommand.self,
    StudyCommand.self,
    TeachCommand.self,
    FitCommand.self,
    RenderCommand.self,
    EncodeCommand.self,
    PDECommand.self,
    InspectCommand.self,
    ONNXCommand.self,
    EmbedCommand.self,
    TokenizeCommand.self,
    BenchCommand.self,
  ]

  static let configuration = CommandConfiguration(
    commandName: "soma",
    abstract: "Neural-network parts, compared fairly.",
    discussion: """
      EXAMPLES
        soma compare digits relu gelu mish          which activation suits the data
        soma compare --data prices.csv --target price mlp:relu mlp:gelu
        soma run digits.yaml                        an experiment that is written in a file
        soma runs list                              what was run so far
        soma serve                                  pages in the browser, with live curves
        soma train digits --network mlp:gelu --out digits.soma
        soma predict digits.soma picture.png
        soma describe resnet8                       layers, shapes, parameters, operations
        soma activations show mish --plot mish.svg
        soma systems --family activations           the published systems, built and planned
        soma reproduce gelu                         does its claim hold

      Files that are wrong, and names that do not exist, end a command with one line and exit status 1;
      options that do not fit, with 64. NO_COLOR turns colours off.
      """,
    version: somaVersion,
    subcommands: subcommands)

  static func main() {
    // A reader that closes its end (`soma runs list | head`) ends the program quietly.
    signal(SIGPIPE, SIG_DFL)
    main(nil)
  }
}
