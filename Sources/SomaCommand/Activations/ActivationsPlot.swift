import ArgumentParser
import Foundation
import SomaExperiments
import SomaNetworks
import SomaReports

struct ActivationsPlot: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot", abstract: "Draw all activations, or those with certain properties, on one page to browse.",
    discussion: """
      The page needs no network: a search box, the class, and the computed properties choose what is shown.

      EXAMPLES
        soma activations plot --all --out activations.html
        soma activations plot --monotone --bounded --out sigmoids.html
      """)
  @Flag(help: "All of them; the default where no property is asked for.") var all = false
  @OptionGroup(title: "Which") var filter: ActivationFilter
  @Option(name: [.customLong("out"), .short], help: ArgumentHelp("Where the page goes.", valueName: "file"))
  var out = "activations.html"
  @OptionGroup(title: "Output") var output: OutputChoice

  func run() throws {
    let progress = ProgressLine(isQuiet: output.quiet)
    let chosen = all ? Activation.find() : filter.chosen(progress)
    let properties = ActivationProperties.of(chosen) { progress.update($0, "looking at \(chosen.count) functions") }
    progress.clear()
    try writeText(ActivationsPage(activations: chosen, properties: properties).page.html, to: out)
    if !output.quiet { Terminal.note("\(chosen.count) activations: \(out)") }
  }
}
