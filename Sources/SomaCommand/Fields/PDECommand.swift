import ArgumentParser
import Foundation
import Soma
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

struct PDECommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pde", abstract: "Solve a differential equation by a network, and say how far off it is.",
    discussion: """
      Networks: tanh (a plain one of width 32 and depth 4), spder, siren, relu-octaves, xnet, coordinate:ACTIVATION, chebyshev-kan and \
      other bases of edges. Adam, then L-BFGS, in double precision.

      EXAMPLES
        soma pde burgers
        soma pde poisson-2d --network xnet
        soma pde --all --networks tanh,siren,spder
      """)
  @Argument(help: "poisson-1d, poisson-2d, heat, burgers, helmholtz.") var problem: String?
  @Flag(help: "All of them.") var all = false
  @Option(help: "The network; several are separated by commas.") var networks = "tanh"
  @Option(help: ArgumentHelp("The same as --networks with one name.", valueName: "network")) var network: String?
  @Option(help: "Width of hidden layers.") var width = 32
  @Option(help: "Hidden layers.") var depth = 4
  @Option(help: "The frequency ω₀ of sines; low ones suit smooth solutions.") var omega = 2.0
  @Option(help: "Points inside.") var points = 1000
  @Option(help: "Steps of Adam.") var adamSteps = 1000
  @Option(help: "Steps of L-BFGS.") var iterations = 1000
  @Option(help: "Adam's learning rate.") var learningRate = 1e-3
  @Option(help: "The seed of the networks' start.") var seed = 0
  @Option(help: ArgumentHelp("Write pictures of the solutions as a page.", valueName: "file")) var html: String?
  @OptionGroup(title: "Output") var output: OutputChoice

  func validate() throws {
    guard all || problem != nil else {
      throw ValidationError("Say which equation: \(Problem.standard.map(\.name).joined(separator: ", ")); or --all.")
    }
    guard (1...4096).contains(width), (1...64).contains(depth), omega > 0, (10...1_000_000).contains(points),
      (0...10_000_000).contains(adamSteps), (0...10_000_000).contains(iterations), learningRate > 0
    else { throw ValidationError("Sizes, steps and rates must be above zero.") }
  }

  private struct Row: Encodable {
    var problem: String
    var network: String
    var parameters: Int
    var relativeError: Double?
    var largestError: Double?
    var residual: Double
    var seconds: Double
  }

  private func layer(_ name: String, _ dimensions: Int) throws -> any Layer {
    switch name {
    case "tanh":
      return CoordinateNetwork(
        width: width, depth: depth, activation: Activation.tanh, omega: 1, start: .glorot)
    case "xnet": return XNet(width: width * depth)
    default:
      return try FieldSpecification(
        name, inputs: dimensions, outputs: 1, width: width, depth: depth, omega: omega, seed: seed
      ).network()
    }
  }

  func run() throws {
    let problems = all ? Problem.standard : [try Problem.named(problem ?? "")]
    let names = (network ?? networks).split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    let solver = EquationSolver(
      points: points, adamSteps: adamSteps, learningRate: learningRate, iterations: iterations)
    var rows: [Row] = []
    var page = Page(title: "Differential equations", subtitle: "Adam, then L-BFGS, in double precision")
    let interruption = Interruption()
    let progress = ProgressLine(isQuiet: output.quiet)
    for (i, problem) in problems.enumerated() {
      var figures: [any Plot] = []
      for (j, name) in names.enumerated() {
        let layer = try layer(name, problem.dimensions)
        let solution = try solver.solve(problem, with: layer, seed: seed) { share, loss in
          if interruption.isRequested {
            progress.clear()
            Terminal.note("Interrupted.")
            throw ExitCode(130)
          }
          progress.update(
            (Double(i) + (Double(j) + share) / Double(names.count)) / Double(problems.count),
            String(format: "%@, %@: loss %.3g", problem.name, name, loss))
        }
        rows.append(
          Row(
            problem: problem.name, network: name, parameters: solution.parameters.elementCount,
            relativeError: solution.relativeError, largestError: solution.largestError, residual: solution.residual,
            seconds: solution.seconds))
        figures += pictures(problem, name, solution)
      }
      page.add(.heading(problem.name), .paragraph(problem.statement), .figures(figures))
    }
    progress.clear()
    if let html { try writeText(page.html, to: html) }
    if output.json { return print(try jsonText(rows)) }
    var table = TextColumns(
      headings: ["equation", "network", "numbers", "relative L2 error", "largest error", "residual", "time"],
      alignedRight: Set(2...6))
    table.rows = rows.map { row in
      [
        row.problem, row.network, String(row.parameters), row.relativeError.map { String(format: "%.2e", $0) } ?? "–",
        row.largestError.map { String(format: "%.2e", $0) } ?? "–", String(format: "%.2e", row.residual),
        formattedDuration(row.seconds),
      ]
    }
    for line in table.lines { print(line) }
    if let html, !output.quiet { Terminal.note("Page: \(html)") }
  }

  private func pictures(_ problem: Problem, _ name: String, _ solution: EquationSolver.Solution) -> [any Plot] {
    if problem.dimensions == 1 {
      let grid = problem.grid(201)
      var series = [LineChart.Series(name, x: grid.doubles, y: solution(grid).doubles)]
      if let exact = problem.exact { series.append(.init("exact", x: grid.doubles, y: exact(grid).doubles)) }
      return [LineChart("\(problem.name), \(name)", xTitle: "x", yTitle: "u", series)]
    }
    let side = 41
    let grid = problem.grid(side)
    func map(_ title: String, _ values: [Double]) -> HeatMap {
      func labels(_ axis: Int) -> [String] {
        let range = problem.box[axis]
        return (0..<side).map {
          formattedNumber(
            range.lowerBound + (range.upperBound - range.lowerBound) * Double($0) / Double(side - 1), decimals: 2)
        }
      }
      return HeatMap(
        title, xTitle: "second coordinate", yTitle: "first coordinate", rows: labels(0), columns: labels(1),
        values: (0..<side).map { Array(values[$0 * side..<($0 + 1) * side]) })
    }
    let found = solution(grid)
    var figures: [any Plot] = [map("\(problem.name), \(name)", found.doubles)]
    if let exact = problem.exact { figures.append(map("error of \(name)", (found - exact(grid)).doubles)) }
    return figures
  }
}
