import ArgumentParser
import Foundation
import Soma
import SomaExperiments
import SomaReports

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure training steps, and how close the runtime comes to the machine's limits.",
    discussion: """
      Each workload runs in a process of its own, so that its memory and its time to the first step are its own.
      Workloads: \(Workload.all.map(\.name).joined(separator: ", ")).

      EXAMPLES
        soma bench
        soma bench mlp siren --threads 1
        soma bench kan --profile
        soma bench --limits --json
      """)

  @Argument(help: "Workloads; all unless given.") var workloads: [String] = []
  @Flag(help: "Measure products, elementwise chains and the cost of a node against the machine's limits.")
  var limits = false
  @Option(help: ArgumentHelp("Threads to use. Default: $SOMA_THREADS, or one for each core.", valueName: "count"))
  var threads: Int?
  @Option(help: "Repeats, of which the median counts.") var repeats = 5
  @Option(help: ArgumentHelp("How long a repeat lasts, about.", valueName: "seconds")) var seconds = 0.3
  @Flag(help: "Show the kernels of a step that take longest.") var profile = false
  @Option(help: ArgumentHelp("Begin with the inputs and parameters of an .npz archive.", valueName: "file"))
  var initial: String?
  @Option(help: ArgumentHelp("Report the losses of so many first steps.", valueName: "count")) var losses = 0
  @Option(
    help: ArgumentHelp(
      "For scripts: measure one workload in this process, which started at this reading of CLOCK_MONOTONIC.",
      valueName: "nanoseconds"))
  var started: UInt64?
  @Flag(help: "For scripts, with --started: do a repeat for each line on standard input and print its result.")
  var serve = false
  @OptionGroup(title: "Output") var output: OutputChoice

  mutating func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads must be between 1 and 1024, not \(threads).")
    }
    guard (1...1000).contains(repeats) else { throw ValidationError("--repeats must be 1 to 1000, not \(repeats).") }
    guard seconds > 0, seconds <= 600 else { throw ValidationError("--seconds must be up to 600, not \(seconds).") }
    guard (0...10_000).contains(losses) else { throw ValidationError("--losses must be 0 to 10000, not \(losses).") }
    if limits, !workloads.isEmpty { throw ValidationError("--limits measures no workloads.") }
    if serve, started == nil { throw ValidationError("--serve needs --started.") }
    if started != nil || initial != nil, workloads.count != 1 {
      throw ValidationError("\(started != nil ? "--started" : "--initial") wants exactly one workload.")
    }
  }

  func run() throws {
    if let threads { Parallel.threads = threads }
    if limits { return try measureLimits() }
    if let started { return try measureHere(workloads[0], start: started) }
    let chosen = try workloads.isEmpty ? Workload.all : workloads.map(Workload.named)
    let progress = ProgressLine(isQuiet: output.quiet)
    var results: [BenchmarkResult] = []
    for (i, workload) in chosen.enumerated() {
      progress.update(Double(i) / Double(chosen.count), workload.name)
      results.append(try measureApart(workload))
    }
    progress.clear()
    if output.json { return print(try jsonText(results)) }
    show(results)
  }

  /// Measures in this process and prints JSON.
  private func measureHere(_ name: String, start: UInt64) throws {
    let run = try WorkloadRun(Workload.named(name), initial: initial, start: start, losses: losses)
    let steps = run.steps(lasting: seconds)
    guard serve else {
      return print(
        try jsonText(run.result(repeats: (0..<repeats).map { _ in run.measure(steps: steps) }, profiled: profile)))
    }
    // A line for each repeat: the script interleaves the repeats of several processes.
    repeat {
      let result = try jsonText(run.result(repeats: [run.measure(steps: steps)]))
      print(result.split(separator: "\n").joined())
      fflush(nil)
    } while readLine() != nil
  }

  /// Measures in a process of its own.
  private func measureApart(_ workload: Workload) throws -> BenchmarkResult {
    let process = Process()
    process.executableURL = Bundle.main.executableURL
    let pipe = Pipe()
    process.standardOutput = pipe
    process.arguments =
      ["bench", workload.name, "--repeats", "\(repeats)", "--seconds", "\(seconds)", "--losses", "\(losses)"]
      + ["--threads", "\(Parallel.threads)", "--started", "\(MonotonicClock.nanoseconds)"]
      + (profile ? ["--profile"] : []) + (initial.map { ["--initial", $0] } ?? [])
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw BenchmarkError("\(workload.name) was not measured: its process ended with \(process.terminationStatus)")
    }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(BenchmarkResult.self, from: data)
  }

  private func show(_ results: [BenchmarkResult]) {
    let headings = ["workload", "ms/step", "±", "peak memory", "first step", "compile", "nodes", "kernels"]
    var columns = TextColumns(headings: headings, alignedRight: Set(1..<headings.count))
    columns.rows = results.map { result in
      let spread = ((result.repeats.max() ?? 0) - (result.repeats.min() ?? 0)) / 2
      return [
        result.workload, short(result.millisecondsPerStep), short(spread), formattedBytes(result.peakMemoryBytes),
        formattedDuration(result.secondsToFirstStep), formattedDuration(result.secondsToCompile),
        "\(result.nodes)", "\(result.kernels)",
      ]
    }
    if !output.quiet { print("\(Machine.description); \(Parallel.threads) threads; median of \(repeats)\n") }
    for line in columns.lines { print(line) }
    for result in results where losses > 0 {
      print("\n\(result.workload), first losses: " + result.losses.map { "\($0)" }.joined(separator: " "))
    }
    for result in results {
      guard let profile = result.profile else { continue }
      let total = profile.reduce(0) { $0 + $1.milliseconds }
      print("\n" + Terminal.bold("\(result.workload): kernels of a step"))
      var columns = TextColumns(headings: ["ms", "%", "kernel"], alignedRight: [0, 1])
      columns.rows = profile.prefix(25).map {
        [short($0.milliseconds), String(format: "%.1f", 100 * $0.milliseconds / total), $0.kernel]
      }
      for line in columns.lines { print(line) }
    }
  }

  private func measureLimits() throws {
    let progress = ProgressLine(isQuiet: output.quiet)
    let limits = try RuntimeLimits.measured(seconds: seconds, progress: progress.update)
    progress.clear()
    if output.json { return print(try jsonText(limits)) }
    if !output.quiet { print("\(Machine.description); \(limits.threads) threads\n") }
    var products = TextColumns(headings: ["matrix product", "GFLOP/s", "oneDNN", "ratio"], alignedRight: [1, 2, 3])
    products.rows = limits.products.map {
      [$0.shape, String(format: "%.1f", $0.gigaflops), String(format: "%.1f", $0.referenceGigaflops)]
        + [String(format: "%.2f", $0.ratio)]
    }
    for line in products.lines { print(line) }
    var chains = TextColumns(headings: ["elementwise chain", "GB/s", "of memory"], alignedRight: [1, 2])
    chains.rows = limits.chains.map {
      let share = $0.gigabytesPerSecond / limits.memoryGigabytesPerSecond
      return [
        "\($0.operations) operations", String(format: "%.1f", $0.gigabytesPerSecond), String(format: "%.2f", share),
      ]
    }
    print()
    for line in chains.lines { print(line) }
    print("\nmemory, read and written in place: \(String(format: "%.1f", limits.memoryGigabytesPerSecond)) GB/s")
    print(
      "graph of \(limits.nodes) tiny nodes in \(limits.kernels) kernels: "
        + "\(Int(limits.nanosecondsPerNode.rounded())) ns a node, \(Int(limits.nanosecondsPerKernel.rounded())) ns a kernel"
    )
    print("compilation: \(short(limits.compileMillisecondsPerThousandNodes)) ms for 1,000 nodes")
  }
}
