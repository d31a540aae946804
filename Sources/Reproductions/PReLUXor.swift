import Foundation
import Soma
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// One neuron with a trained slope against exclusive or.
let preluXor = Reproduction(
  "prelu-xor", source: "Pinto & Tavares 2024, arXiv 2409.10821",
  definition: "y = PReLU_a(w₁ x₁ + w₂ x₂), max(0, z) + a min(0, z): with a = -1 the absolute value of a difference.",
  interface: ["XorModel", "SingleNeuronStudy", "XorCapacity", "BooleanFunction", "EnsembleTraining"],
  claim:
    "A single-layer PReLU network solves exclusive or, with 100 % success over a wider range of learning rates than a multi-layer perceptron and the growing cosine unit, with three parameters.",
  check: """
    500 restarts × rates {1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1} × Adam, SGD × PReLU without and with bias, growing cosine unit, 2-2-1 \
    networks of sigmoid and of ReLU units × inputs ±1 and 0/1, 300 full-batch steps (the sigmoid network also 1,000); success: all four \
    outputs on the right side of ½.
    """,
  verdictRule: """
    Reproduced: with inputs ±1, PReLU without bias has 100 % success for at least as many rates as every rival under both rules, and \
    for strictly more than both networks. Partly: under one rule. Else not.
    """,
  seeds: 1
) { run in
  let models: [XorModel] = [.prelu, .preluWithBias, .growingCosine, .sigmoidNetwork, .reluNetwork]
  let restarts = run.scaled(500, smoke: 10)
  var results: [SingleNeuronStudy.Result] = []
  var longer: [String: [Double]] = [:]
  var done = 0.0
  for coding in SingleNeuronStudy.Coding.allCases {
    for rule in SingleNeuronStudy.Rule.allCases {
      for model in models {
        let study = SingleNeuronStudy(coding: coding, restarts: restarts, steps: run.scaled(300, smoke: 10))
        let part = run.part((done / 24)...((done + 1) / 24))
        results.append(
          try study.run(model, rule) { try part.report($0, "\(coding.rawValue), \(rule.rawValue), \(model.rawValue)") }
            .result)
        done += 1
      }
      var study = SingleNeuronStudy(coding: coding, restarts: restarts, steps: run.scaled(1000, smoke: 10))
      study.steps = run.scaled(1000, smoke: 10)
      longer["\(coding.rawValue) \(rule.rawValue)"] = try study.run(.sigmoidNetwork, rule).result.success
      done += 1
    }
  }
  func find(_ coding: SingleNeuronStudy.Coding, _ rule: SingleNeuronStudy.Rule, _ model: XorModel) -> [Double] {
    results.first { $0.coding == coding && $0.rule == rule && $0.model == model }!.success
  }
  func complete(_ success: [Double]) -> Int { success.filter { $0 >= 1 - 1e-6 }.count }
  let wins = SingleNeuronStudy.Rule.allCases.map { rule in
    let own = complete(find(.bipolar, rule, .prelu))
    let rivals = models.dropFirst().map { complete(find(.bipolar, rule, $0)) }
    let networks = [XorModel.sigmoidNetwork, .reluNetwork].map { complete(find(.bipolar, rule, $0)) }
    return rivals.allSatisfy { own >= $0 } && networks.allSatisfy { own > $0 }
  }
  let verdict: Verdict = wins == [true, true] ? .reproduced : wins.contains(true) ? .partly : .notReproduced
  let rates = results[0].rates
  let names: [XorModel: String] = [
    .prelu: "PReLU", .preluWithBias: "PReLU with bias", .growingCosine: "growing cosine unit",
    .sigmoidNetwork: "2-2-1 sigmoid", .reluNetwork: "2-2-1 ReLU",
  ]
  func table(_ coding: SingleNeuronStudy.Coding, _ rule: SingleNeuronStudy.Rule) -> Finding.Table {
    var rows = models.map { model in
      [names[model]!] + find(coding, rule, model).map { formattedNumber($0, digits: 3) }
    }
    rows.append(
      ["2-2-1 sigmoid, 1,000 steps"]
        + longer["\(coding.rawValue) \(rule.rawValue)"]!.map { formattedNumber($0, digits: 3) })
    return Finding.Table(
      "Success, inputs \(coding == .bipolar ? "±1" : "0/1"), \(rule == .adam ? "Adam" : "SGD")",
      columns: ["model"] + rates.map { formattedNumber($0) }, rows: rows)
  }
  let capacities: [(String, (Tensor) -> Tensor)] = [
    ("growing cosine", { $0 * $0.cos() }), ("|x|", { $0.abs() }), ("sin", { $0.sin() }),
    ("GELU", { Activation.gelu($0) }), ("Mish", { Activation.mish($0) }), ("ReLU", { $0.maximum(0) }),
    ("tanh", { $0.tanh() }),
  ]
  // How the decision line of one neuron moves.
  let path = try decisionPath(run)
  let adam = complete(find(.bipolar, .adam, .prelu))
  return Finding(
    verdict,
    summary: """
      Inputs ±1: PReLU solves it from every restart at \(adam) (Adam) and \(complete(find(.bipolar, .sgd, .prelu))) (SGD) of 7 rates, the \
      growing cosine unit at \(complete(find(.bipolar, .adam, .growingCosine))) and \
      \(complete(find(.bipolar, .sgd, .growingCosine))), the sigmoid network at \
      \(complete(find(.bipolar, .adam, .sigmoidNetwork))) and \(complete(find(.bipolar, .sgd, .sigmoidNetwork))).
      """,
    tables: SingleNeuronStudy.Coding.allCases.flatMap { coding in
      SingleNeuronStudy.Rule.allCases.map { table(coding, $0) }
    } + [
      .init(
        "Largest margin of one biased neuron on exclusive or, weights in -6 … 6", columns: ["activation", "margin"],
        rows: capacities.map { [$0.0, formattedNumber(XorCapacity($0.1).margin, digits: 4)] })
    ],
    figures: SingleNeuronStudy.Coding.allCases.map { coding in
      LineChart(
        "Success with Adam, inputs \(coding == .bipolar ? "±1" : "0/1")", xTitle: "learning rate",
        yTitle: "share of restarts",
        models.map { .init(names[$0]!, x: rates, y: find(coding, .adam, $0)) }, xScale: .logarithmic, yRange: 0...1.05)
    } + [path],
    remarks: [
      "The claim depends on the coding ±1 and on having no bias: with inputs 0/1 a start with w₁ and w₂ of one sign never meets the slope and ends at the linear fit w₁ = w₂ = 1/3.",
      "The growing cosine unit and the PReLU with bias succeed from many starts as well; the margins show which activations could solve it at all.",
    ])
}

/// The lines on which the output of one trained neuron is ½, every few steps: for w·x = ½ and a w·x = ½.
private func decisionPath(_ run: ReproductionRun) throws -> LineChart {
  let layer = XorModel.prelu.layer
  let study = SingleNeuronStudy(coding: .bipolar)
  let (x, y) = study.patterns
  let training = try EnsembleTraining(
    [layer.initialized(for: [4, 2], key: Key(3).folding("xor")).parameters], optimizer: Adam(), learningRates: [0.03]
  ) { (layer.apply(Variables(parameters: $0.parameters), x) - y).squared().mean() }
  var series: [LineChart.Series] = []
  for step in 0...run.scaled(200, smoke: 4) {
    if step % run.scaled(40, smoke: 2) == 0 {
      let p = training.members[0]
      let (w, a) = (p["weight"]!.doubles, p["slope"]!.scalar)
      for (k, level) in [0.5, 0.5 / a].enumerated() where (k == 0 || a < 0) && abs(w[1]) > 1e-6 {
        series.append(
          .init(
            "step \(step)" + (k == 0 ? "" : ", negative side"), x: [-1.5, 1.5],
            y: [(level + 1.5 * w[0]) / w[1], (level - 1.5 * w[0]) / w[1]]))
      }
    }
    training.step()
  }
  return LineChart(
    "Where one neuron's output is ½, as it learns (inputs ±1)", xTitle: "x₁", yTitle: "x₂", series, xRange: -1.5...1.5,
    yRange: -3...3)
}
