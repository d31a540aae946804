import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// ReLU corrected by the entropy of its output, in a small vision transformer and a character model.
let crrelu = Reproduction(
  "crrelu", source: "Sun et al. 2024, arXiv 2405.12954",
  definition:
    "max(0, x) + ε x e^{−x²/2}, ε trained for each layer; from the functional derivative of the output's entropy.",
  interface: [
    "Activation.crrelu(epsilon:isTrained:)", "EntropyCorrection", "CorrectedActivation", "OutputEntropy",
    "InputDensity",
    "WorstActivation",
  ],
  claim: """
    A worst activation exists, and moving away from it improves given activations; CRReLU is better than PReLU, ELU, CELU, GELU, Swish \
    and Mish in vision transformers, and than GELU in fine-tuning GPT-2.
    """,
  check: """
    (a) Vision transformer on Fashion-MNIST, 4,000 training and 2,000 validation images: patches of 7 × 7, width 64, two blocks, four \
    heads; AdamW (decay 0.05), batch 128, 5 epochs, warm-up 20 steps, cosine, rate by validation. (b) Character model on the King James \
    text: width 64, two blocks, context 64, batch 32, 200 steps, AdamW 3e-3.
    """,
  verdictRule: """
    Reproduced: CRReLU (ε from +0.01) has the best mean in (a), or is within the best's interval and beats ReLU (p < 0.05), and beats \
    GELU in (b). Partly: beats ReLU in (a) or GELU in (b).
    """,
  seeds: 2, fullSeeds: 5
) { run in
  let (up, down) = (Activation.crrelu(epsilon: 0.01), Activation.crrelu(epsilon: -0.01))
  let activations: [(name: String, activation: Activation)] = [
    ("ReLU", .relu), ("PReLU", try .named("prelu")), ("ELU", .elu), ("GELU", .gelu), ("Swish", .silu), ("Mish", .mish),
    ("CRReLU +", up), ("CRReLU −", down),
  ]
  let images = try fashionImages(
    run.scaled(4000, smoke: 128), validation: run.scaled(2000, smoke: 128), test: run.scaled(10_000, smoke: 128),
    isFlat: false)
  var study = TrainingStudy(images, learningRates: [3e-3, 1e-3], epochs: run.scaled(5, smoke: 1))
  study.optimizer = AdamW(weightDecay: 0.05, groups: [ParameterGroup("*/a", weightDecay: 0)])
  study.schedule = { .cosine($0).warmedUp(20) }
  let vision = try study.run(
    activations.map {
      .init($0.name, ViT(outputs: 10, patch: 7, width: 64, heads: 4, layers: 2, hidden: 256, activation: $0.activation))
    },
    run.part(0...0.7))
  var characters = CharacterStudy(steps: run.scaled(200, smoke: 2))
  characters.tracked = "a"
  let text = try characters.run(
    [
      .init(name: "ReLU", activation: .relu), .init(name: "GELU", activation: .gelu),
      .init(name: "CRReLU", activation: up),
    ],
    run.part(0.7...1))

  let own = vision["CRReLU +"].estimate.mean
  let best = vision.max { $0.estimate.mean < $1.estimate.mean }!.estimate
  let overReLU = vision.difference("CRReLU +", "ReLU")
  let isBest = own >= best.mean
  let isNear = own >= best.mean - (best.halfWidth ?? 0) && overReLU.map { $0.mean > 0 && $0.pValue < 0.05 } == true
  let loss = { (name: String) in text.first { $0.name == name }!.losses.mean }
  let beatsGELU = loss("CRReLU") < loss("GELU")
  let beatsReLU = own > vision["ReLU"].estimate.mean

  func coefficients(_ variables: Variables?) -> String {
    guard let variables else { return "–" }
    return learned(variables, "a", of: up).map { formattedNumber($0, digits: 3) }.joined(separator: ", ")
  }
  let normal = InputDensity.standardNormal()
  let entropies = [-0.1, -0.01, 0, 0.01, 0.1].map { epsilon -> [String] in
    let entropy = OutputEntropy(of: { $0 + $0 * ($0 * $0 * -0.5).exp() * epsilon }, normal)
    return [formattedNumber(epsilon), formattedNumber(entropy.value, digits: 5)]
  }
  let x = (-80...80).map { Double($0) / 20 }
  let curves = [-0.1, 0, 0.1].map { epsilon in
    LineChart.Series("ε = \(formattedNumber(epsilon))", x: x, y: Activation.crrelu(epsilon: epsilon)(Tensor(x)).doubles)
  }
  return Finding(
    (isBest || isNear) && beatsGELU ? .reproduced : beatsReLU || beatsGELU ? .partly : .notReproduced,
    summary: """
      Vision transformer: CRReLU \(formattedNumber(own * 100)) %, ReLU \(formattedNumber(vision["ReLU"].estimate.mean * 100)) %, GELU \
      \(formattedNumber(vision["GELU"].estimate.mean * 100)) %, the best \(formattedNumber(best.mean * 100)) %. Character model: CRReLU \
      \(formattedNumber(loss("CRReLU"), digits: 5)) nats, GELU \(formattedNumber(loss("GELU"), digits: 5)), ReLU \
      \(formattedNumber(loss("ReLU"), digits: 5)).
      """,
    measurements: [
      .init("ε learned from +0.01, by layer, vision", coefficients(vision["CRReLU +"].variables[0])),
      .init("ε learned from −0.01, by layer, vision", coefficients(vision["CRReLU −"].variables[0])),
    ] + text.map { .init("character loss, \($0.name)", Estimate(of: $0.losses), digits: 5) },
    tables: [
      vision.table("Vision transformer: test accuracy, %", score: "accuracy", factor: 100, baseline: "CRReLU +"),
      Finding.Table(
        "Entropy of x + ε x e^{−x²/2} of a standard normal input, nats", columns: ["ε", "entropy"], rows: entropies),
    ],
    figures: [
      vision.scorePlot("Vision transformer", "test accuracy, %", factor: 100, reference: "ReLU"),
      LineChart("CRReLU", xTitle: "x", yTitle: "f(x)", curves),
    ],
    remarks: [
      "The derivation lowers the entropy with ε < 0; the published start is +0.01, and training chooses the sign."
    ])
}
