import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Shallow networks of Cauchy units on functions, an equation and images.
let xnet = Reproduction(
  "xnet", source: "Li, Xia & Zhang 2024, arXiv 2409.19221",
  definition: "(λ₁ x + λ₂)/(x² + d²), all three trained for each unit.",
  interface: ["CauchyActivation", "XNet", "PhysicsLoss"],
  claim: """
    XNet is much better than the usual networks on MNIST and CIFAR-10, and than physics-informed networks on equations of few and many \
    dimensions; its approximation is of arbitrary order.
    """,
  check: """
    Equal parameters, Adam, cosine, rates 3e-3, 1e-2, 3e-2 by validation, double precision. (a) On [−1, 1], 200 points, 1,500 steps, 42 \
    Cauchy units against 85 units of tanh, ReLU, SiLU, sine: 1/(1 + 25x²) + sin(4πx) e^{−x²}, a step, |x|. (b) exp(sin πx + y²), 400 \
    points. (c) −Δu = 2π² sin πx sin πy on the unit square, 256 points inside and 64 on the boundary, 800 steps, against tanh. (d) \
    Fashion-MNIST, 10,000 images, 784-128-10, 4 epochs.
    """,
  verdictRule: """
    Reproduced: at least 3 × lower median error than the best rival on the first function, (b) and (c), and (d) at most 0.3 point below \
    ReLU. Partly: on two of the first function, (b), (c).
    """,
  seeds: 3
) { run in
  let sine = Activation.sine
  let rivals: [(name: String, activation: Activation)] = [
    ("tanh", .tanh), ("ReLU", .relu), ("SiLU", .silu), ("sine", sine),
  ]
  let steps = run.scaled(1500, smoke: 5)

  // 6N + 1 parameters of one input: 42 units make 253; 85 others 256. With two inputs 7N + 1 and 4N + 1.
  func networks(inputs: Int) -> [(name: String, network: any Layer)] {
    let others = inputs == 1 ? 85 : 73
    return [("Cauchy", XNet(width: 42))] + rivals.map { ($0.name, XNet(width: others, activation: $0.activation)) }
  }
  let functions: [(name: String, f: @Sendable ([Double]) -> Double, inputs: Int)] = [
    ("1/(1+25x²) + sin(4πx)e^{−x²}", { 1 / (1 + 25 * $0[0] * $0[0]) + sin(4 * .pi * $0[0]) * exp(-$0[0] * $0[0]) }, 1),
    ("step(x)", { $0[0] > 0 ? 1 : 0 }, 1), ("|x|", { abs($0[0]) }, 1),
    ("exp(sin πx + y²)", { exp(sin(.pi * $0[0]) + $0[1] * $0[1]) }, 2),
  ]
  var tables: [Finding.Table] = []
  var figures: [any Plot] = []
  var ratios: [Double] = []
  var widths: [Double] = []
  for (number, function) in functions.enumerated() {
    let part = run.part(Double(number) * 0.17...Double(number + 1) * 0.17)
    let train = points(function.inputs == 1 ? 200 : 400, function.inputs, isGrid: function.inputs == 1, key: Key(1))
    let check = points(201, function.inputs, isGrid: false, key: Key(2))
    let judge = points(function.inputs == 1 ? 1001 : 2000, function.inputs, isGrid: function.inputs == 1, key: Key(3))
    let all = try networks(inputs: function.inputs).enumerated().map { i, entry in
      try FunctionFit(entry.network, function.f, train, check, judge, steps: steps).run(
        entry.name, part.part(Double(i) / 5...Double(i + 1) / 5))
    }
    tables.append(FunctionFit.table("\(function.name): mean squared error", all))
    let best = all.dropFirst().map { $0.errors.median }.min()!
    if number == 0 || number == 3 { ratios.append(best / all[0].errors.median) }
    if number == 0 {
      let x = judge.doubles
      figures.append(
        LineChart(
          "The first function: what is left", xTitle: "x", yTitle: "error",
          all.map { outcome in
            let y = outcome.network.apply(Variables(parameters: outcome.parameters), judge).doubles
            return LineChart.Series(outcome.name, x: x, y: zip(x, y).map { $1 - function.f([$0]) })
          }))
      widths = CauchyActivation.width(ofStored: all[0].parameters["activation/width"]!).doubles
    }
  }
  figures.append(Histogram("Widths d that were learned, first function", xTitle: "d", widths))

  // (c)
  let inside = points(256, 2, isGrid: false, key: Key(5)) * 0.5 + 0.5
  let edge = Tensor.linspace(0, 1, count: 16, dtype: .float64)
  let (zero, one) = (Tensor.zeros([16], dtype: .float64), Tensor.ones([16], dtype: .float64))
  let boundary = Tensor.concatenate([
    Tensor.stack([edge, zero], axis: 1), Tensor.stack([edge, one], axis: 1), Tensor.stack([zero, edge], axis: 1),
    Tensor.stack([one, edge], axis: 1),
  ])
  let side = 41
  let grid = Tensor.stack(
    Tensor.meshgrid([0, 1].map { _ in Tensor.linspace(0, 1, count: side, dtype: .float64) }), axis: -1
  ).reshape(
    side * side, 2)
  func exact(_ x: Tensor) -> Tensor { (x[.all, 0] * Double.pi).sin() * (x[.all, 1] * Double.pi).sin() }
  let solved = try [("Cauchy", XNet(width: 42)), ("tanh", XNet(width: 73, activation: Activation.tanh))].enumerated()
    .map { i, entry in
      let (name, network) = entry
      let rates = run.isSmoke ? [1e-2] : [3e-3, 1e-2, 3e-2]
      let members = rates.flatMap { rate in (0..<run.seeds).map { (rate: rate, seed: $0) } }
      let starts = members.map {
        network.initialized(for: TensorType(shape: [1, 2], dtype: .float64), key: Key($0.seed)).parameters
      }
      let training = try EnsembleTraining(
        starts, optimizer: Adam(), learningRates: members.map(\.rate), shared: [inside, boundary]
      ) { member in
        let own = Variables(parameters: member.parameters)
        // The square is mapped to [-1, 1].
        func u(_ x: Tensor) -> Tensor { network.apply(own, x * 2.0 - 1).squeezed([1]) }
        let source = exact(member.shared[0]) * (2 * Double.pi * Double.pi)
        return PhysicsLoss()(
          residual: -PhysicsLoss.laplacian(u, member.shared[0]) - source, boundary: u(member.shared[1]))
      }
      let count = run.scaled(800, smoke: 3)
      let schedule = Schedule.cosine(1)
      for step in 0..<count {
        training.load([inside, boundary], rateFactor: schedule(step, of: count))
        training.step()
        if step % 20 == 0 {
          try run.part(0.68 + Double(i) * 0.1...0.78 + Double(i) * 0.1).report(
            Double(step) / Double(count), "Poisson, \(name)")
        }
      }
      // By the loss itself: an equation has no labels to hold out.
      let losses = training.losses
      let finals = training.members
      let rate = rates.indices.min { a, b in
        Array(losses[a * run.seeds..<(a + 1) * run.seeds]).median
          < Array(losses[b * run.seeds..<(b + 1) * run.seeds]).median
      }!
      let chosen = finals[rate * run.seeds..<(rate + 1) * run.seeds]
      let fields = chosen.map { network.apply(Variables(parameters: $0), grid * 2.0 - 1).squeezed([1]) - exact(grid) }
      return (
        name: name, rate: rates[rate], errors: fields.map { $0.squared().mean().doubles[0].squareRoot() },
        field: fields[0]
      )
    }
  ratios.append(solved[1].errors.median / solved[0].errors.median)
  tables.append(
    Finding.Table(
      "Poisson: root mean squared error", columns: ["unit", "median", "worst", "learning rate"],
      rows: solved.map {
        [
          $0.name, formattedNumber($0.errors.median, digits: 3), formattedNumber($0.errors.max()!, digits: 3),
          formattedNumber($0.rate),
        ]
      }))
  let labels = (0..<side).map { formattedNumber(Double($0) / Double(side - 1), decimals: 2) }
  for outcome in solved {
    figures.append(
      HeatMap(
        "Poisson: error of \(outcome.name)", xTitle: "y", yTitle: "x", rows: labels, columns: labels,
        values: (0..<side).map { i in Array(outcome.field.doubles[i * side..<(i + 1) * side]) }))
  }

  // (d)
  let images = try fashionImages(
    run.scaled(10_000, smoke: 128), validation: run.scaled(2000, smoke: 128), test: run.scaled(10_000, smoke: 128))
  let classified = try TrainingStudy(images, learningRates: [3e-3, 1e-3], epochs: run.scaled(4, smoke: 1)).run(
    [("Cauchy", CauchyActivation() as any Layer), ("ReLU", Activation.relu), ("tanh", Activation.tanh)].map {
      name, layer in
      .init(name, Sequential([Dense(128), layer, Dense(10)]))
    }, ReproductionRun(run.part(0.88...1), seeds: run.isSmoke ? 1 : 2))
  tables.append(
    classified.table("Fashion-MNIST, 784-128-10: test accuracy, %", score: "accuracy", factor: 100, baseline: "ReLU"))
  let deficit = classified["ReLU"].estimate.mean - classified["Cauchy"].estimate.mean

  let won = ratios.count { $0 >= 3 }
  return Finding(
    won == 3 && deficit <= 0.003 ? .reproduced : won >= 2 ? .partly : .notReproduced,
    summary: """
      Error of the best rival over the Cauchy units': first function \(formattedNumber(ratios[0], digits: 3)), two dimensions \
      \(formattedNumber(ratios[1], digits: 3)), Poisson \(formattedNumber(ratios[2], digits: 3)). Fashion-MNIST: Cauchy \
      \(formattedNumber(classified["Cauchy"].estimate.mean * 100)) %, ReLU \(formattedNumber(classified["ReLU"].estimate.mean * 100)) %.
      """,
    tables: tables, figures: figures,
    remarks: [
      "The rivals have the same start of weights and biases (uniform in ±4), which suits local units; 253 against 256 parameters, in two dimensions 295 against 293."
    ])
}

/// Points of [-1, 1]^d, double precision: evenly spaced or uniform.
private func points(_ count: Int, _ dimensions: Int, isGrid: Bool, key: Key) -> Tensor {
  isGrid
    ? Tensor.linspace(-1, 1, count: count, dtype: .float64).reshape(count, 1)
    : Tensor.uniform([count, dimensions], low: -1, high: 1, key: key, dtype: .float64)
}

/// A network fitted to a function by its values at points; rates and seeds run as one graph.
private struct FunctionFit {
  struct Outcome {
    var name: String
    var rate: Double
    /// Mean squared errors at the judging points, one for each seed.
    var errors: [Double]
    var network: any Layer
    /// The first seed's.
    var parameters: Parameters
  }

  var network: any Layer
  var train, check, judge: (x: Tensor, y: Tensor)
  var steps: Int

  init(
    _ network: any Layer, _ f: ([Double]) -> Double, _ train: Tensor, _ check: Tensor, _ judge: Tensor, steps: Int
  ) {
    func pair(_ x: Tensor) -> (x: Tensor, y: Tensor) {
      let (rows, width) = (x.shape[0], x.shape[1])
      let values = x.doubles
      return (x, Tensor((0..<rows).map { f(Array(values[$0 * width..<($0 + 1) * width])) }, shape: [rows, 1]))
    }
    self.network = network
    self.train = pair(train)
    self.check = pair(check)
    self.judge = pair(judge)
    self.steps = steps
  }

  func run(_ name: String, _ run: ReproductionRun) throws -> Outcome {
    let rates = run.isSmoke ? [1e-2] : [3e-3, 1e-2, 3e-2]
    let members = rates.flatMap { rate in (0..<run.seeds).map { (rate: rate, seed: $0) } }
    let type = TensorType(shape: [1, train.x.shape[1]], dtype: .float64)
    let training = try EnsembleTraining(
      members.map { network.initialized(for: type, key: Key($0.seed)).parameters }, optimizer: Adam(),
      learningRates: members.map(\.rate), shared: [train.x, train.y]
    ) { [network] member in
      (network.apply(Variables(parameters: member.parameters), member.shared[0]) - member.shared[1]).squared().mean()
    }
    let schedule = Schedule.cosine(1)
    for step in 0..<steps {
      training.load([train.x, train.y], rateFactor: schedule(step, of: steps))
      training.step()
      if step % 50 == 0 { try run.report(Double(step) / Double(steps), name) }
    }
    let finals = training.members
    func errors(_ data: (x: Tensor, y: Tensor)) -> [Double] {
      finals.map { (network.apply(Variables(parameters: $0), data.x) - data.y).squared().mean().doubles[0] }
    }
    let (validation, final) = (errors(check), errors(judge))
    func own(_ values: [Double], _ k: Int) -> [Double] { Array(values[k * run.seeds..<(k + 1) * run.seeds]) }
    let best = rates.indices.min { own(validation, $0).median < own(validation, $1).median }!
    return Outcome(
      name: name, rate: rates[best], errors: own(final, best), network: network, parameters: finals[best * run.seeds])
  }

  static func table(_ title: String, _ outcomes: [Outcome]) -> Finding.Table {
    Finding.Table(
      title, columns: ["unit", "median", "worst", "learning rate"],
      rows: outcomes.map {
        [
          $0.name, formattedNumber($0.errors.median, digits: 3), formattedNumber($0.errors.max() ?? .nan, digits: 3),
          formattedNumber($0.rate),
        ]
      })
  }
}
