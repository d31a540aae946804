import ArgumentParser
import Foundation
import SomaData

/// One command for everything that is a function: what kind of file it is given decides what is fitted.
struct FitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit", abstract: "Fit a function: a formula or a neuron to a table.",
    discussion: """
      A table (.csv, .tsv, .npz, or the name of a data set) is fitted by a Kolmogorov-Arnold network, which is pruned and read off
      as a formula (--method formula, or --formula), or by one robust neuron (--method neuron).

      EXAMPLES
        soma fit table.csv --formula
        soma fit table.csv --target price --shape 3,1 --grid 3,5,10,20 --sparsify 1e-3 --draw network.svg
        soma fit prices.csv --method neuron --link relu --robust
      """)

  @Argument(help: "What to fit: a table, or the name of a data set.") var input: String?
  @OptionGroup(title: "Data") var choice: DataChoice
  @Option(help: "What is fitted to a table. Default: formula.") var method: TableMethod?
  @OptionGroup(title: "Formula (--method formula)") var formula: FitFormula
  @OptionGroup(title: "Neuron (--method neuron)") var neuron: FitNeuron
  @OptionGroup(title: "Output") var output: OutputChoice

  enum TableMethod: String, CaseIterable, ExpressibleByArgument { case formula, neuron }

  func validate() throws {
    guard input != nil || choice.data != nil else { throw ValidationError("Say what to fit: a file or a data set.") }
    if formula.formula, method == .neuron { throw ValidationError("--formula and --method neuron exclude each other.") }
  }

  func run() throws {
    switch FitInput(try input ?? choice.source(nil)) {
    case .table:
      switch method ?? .formula {
      case .formula: try formula.run(choice, input, output)
      case .neuron: try neuron.run(choice, input, output)
      }
    }
  }
}

/// What kind of thing a file holds, by the end of its name. Names of data sets are tables.
enum FitInput {
  case table

  init(_ path: String) { self = .table }
}
