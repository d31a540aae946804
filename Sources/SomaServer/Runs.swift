import Foundation
import SomaExperiments
import SomaReports
import Synchronization

/// The pages of stored runs. The store is opened when it is there; until then there are no runs.
final class Runs: Sendable {
  let path: String
  private let opened = Mutex<RunStore?>(nil)

  init(path: String) { self.path = path }

  /// Nil as long as there is no file.
  func store() throws -> RunStore? {
    try opened.withLock { opened in
      if let opened { return opened }
      guard FileManager.default.fileExists(atPath: path) else { return nil }
      opened = try RunStore(path: path, mustExist: true)
      return opened
    }
  }

  private func existing() throws -> RunStore {
    guard let store = try store() else { throw NotFound("There are no runs yet: soma compare makes some.") }
    return store
  }

  // MARK: The list

  /// More runs than that are left out of the list, the oldest first.
  static let longestList = 500

  var list: WebPage {
    get throws {
      WebPage(
        title: "Runs", room: .runs,
        body: """
          <h1>Runs</h1>
          <p class="subtitle">Comparisons in \(path.markupEscaped), the newest first. The list follows what is going on.</p>
          <div data-events="/runs/events" data-fragment="/runs/list">\(try listFragment)</div>
          """)
    }
  }

  var listFragment: String {
    get throws {
      guard let store = try store() else { return Self.nothing }
      let experiments = try store.experiments()
      guard !experiments.isEmpty else { return Self.nothing }
      var rows = ""
      for experiment in experiments.prefix(Self.longestList) {
        guard let id = experiment.id else { continue }
        rows += """
          <tr><th scope="row" class="n"><a href="/runs/\(id)">\(id)</a></th><td><a href="/runs/\(id)">\(experiment.title.markupEscaped)</a></td>\
          <td>\(Self.badge(experiment.status))</td><td class="n">\(try store.trialCount(of: id))</td>\
          <td>\(Self.time(experiment.created))</td><td>\(experiment.kind.markupEscaped)</td></tr>

          """
      }
      let left = experiments.count - Self.longestList
      return """
        <div class="scroll" tabindex="0" role="region" aria-label="runs"><table>
        <thead><tr><th scope="col" class="n">run</th><th scope="col">what</th><th scope="col">state</th><th scope="col" class="n">trials</th><th scope="col">begun</th><th scope="col">kind</th></tr></thead>
        <tbody>
        \(rows)</tbody></table></div>
        \(left > 0 ? "<p>\(left) older runs are not shown; soma runs list shows all.</p>" : "")
        """
    }
  }

  private static let nothing =
    "<p class=\"note\">There are no runs yet. <code>soma compare digits relu gelu mish</code> makes one.</p>"

  private static func badge(_ status: Experiment.Status) -> String {
    let mark =
      switch status {
      case .running: "▶"
      case .interrupted: "❙❙"
      case .finished: "✓"
      }
    return
      "<span class=\"badge \(status.rawValue)\"><span aria-hidden=\"true\">\(mark)</span> \(status.rawValue)</span>"
  }

  static func time(_ date: Date) -> String {
    let text = date.formatted(
      .iso8601.year().month().day().dateTimeSeparator(.space).time(includingFractionalSeconds: false))
    return "<time datetime=\"\(date.formatted(.iso8601))\">\(text)</time>"
  }

  // MARK: One run

  func page(of id: Int64) throws -> WebPage {
    let experiment = try existing().experiment(id)
    return WebPage(
      title: "Run \(id), \(experiment.dataSet)", room: .runs,
      body: """
        <div data-events="/runs/\(id)/events" data-fragment="/runs/\(id)/report">\(try fragment(of: id))</div>
        """)
  }

  /// What changes while a run goes on: how far it is, curves of trials at work, the ranking so far.
  func fragment(of id: Int64) throws -> String {
    let store = try existing()
    let experiment = try store.experiment(id)
    let live = try store.liveTrials(of: id)
    var page = Page(title: experiment.title)
    var state = "<p class=\"state\">\(Self.badge(experiment.status)) run \(id), begun \(Self.time(experiment.created))"
    if experiment.kind == "compare" {
      let report = try ComparisonReport(experiment: id, in: store)
      let progress = try progress(of: report.settings, id, live, in: store)
      state += Self.bar(progress)
      page = report.page()
    }
    state += "</p>\n"
    return state + Self.working(live) + page.content
  }

  /// Epochs that are done, and epochs in all.
  private func progress(
    of settings: ComparisonSettings, _ id: Int64, _ live: [LiveTrial], in store: RunStore
  ) throws -> (done: Int, all: Int) {
    let (candidates, rates) = (settings.candidates.count, settings.learningRates.count)
    let all = candidates * (rates * settings.tuningEpochs + settings.seeds * settings.epochs)
    let done = try store.trials(of: id).reduce(0) { $0 + $1.epochs } + live.reduce(0) { $0 + $1.curve.count }
    return (min(done, all), all)
  }

  private static func bar(_ progress: (done: Int, all: Int)) -> String {
    guard progress.done < progress.all else { return "" }
    return
      " <progress value=\"\(progress.done)\" max=\"\(progress.all)\" aria-label=\"epochs\"></progress> \(progress.done) of \(progress.all) epochs"
  }

  /// More curves than that cannot be told apart.
  private static let mostCurves = 8

  private static func working(_ live: [LiveTrial]) -> String {
    guard !live.isEmpty else { return "" }
    func name(_ trial: LiveTrial) -> String {
      trial.candidate
        + (trial.purpose == .final ? ", seed \(trial.seed)" : ", rate \(formattedNumber(trial.learningRate))")
    }
    func chart(_ title: String, _ yTitle: String, _ scale: AxisScale, _ value: (Trial.Epoch) -> Double?) -> LineChart {
      LineChart(
        title, xTitle: "epoch", yTitle: yTitle,
        live.suffix(mostCurves).map { trial in
          LineChart.Series(
            name(trial), x: trial.curve.indices.map { Double($0 + 1) }, y: trial.curve.map { value($0) ?? .nan })
        }, yScale: scale)
    }
    let texts = live.map { "\(name($0)): epoch \($0.curve.count) of \($0.epochs)" }
    return """
      <section aria-label="trials at work"><h2>At work</h2>
      <div class="plots"><div class="plot">\(chart("Training loss", "loss", .logarithmic) { $0.trainingLoss }.element(id: "live1"))</div>
      <div class="plot">\(chart("Validation score", "score", .linear) { $0.validationScore }.element(id: "live2"))</div></div>
      <ul class="plain">\(texts.map { "<li>\($0.markupEscaped)</li>" }.joined())</ul></section>

      """
  }
}
