import ArgumentParser
import Foundation
import Reproductions
import SomaExperiments
import SomaReports

struct ReproduceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reproduce",
    abstract: "Check what published systems claim.",
    discussion: """
      Runs the experiment of each system, prints claim, figures and verdict, and keeps the result in the run store. Where the
      folder of --results exists, the result is recorded there too, and its RESULTS.md is written anew.

      EXAMPLES
        soma reproduce gelu
        soma reproduce gelu --seeds 10 --out gelu.html
        soma reproduce --family activations
        soma reproduce --all --effort smoke
        soma reproduce kan --set feynman            another set of problems of the same system
      """)

  @Argument(help: "Slugs or numbers, as `soma systems` lists them.") var systems: [String] = []
  @Option(help: ArgumentHelp("All built systems of a family.", valueName: "family")) var family: PublishedSystem.Family?
  @Flag(help: "All built systems.") var all = false
  @Flag(help: "Run nothing; write RESULTS.md anew from the recorded results.") var rewriteResults = false
  @Option(help: "How much is trained: smoke only shows that the check runs.") var effort = ReproductionRun.Effort
    .standard
  @Option(
    help: ArgumentHelp("Another set of problems that the systems have, such as feynman of kan.", valueName: "name"))
  var set: String?
  @Option(help: ArgumentHelp("Seeds. Default: what each check asks for.", valueName: "count")) var seeds: Int?
  @Option(
    help: ArgumentHelp(
      "Write the result with its pictures as a self-contained page; of several systems, a page each into this folder.",
      valueName: "path"))
  var out: String?
  @OptionGroup var results: ResultsChoice
  @OptionGroup var output: OutputChoice

  func validate() throws {
    guard rewriteResults || all || family != nil || !systems.isEmpty else {
      throw ValidationError("Say which system, such as gelu; or --family activations, or --all.")
    }
    if let seeds, !(1...1000).contains(seeds) {
      throw ValidationError("--seeds must be between 1 and 1000, not \(seeds).")
    }
  }

  private func chosen() throws -> [Reproduction] {
    var chosen = try systems.map { name in
      let system = try PublishedSystem.named(name)
      guard let match = Reproduction.all.first(where: { $0.system.slug == system.slug }) else {
        throw ReproductionError("\(system.slug): is not built yet; `soma systems --state built` lists what is")
      }
      return match
    }
    chosen += Reproduction.all.filter { reproduction in
      (all || reproduction.system.family == family) && !chosen.contains { $0.system == reproduction.system }
    }
    if chosen.isEmpty { throw ReproductionError("\(family?.rawValue ?? ""): no system of this family is built yet") }
    return chosen
  }

  func run() throws {
    if rewriteResults { return try ReproductionResults(folder: results.results ?? "Reproductions").rewrite() }
    let chosen = try chosen()
    let store = try RunStore(path: results.store ?? RunStore.defaultPath)
    let folder = results.results ?? "Reproductions"
    let isRecorded = results.results != nil || FileManager.default.fileExists(atPath: folder)
    let interruption = Interruption()
    var records: [ReproductionRecord] = []
    for (i, reproduction) in chosen.enumerated() {
      let system = reproduction.system
      if !output.json, !output.quiet {
        if i > 0 { print() }
        print(Terminal.bold("\(system.number) \(system.slug): \(system.title)"))
        print("claim: \(reproduction.claim)")
      }
      let progress = ProgressLine(isQuiet: output.quiet)
      let (record, finding): (ReproductionRecord, Finding)
      do {
        (record, finding) = try reproduction.run(effort: effort, seeds: seeds, set: set) { fraction, text in
          if interruption.isRequested { throw ReproductionInterrupted() }
          progress.update((Double(i) + fraction) / Double(chosen.count), "\(system.slug): \(text)")
        }
      } catch is ReproductionInterrupted {
        progress.clear()
        Terminal.note("Interrupted; \(records.count) finished checks are stored.")
        throw ExitCode(130)
      } catch {
        progress.clear()
        throw error
      }
      progress.clear()
      records.append(record)
      // A smoke run's figures mean nothing, so they are kept nowhere.
      if effort != .smoke {
        if let set {
          if isRecorded { try ReproductionResults(folder: folder).add(record, set: set) }
        } else {
          try store.add(record)
          if isRecorded { try ReproductionResults(folder: folder).add(record) }
        }
      }
      if !output.json { show(record) }
      if let out { try write(reproduction.page(record, finding), of: system, to: out, isOnly: chosen.count == 1) }
    }
    if output.json { print(try encoded(records)) }
  }

  private func write(_ page: Page, of system: PublishedSystem, to path: String, isOnly: Bool) throws {
    var path = path
    if !isOnly {
      try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      path += "/\(system.paddedNumber)-\(system.slug).html"
    }
    try writeText(page.html, to: path)
    if !output.quiet { Terminal.note("Page: \(path)") }
  }
}

extension ReproductionRun.Effort: ExpressibleByArgument {}
