import ArgumentParser
import Foundation
import SomaData

/// One command for everything that is a function: what kind of file it is given decides what is fitted.
struct FitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract: "Fit a function: a formula or a neuron to a table, a field to a picture, a sound or a shape.",
    discussion: """
      A table (.csv, .tsv, .npz, or the name of a data set) is fitted by a Kolmogorov-Arnold network, which is pruned and read off
      as a formula (--method formula, or --formula), by one robust neuron (--method neuron), or, a curve of one column, by stages of
      networks in double precision (--multi-stage).

      A picture (.png, .jpg), a sound (.wav, .flac, .ogg) or a shape (.obj: triangles, or an outline of lines) is fitted by a small
      network from places to values; `soma render` turns it back into a file of any size.

      EXAMPLES
        soma fit table.csv --formula
        soma fit table.csv --target price --shape 3,1 --grid 3,5,10,20 --sparsify 1e-3 --draw network.svg
        soma fit prices.csv --method neuron --link relu --robust
        soma fit curve.csv --multi-stage 4
        soma fit photo.png --network spder --parameters 50000 --out photo.soma
        soma fit bell.ogg --network siren --bits 8 --out bell.soma
        soma fit bunny.obj --network grbf --out bunny.soma
      """)

  @Argument(help: "What to fit: a table, the name of a data set, a picture, a sound, a shape.") var input: String?
  @OptionGroup(title: "Data") var choice: DataChoice
  @Option(help: "What is fitted to a table. Default: formula.") var method: TableMethod?
  @OptionGroup(title: "Formula (--method formula)") var formula: FitFormula
  @OptionGroup(title: "Neuron (--method neuron)") var neuron: FitNeuron
  @OptionGroup(title: "Stages (--multi-stage)") var stages: FitStages
  @OptionGroup(title: "Field (pictures, sounds, shapes)") var field: FitField
  @OptionGroup(title: "Output") var output: OutputChoice

  enum TableMethod: String, CaseIterable, ExpressibleByArgument { case formula, neuron }

  func validate() throws {
    guard input != nil || choice.isComplete else { throw ValidationError("Say what to fit: a file or a data set.") }
    if formula.formula, method == .neuron { throw ValidationError("--formula and --method neuron exclude each other.") }
  }

  func run() throws {
    let source = try input ?? choice.source(nil)
    switch FitInput(source) {
    case .image, .sound, .mesh: try field.run(source, FitInput(source), seed: formula.seed, output)
    case .table where stages.multiStage != nil:
      try stages.run(stages.multiStage!, source, target: choice.target, seed: formula.seed, output)
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
  case table, image, sound, mesh

  init(_ path: String) {
    let name = path.lowercased()
    func ends(_ endings: String...) -> Bool { endings.contains { name.hasSuffix($0) } }
    if ends(".png", ".jpg", ".jpeg") {
      self = .image
    } else if ends(".wav", ".flac", ".ogg", ".oga") {
      self = .sound
    } else {
      self = ends(".obj") ? .mesh : .table
    }
  }
}
