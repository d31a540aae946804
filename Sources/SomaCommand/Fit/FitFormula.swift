import ArgumentParser
import Foundation
import SomaData

/// `soma fit table.csv --formula`: a Kolmogorov-Arnold network, pruned and read off as a formula.
struct FitFormula: ParsableArguments {
  @Flag(help: "Fit a formula; the same as --method formula.") var formula = false

  func run(_ choice: DataChoice, _ input: String?, _ output: OutputChoice) throws {
    let data = try choice.open(input).train
    throw DataError(data.name, "formulas are not fitted by this version")
  }
}
