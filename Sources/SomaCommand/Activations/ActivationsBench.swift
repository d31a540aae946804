import ArgumentParser
import Foundation
import Soma
import SomaExperiments
import SomaNetworks
import SomaReports

struct ActivationsBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure how fast activations run, forward and with their derivative, against the machine's limits.",
    discussion: """
      The limit of an activation is the time for its memory traffic or for its functions, whichever is longer. Memory's \
      speed is that of a copy from one array to another, because an activation reads one array and writes another; the cost \
      of each function is measured first, on numbers in cache.

      EXAMPLES
        soma activations bench
        soma activations bench gelu mish --json
        soma activations bench --worst 40
      """)
  @Argument(help: "Activations; all of one number unless given.") var names: [String] = []
  @Option(help: "Show so many of the slowest against their limits.") var worst = 25
  @Option(help: ArgumentHelp("Numbers in a tensor.", valueName: "count")) var elements = 1 << 24
  @Option(help: ArgumentHelp("Threads to use. Default: $SOMA_THREADS, or one for each core.", valueName: "count"))
  var threads: Int?
  @OptionGroup(title: "Output") var output: OutputChoice

  func validate() throws {
    guard (1 << 10...1 << 30).contains(elements) else {
      throw ValidationError("--elements must be between 1024 and 1073741824, not \(elements).")
    }
    guard worst >= 0 else { throw ValidationError("--worst must be at least 0, not \(worst).") }
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads must be between 1 and 1024, not \(threads).")
    }
  }

  func run() throws {
    if let threads { Parallel.threads = threads }
    let chosen = try names.isEmpty ? Activation.find(where: \.isElementwise) : names.map { try Activation.named($0) }
    let progress = ProgressLine(isQuiet: output.quiet)
    let result = try ActivationSpeed.measured(chosen, elements: elements) { progress.update($0, $1) }
    progress.clear()
    if output.json { return print(try jsonText(result)) }
    show(result)
  }

  private func show(_ result: ActivationSpeed) {
    func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
    print(
      "Memory: \(short(result.memoryGigabytesPerSecond)) GB/s from one array to another (\(short(result.inPlaceGigabytesPerSecond)) in place) with \(result.threads) threads; \(result.rows.count) activations of \(result.elements) numbers."
    )
    let (forward, both) = (result.rows.map(\.forward), result.rows.map(\.training))
    for (name, sides) in [("forward", forward), ("forward and derivative", both)] {
      let atMemory = sides.count { $0.shareOfMemory >= 0.6 }
      let atLimit = sides.count { $0.shareOfMemory >= 0.6 || $0.shareOfLimit >= 0.6 }
      print("\(name): \(atMemory) at 0.6 of memory's speed or more, \(atLimit) at that or 0.6 of the limit.")
    }
    print("")
    var table = TextColumns(
      headings: [
        "activation", "forward", "of memory", "of limit", "both", "of memory", "of limit", "kernels", "functions",
      ],
      alignedRight: [1, 2, 3, 4, 5, 6, 7])
    let ranked = result.rows.sorted {
      min($0.forward.shareOfLimit, $0.training.shareOfLimit) < min($1.forward.shareOfLimit, $1.training.shareOfLimit)
    }
    table.rows = ranked.prefix(worst == 0 ? ranked.count : worst).map { row in
      [
        row.name, "\(short(row.forward.nanosecondsPerElement)) ns", percent(row.forward.shareOfMemory),
        percent(row.forward.shareOfLimit), "\(short(row.training.nanosecondsPerElement)) ns",
        percent(row.training.shareOfMemory), percent(row.training.shareOfLimit),
        "\(row.forward.kernels) / \(row.training.kernels)",
        row.training.functions.sorted { $0.key < $1.key }.map { $0.value == 1 ? $0.key : "\($0.value) \($0.key)" }
          .joined(separator: ", "),
      ]
    }
    for line in table.lines { print(line) }
  }
}
