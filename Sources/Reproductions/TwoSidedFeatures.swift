import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// KAN features from two shifted copies of an activation, reduced so that a layer has a dense layer's parameters.
let twoSidedFeatures = Reproduction(
  "af-kan", source: "Ta & Tran 2025, arXiv 2503.06112",
  definition:
    "F_di = φ(α(x_d - L_i), α(H_i - x_d)), normalized, reduced by attention to h_d, then y = W α(LayerNorm(h)).",
  interface: ["TwoSidedBasis", "FeatureReduction", "AFKANLayer", "AFKAN", "ReLUKANLayer"],
  claim: """
    With an MLP's number of parameters AF-KAN beats MLP, ReLU-KAN and other KANs on MNIST and Fashion-MNIST (784-64-10), and is competitive \
    with KANs of six to ten times as many, at the price of longer training.
    """,
  check: """
    Fashion-MNIST, 5,000 training images, 1,000 to validate, 2,000 to test, pixels in [-1, 1]; 6 epochs, AdamW (decay 1e-4), batches of \
    64, rate × 0.8 an epoch, from {1e-3, 3e-3}, 3 seeds. MLP with LayerNorm and SiLU, AF-KAN global, spatial, multistep (52 k \
    parameters), ReLU-KAN 784-8-10 (49 k) and 784-64-10 (317 k), B-spline KAN and Gaussian KAN 784-8-10.
    """,
  verdictRule: """
    Reproduced: the best AF-KAN's mean accuracy is above the MLP's and above every KAN's of equal parameters by more than the 95 % interval \
    of the difference (paired t-test, p < 0.05), and at most 0.5 points below the 317 k ReLU-KAN. Partly: one of both. Else not.
    """,
  seeds: 3
) { run in
  let split = try fashionImages(
    run.scaled(5000, smoke: 128), validation: run.scaled(1000, smoke: 64), test: run.scaled(2000, smoke: 64),
    scaling: symmetricFashion)
  func splines(_ basis: any EdgeBasis, scale: Bool) -> Sequential {
    Sequential([
      KANLayer(8, basis: basis, usesScale: scale), KANLayer(10, basis: basis, usesScale: scale),
    ])
  }
  let networks: [(name: String, network: any Layer)] = [
    (
      "MLP",
      Sequential {
        LayerNorm(); Dense(64); Activation.silu; LayerNorm(); Dense(10)
      }
    ),
    ("AF-KAN global", AFKAN([64, 10])), ("AF-KAN spatial", AFKAN([64, 10], reductions: [.spatial])),
    ("AF-KAN multistep", AFKAN([64, 10], reductions: [.multistep])),
    (
      "ReLU-KAN 49 k",
      Sequential {
        ReLUKANLayer(8); ReLUKANLayer(10)
      }
    ),
    (
      "ReLU-KAN 317 k",
      Sequential {
        ReLUKANLayer(64); ReLUKANLayer(10)
      }
    ),
    ("B-spline KAN", splines(BSpline(), scale: true)), ("Gaussian KAN", splines(GaussianBasis(), scale: false)),
  ]
  let epochs = run.scaled(6, smoke: 1)
  let perEpoch = max(1, split.train.count / 64)
  var study = TrainingStudy(split, learningRates: [1e-3, 3e-3], epochs: epochs, batch: 64)
  study.optimizer = AdamW(weightDecay: 1e-4)
  study.schedule = { .step($0, every: perEpoch, factor: 0.8) }
  let outcomes = try study.run(networks.map { .init($0.name, $0.network) }, run)
  let ours = ["AF-KAN global", "AF-KAN spatial", "AF-KAN multistep"]
  let best = ours.max { outcomes[$0].estimate.mean < outcomes[$1].estimate.mean }!
  let rivals = ["MLP", "ReLU-KAN 49 k", "B-spline KAN", "Gaussian KAN"]
  let wins = rivals.allSatisfy { rival in
    guard let difference = outcomes.difference(best, rival) else { return false }
    return difference.mean > 0 && difference.pValue < 0.05
  }
  let holds = outcomes[best].estimate.mean >= outcomes["ReLU-KAN 317 k"].estimate.mean - 0.005
  let costs = networks.map { entry -> [String] in
    let variables = entry.network.initialized(for: [1, 784], key: Key(0))
    let graph = Graph(tracing: [TensorType(shape: [1, 784], dtype: .float32)]) {
      [entry.network.apply(variables, $0[0])]
    }
    return [
      entry.name, "\(variables.parameters.elementCount)", "\(graph.cost().total.operations)",
      formattedNumber(outcomes[entry.name].seconds / Double(epochs), digits: 2),
    ]
  }
  func percent(_ name: String) -> String { formattedNumber(outcomes[name].estimate.mean * 100, digits: 4) }
  let hadNoAttention = outcomes["AF-KAN multistep"].estimate.mean >= outcomes[best].estimate.mean - 0.005
  return Finding(
    wins && holds ? .reproduced : wins || holds ? .partly : .notReproduced,
    summary: """
      \(best) reaches \(percent(best)) %, the MLP \(percent("MLP")) %, ReLU-KAN \(percent("ReLU-KAN 49 k")) % with 49 thousand and \
      \(percent("ReLU-KAN 317 k")) % with 317 thousand parameters, B-spline KAN \(percent("B-spline KAN")) %; its epoch takes \
      \(formattedNumber(outcomes[best].seconds / max(outcomes["MLP"].seconds, 1e-9), digits: 2)) times the MLP's time.
      """,
    measurements: networks.map { .init("accuracy of \($0.name), %", percent($0.name)) },
    tables: [
      outcomes.table("Fashion-MNIST: accuracy, %", score: "accuracy, %", factor: 100, baseline: "MLP"),
      Finding.Table(
        "Costs", columns: ["network", "parameters", "operations of an image", "seconds an epoch"], rows: costs),
    ],
    figures: [
      outcomes.scorePlot("Test accuracy", "accuracy, %", factor: 100, reference: "MLP"), outcomes.lossPlot(),
    ],
    remarks: hadNoAttention
      ? ["The reduction without attention (multistep) does as well: most of the gain comes from the features."] : [])
}
