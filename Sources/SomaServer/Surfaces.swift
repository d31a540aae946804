import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports
import Synchronization

/// Loss surfaces: a small network is trained on embedded data, and its loss drawn about what it found. Nothing is read from the
/// store or from files for it.
final class Surfaces: Sendable {
  struct Wish: Sendable, Hashable {
    var data = "iris"
    var activation = "relu"
    var network = "mlp"
    var optimizer = OptimizerChoice.adam
    var span = 1.0
    var seed = 0

    /// - Throws: for what is not offered.
    init(_ query: [String: String]) throws {
      if let text = query["data"], !text.isEmpty { data = text }
      guard Surfaces.sets.contains(data) else {
        throw Networks.WrongWish("data is one of \(Surfaces.sets.joined(separator: ", "))")
      }
      if let text = query["network"], !text.isEmpty { network = text }
      guard Surfaces.networks.contains(network) else {
        throw Networks.WrongWish("network is one of \(Surfaces.networks.joined(separator: ", "))")
      }
      if let text = query["activation"], !text.isEmpty { activation = text }
      _ = try NetworkSpecification(parsing: "\(network):\(activation)")
      if let text = query["optimizer"], !text.isEmpty {
        guard let choice = OptimizerChoice(rawValue: text) else {
          throw Networks.WrongWish("there is no such optimizer")
        }
        optimizer = choice
      }
      if let text = query["span"], !text.isEmpty {
        guard let value = Double(text), (0.05...4).contains(value) else {
          throw Networks.WrongWish("span is a number from 0.05 to 4")
        }
        span = value
      }
      if let text = query["seed"], !text.isEmpty {
        guard let value = Int(text), (0...1_000_000).contains(value) else {
          throw Networks.WrongWish("seed is a number from 0 to 1000000")
        }
        seed = value
      }
    }
  }

  static let sets = DataSet.builtIn.map(\.name)
  static let networks = ["mlp", "mlp-deep"]
  private static let epochs = 20
  /// Samples that the loss is averaged over.
  private static let mostSamples = 512

  private let known = Mutex<[Wish: String]>([:])

  /// The form, and where the picture will come: computing takes seconds, so the page asks for it when it is there.
  func page(_ query: [String: String]) throws -> WebPage {
    let wish = try Wish(query)
    func options(_ names: [String], _ chosen: String) -> String {
      names.map { "<option\($0 == chosen ? " selected" : "")>\($0.markupEscaped)</option>" }.joined()
    }
    let isAsked = !query.isEmpty
    let place =
      isAsked
      ? "<div data-load=\"/surfaces/plot?\(Self.query(wish).markupEscaped)\" aria-live=\"polite\" aria-busy=\"true\"><p class=\"faint\">Training \(wish.network.markupEscaped):\(wish.activation.markupEscaped) on \(wish.data.markupEscaped), then drawing …</p><noscript><a href=\"/surfaces/plot?\(Self.query(wish).markupEscaped)\">Show the picture</a></noscript></div>"
      : ""
    return WebPage(
      title: "Loss surfaces", room: .surfaces,
      body: """
        <h1>Loss surfaces</h1>
        <p class="subtitle">The loss of a trained network along two random directions, each filter scaled to the weights it moves (Li et al. 2018).</p>
        <form class="controls" method="get" action="/surfaces">
        <label>data <select name="data">\(options(Self.sets, wish.data))</select></label>
        <label>network <select name="network">\(options(Self.networks, wish.network))</select></label>
        <label>activation <input type="search" name="activation" value="\(wish.activation.markupEscaped)" maxlength="100"></label>
        <label>optimizer <select name="optimizer">\(options(OptimizerChoice.allCases.map(\.rawValue), wish.optimizer.rawValue))</select></label>
        <label>span <input type="number" name="span" min="0.05" max="4" step="0.05" value="\(wish.span)"></label>
        <label>seed <input type="number" name="seed" min="0" max="1000000" value="\(wish.seed)"></label>
        <button>Train and draw</button></form>
        \(place)
        """)
  }

  private static func query(_ wish: Wish) -> String {
    "data=\(wish.data.addressEscaped)&network=\(wish.network.addressEscaped)&activation=\(wish.activation.addressEscaped)&optimizer=\(wish.optimizer.rawValue)&span=\(wish.span)&seed=\(wish.seed)"
  }

  /// Trains, and draws the surface. The same wish is answered from memory.
  func plot(_ wish: Wish) throws -> String {
    if let known = known.withLock({ $0[wish] }) { return known }
    var job = TrainingJob(
      source: .samples(wish.data, target: nil, task: nil), network: "\(wish.network):\(wish.activation)")
    job.parameters = 5000
    job.duration = .epochs(Self.epochs)
    job.batchSize = 32
    job.optimizer = wish.optimizer
    job.seed = wish.seed
    let (model, report) = try job.run()
    let network = try model.network()
    let parts = try DataSet.open(wish.data).split(
      validation: job.validationShare, test: job.testShare, seed: UInt64(wish.seed))
    let standardized = parts.standardized().split
    let split = standardized.standardizingTargets()?.split ?? standardized
    let data = split.train.subset(Array(0..<min(Self.mostSamples, split.train.count)))
    let loss: any Loss = split.train.isClassification ? CrossEntropy() : MeanSquaredError()
    let (features, targets) = (data.features, data.targets)
    let surface = LossLandscape(
      around: model.variables.parameters, radius: wish.span, points: 29, key: Key(wish.seed)
    ) { own in
      loss(network.apply(Variables(parameters: own, state: model.variables.state), features), targets)
    }
    let finite = surface.losses.joined().filter { $0.isFinite && $0 > 0 }
    let isWide = (finite.max() ?? 1) > 30 * (finite.min() ?? 1)
    let chart = ContourPlot(
      "Loss of \(wish.network):\(wish.activation) on \(wish.data)", xTitle: "second direction",
      yTitle: "first direction", x: surface.places, y: surface.places, values: surface.losses,
      scale: isWide ? .logarithmic : .linear,
      marks: [.init("trained", x: 0, y: 0)])
    var page = Page(title: "")
    page.add(
      .figures([chart]),
      .facts([
        ("parameters", String(report.parameters)),
        ("loss in the middle", formattedNumber(surface.losses[14][14])),
        ("largest loss shown", formattedNumber(finite.max() ?? .nan)),
        ("trained", "\(Self.epochs) epochs, \(wish.optimizer.rawValue)"), ("samples", String(data.count)),
      ]))
    let markup = page.content
    known.withLock { known in
      // A few dozen pictures are little memory; what nobody asked for lately makes room at once.
      if known.count >= 32 { known.removeAll() }
      known[wish] = markup
    }
    return markup
  }
}
