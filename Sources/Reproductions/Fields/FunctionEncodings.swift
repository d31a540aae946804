import Foundation
import Soma
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports

/// Functions as hyperdimensional vectors.
let functionEncodings = Reproduction(
  "hdfe", source: "Yuan, Huang, Fermüller & Aloimonos 2024, arXiv 2311.00187",
  definition:
    "Σ wᵢ E_X(xᵢ) ⊗ E_Y(yᵢ) with E_X(x) = exp(iαΘᵀx), E_Y(y) = exp(iβΨᵀy), moved to the centre of the smallest ball around the samples.",
  interface: ["FunctionEncoder", "FunctionEncoding", "Hypervector"],
  claim: """
    The encoding does not depend on where and how densely a function is sampled, needs no training, can be decoded, and keeps distances; \
    networks on it learn from functions better than from point sets, and map functions to functions competitively.
    """,
  check: """
    (a) 0.4 sin 2πx + 0.5 exp(−20(x−0.6)²) by four samplings, N = 8,000, α = 15, β = 2.5: similarity and decoding. (b) Similarity by \
    distance. (c) 600 functions of three modes by 100 samples: coefficients and maximum from encodings of 1,024 numbers (α = 12) and from \
    PointNet with largest and mean pooling, judged on uniform, skewed and sparse samples. (d) Antiderivative and heat flow: encodings \
    through a network, decoded, against a DeepONet of as many numbers.
    """,
  verdictRule: """
    A: every pair of refined encodings of samplings that cover the same support is at least 0.9 alike and the mean decoding error is at \
    most 0.05 on covered places. B: similarity falls with distance. C: refined encodings have at most 0.85 of PointNet's error (largest pooling) on skewed samples and at most 0.6 of the \
    one-shot encodings'. Reproduced: A, B, C. Partly: A and B. Else not.
    """,
  seeds: 1
) { run in
  // (a)
  let size = run.scaled(8000, smoke: 256)
  let encoder = FunctionEncoder(inputDimension: 1, size: size, alpha: 15, beta: 2.5, key: Key(1))
  func f(_ x: Tensor) -> Tensor { (x * (2 * Double.pi)).sin() * 0.4 + ((x - 0.6).squared() * -20.0).exp() * 0.5 }
  let count = run.scaled(1000, smoke: 40)
  func beta(_ a: Int, _ b: Int, _ n: Int, _ key: Key) -> Tensor {
    // The a-th smallest of a + b - 1 uniform numbers.
    Tensor.uniform([n, a + b - 1], key: key).sorted(-1)[.all, a - 1].reshape(n, 1)
  }
  let narrow = (Tensor.normal([count * 19 / 20, 1], deviation: 0.02, key: Key(5)) + 0.3).clipped(0.0, 1.0)
  let samplings: [(name: String, x: Tensor, isWhole: Bool)] = [
    ("uniform", Tensor.uniform([count, 1], key: Key(2)), true), ("Beta(2, 5)", beta(2, 5, count, Key(3)), true),
    ("Beta(5, 2), 300", beta(5, 2, run.scaled(300, smoke: 20), Key(4)), false),
    ("clustered", .concatenate([Tensor.uniform([count / 20, 1], key: Key(6)), narrow]), true),
  ]
  let steps = run.scaled(200, smoke: 5)
  var encodings: [(one: Hypervector, refined: Hypervector)] = []
  for (i, sampling) in samplings.enumerated() {
    try run.report(0.04 * Double(i), sampling.name)
    encodings.append(
      (
        encoder.encode(sampling.x, f(sampling.x), refine: .none),
        encoder.encode(sampling.x, f(sampling.x), refine: .smallestBall(steps: steps))
      ))
  }
  let queries = Tensor.linspace(0, 1, count: run.scaled(101, smoke: 11)).reshape(-1, 1)
  let wanted = f(queries).flattened().doubles
  /// Places with a sample within the receptive field.
  func covered(_ x: Tensor) -> [Bool] {
    let known = x.doubles
    return queries.doubles.map { q in known.contains { abs($0 - q) <= 2.45 / 15 / 2 } }
  }
  var (rows, similarities) = ([[String]](), [Double]())
  var curves = [LineChart.Series("function", x: queries.doubles, y: wanted)]
  var decodeErrors: [Double] = []
  for (i, sampling) in samplings.enumerated() {
    let mask = covered(sampling.x)
    func error(_ vector: Hypervector) -> (Double, [Double]) {
      let found = encoder.decode(vector, at: queries).values.doubles
      let gaps = zip(zip(found, wanted), mask).filter(\.1).map { abs($0.0.0 - $0.0.1) }
      return (gaps.reduce(0, +) / Double(max(gaps.count, 1)), found)
    }
    let (one, _) = error(encodings[i].one)
    let (refined, found) = error(encodings[i].refined)
    decodeErrors.append(refined)
    curves.append(LineChart.Series(sampling.name, x: queries.doubles, y: found))
    rows.append([
      sampling.name, formattedNumber(encoder.similarity(encodings[0].one, encodings[i].one).scalar, digits: 3),
      formattedNumber(encoder.similarity(encodings[0].refined, encodings[i].refined).scalar, digits: 3),
      formattedNumber(one, digits: 2), formattedNumber(refined, digits: 2),
    ])
  }
  // Beta(2, 5) leaves hardly a place beyond 0.9 without a sample; Beta(5, 2) has none below 0.2.
  let whole = samplings.indices.filter { i in covered(samplings[i].x).allSatisfy { $0 } }
  for i in whole {
    for j in whole where j > i {
      similarities.append(encoder.similarity(encodings[i].refined, encodings[j].refined).scalar)
    }
  }
  let isA = !similarities.isEmpty && similarities.min()! >= 0.9 && decodeErrors.max()! <= 0.05

  // (b)
  let places = Tensor.uniform([run.scaled(300, smoke: 20), 1], key: Key(7))
  let base = encoder.encode(places, f(places), refine: .smallestBall(steps: steps))
  var isometry: [(distance: Double, similarity: Double)] = []
  for c in [0.02, 0.05, 0.1, 0.2, 0.4] {
    let shift = (places * 9.0).sin() * c
    let other = encoder.encode(places, f(places) + shift, refine: .smallestBall(steps: steps))
    let grid = Tensor.linspace(0, 1, count: 1001)
    let distance = ((grid * 9.0).sin() * c).squared().mean().scalar.squareRoot()
    isometry.append((distance, encoder.similarity(base, other).scalar))
  }
  let isB = zip(isometry, isometry.dropFirst()).allSatisfy { $0.similarity > $1.similarity }

  // (c)
  let study = EncodingStudy(run: run.part(0.25...0.75))
  let learned = try study.errors()
  func error(_ method: String, _ kind: Int) -> Double { learned.first { $0.name == method }!.errors[kind] }
  let againstPointNet = error("HDFE, refined", 1) / error("PointNet, largest", 1)
  let againstOneShot = error("HDFE, refined", 1) / error("HDFE, one-shot", 1)
  let isC = againstPointNet <= 0.85 && againstOneShot <= 0.6
  // (d)
  let operators = try study.operators(run.part(0.75...1))

  return Finding(
    isA && isB && isC ? .reproduced : isA && isB ? .partly : .notReproduced,
    summary: """
      A \(isA ? "holds" : "does not hold"): smallest similarity of samplings of the whole range \
      \(formattedNumber(similarities.min() ?? .nan, digits: 3)), largest decoding error \(formattedNumber(decodeErrors.max()!, digits: 2)). \
      B \(isB ? "holds" : "does not hold"). C \(isC ? "holds" : "does not hold"): skewed error \
      \(formattedNumber(againstPointNet, digits: 3)) of PointNet's, \(formattedNumber(againstOneShot, digits: 3)) of the one-shot encoding's.
      """,
    tables: [
      Finding.Table(
        "Samplings: similarity to the uniform one, mean decoding error on covered places",
        columns: ["samples", "one-shot", "refined", "error, one-shot", "error, refined"], rows: rows),
      Finding.Table(
        "Distance and similarity", columns: ["L2 distance", "similarity"],
        rows: isometry.map { [formattedNumber($0.distance, digits: 2), formattedNumber($0.similarity, digits: 4)] }),
      Finding.Table(
        "Coefficients and maximum: root mean squared error (standardized)",
        columns: ["method", "rate", "uniform", "skewed", "sparse"],
        rows: learned.map { [$0.name, formattedNumber($0.rate)] + $0.errors.map { formattedNumber($0, digits: 3) } }),
      Finding.Table(
        "Operators: root mean squared error", columns: ["operator", "HDFE", "DeepONet", "deviation of the target"],
        rows: operators),
    ],
    figures: [
      LineChart("Decoded from refined encodings", xTitle: "x", yTitle: "f", curves),
      LineChart(
        "Isometry", xTitle: "L2 distance", yTitle: "similarity",
        [LineChart.Series("refined", x: isometry.map(\.distance), y: isometry.map(\.similarity))]),
    ], remarks: ["The defaults of the authors' applications are not known; α, β and N are this check's."])
}

/// Functions `c₁ sin πx + c₂ cos 2πx + c₃ sin 3πx` with coefficients uniform in ±0.33, by samples.
private struct EncodingStudy {
  let run: ReproductionRun

  struct Learned {
    var name: String
    var rate: Double
    var errors: [Double]
  }

  enum Sampling { case uniform, skewed, sparse }

  func coefficients(_ n: Int, _ key: Key) -> Tensor { .uniform([n, 3], low: -0.33, high: 0.33, key: key) }

  func values(_ c: Tensor, _ x: Tensor) -> Tensor {
    // [n, 3], [n, m] → [n, m]
    let waves = [(x * Double.pi).sin(), (x * (2 * Double.pi)).cos(), (x * (3 * Double.pi)).sin()]
    return waves.enumerated().map { k, wave in c[.all, k..<(k + 1)] * wave }.reduce(x * 0, +)
  }

  /// Sample places `[n, m]`.
  func places(_ n: Int, _ m: Int, _ sampling: Sampling, _ key: Key) -> Tensor {
    switch sampling {
    case .uniform: return .uniform([n, m], key: key)
    case .skewed:
      let skewed = Tensor.uniform([n, m * 3 / 4, 7], key: key.folding(1)).sorted(-1)[.all, .all, 1]
      return .concatenate([Tensor.uniform([n, m - m * 3 / 4], key: key.folding(2)), skewed], axis: 1)
    case .sparse:
      let few = Tensor.uniform([n, m / 5], key: key)
      return few.tiled([1, 5])
    }
  }

  func targets(_ c: Tensor) -> Tensor {
    let grid = Tensor.linspace(0, 1, count: 201).reshape(1, 201).broadcast(to: [c.shape[0], 201])
    return .concatenate([c, values(c, grid).abs().max([1], keepsAxes: true)], axis: 1)
  }

  func errors() throws -> [Learned] {
    let (n, m, tests) = (run.scaled(600, smoke: 16), run.scaled(100, smoke: 20), run.scaled(200, smoke: 10))
    let size = run.scaled(1024, smoke: 64)
    let encoder = FunctionEncoder(inputDimension: 1, size: size, alpha: 12, beta: 2.5, key: Key(21))
    let (train, test) = (coefficients(n, Key(22)), coefficients(tests, Key(23)))
    let raw = targets(train)
    let (mean, deviation) = (raw.mean([0]), raw.standardDeviation([0]))
    func standard(_ t: Tensor) -> Tensor { (t - mean) / deviation }
    func sets(_ c: Tensor, _ sampling: Sampling, _ key: Key) -> Tensor {
      let x = places(c.shape[0], m, sampling, key)
      return .stack([x, values(c, x)], axis: 2)
    }
    let learned = sets(train, .uniform, Key(24))
    let judged = [Sampling.uniform, .skewed, .sparse].enumerated().map { sets(test, $1, Key(25 + $0)) }
    let (goal, truth) = (standard(raw), standard(targets(test)))

    var results: [Learned] = []
    /// The best of three rates by a held-out fifth, trained for the same time.
    func fit(
      _ name: String, _ network: any Layer, _ x: Tensor, _ others: [Tensor], steps: Int, _ share: ClosedRange<Double>
    ) throws {
      let part = run.part(share)
      let cut = n * 4 / 5
      var (best, bestError, rate) = (Parameters(), Double.infinity, 0.0)
      let candidates: [Double] = run.isSmoke ? [1e-3] : [3e-4, 1e-3, 3e-3]
      for (i, candidate) in candidates.enumerated() {
        let start = network.initialized(for: Shape([1] + x.shape.dropFirst()), key: Key(0)).parameters
        let training = try EnsembleTraining(
          [start], optimizer: AdamW(weightDecay: 1e-2), learningRates: [candidate], shared: [x[0..<cut], goal[0..<cut]]
        ) { member in
          (network.apply(Variables(parameters: member.parameters), member.shared[0]) - member.shared[1]).squared()
            .mean()
        }
        let all = run.scaled(steps, smoke: 3)
        for step in 0..<all {
          training.load([x[0..<cut], goal[0..<cut]], rateFactor: Schedule.cosine(1)(step, of: all))
          training.step()
          if step % 20 == 0 { try part.report((Double(i) + Double(step) / Double(all)) / 3, name) }
        }
        let parameters = training.members[0]
        let held = (network.apply(Variables(parameters: parameters), x[cut..<n]) - goal[cut..<n]).squared().mean()
          .scalar
        if held < bestError || rate == 0 { (best, bestError, rate) = (parameters, held, candidate) }
      }
      results.append(
        Learned(
          name: name, rate: rate,
          errors: others.map {
            (network.apply(Variables(parameters: best), $0) - truth).squared().mean().scalar.squareRoot()
          }))
    }
    let dense = Sequential {
      Dense(256, initializer: .heNormal)
      Activation.relu
      Dense(256, initializer: .heNormal)
      Activation.relu
      Dense(4)
    }
    for (i, refine) in [FunctionEncoder.Refinement.smallestBall(steps: run.scaled(200, smoke: 3)), .none].enumerated() {
      let encoding = FunctionEncoding(encoder, refine: refine)
      func encode(_ set: Tensor) -> Tensor {
        // In parts: all samples' vectors of a set are in memory at once.
        let step = 20
        let compiled = compile { (x: Tensor) in encoding.apply(Variables(), x) }
        return .concatenate(
          stride(from: 0, to: set.shape[0], by: step).map { compiled(set[$0..<min($0 + step, set.shape[0])]) })
      }
      try fit(
        i == 0 ? "HDFE, refined" : "HDFE, one-shot", dense, encode(learned), judged.map(encode), steps: 600,
        0.25 * Double(i)...0.25 * Double(i + 1))
    }
    for (i, largest) in [true, false].enumerated() {
      try fit(
        largest ? "PointNet, largest" : "PointNet, mean", PointNet(usesLargest: largest), learned, judged, steps: 300,
        0.5 + 0.25 * Double(i)...0.75 + 0.25 * Double(i))
    }
    return results
  }

  /// Antiderivative and heat flow of random functions of three modes.
  func operators(_ run: ReproductionRun) throws -> [[String]] {
    let (n, tests) = (run.scaled(800, smoke: 16), run.scaled(100, smoke: 6))
    let sensors = run.scaled(64, smoke: 12)
    let size = run.scaled(512, smoke: 64)
    let x = Tensor.linspace(0, 1, count: sensors)
    let rates: [(name: String, factors: [Double])] = [
      ("antiderivative", []), ("heat flow, t = 0.05", [1.0, 2, 3].map { exp(-0.05 * pow($0 * .pi, 2)) }),
    ]
    func modes(_ c: Tensor, _ x: Tensor) -> Tensor {
      (1...3).map { k in c[.all, (k - 1)..<k] * (x * (Double(k) * Double.pi)).sin().expandDimensions(at: 0) }
        .reduce(Tensor.zeros([c.shape[0], x.count]), +)
    }
    func result(_ c: Tensor, _ x: Tensor, _ factors: [Double]) -> Tensor {
      guard factors.isEmpty else {
        return modes(c * Tensor(factors.map { Float($0) }), x)
      }
      // ∫₀ˣ sin kπt dt = (1 - cos kπx)/(kπ)
      return (1...3).map { k in
        c[.all, (k - 1)..<k]
          * ((1 - (x * (Double(k) * Double.pi)).cos()) / (Double(k) * Double.pi)).expandDimensions(at: 0)
      }.reduce(Tensor.zeros([c.shape[0], x.count]), +)
    }
    let (known, test) = (coefficients(n, Key(31)), coefficients(tests, Key(32)))
    let encoder = FunctionEncoder(inputDimension: 1, size: size, alpha: 10, beta: 2.5, key: Key(33))
    func encode(_ y: Tensor) -> Tensor {
      let compiled = compile { (row: Tensor) -> Tensor in
        vmap { (y: Tensor) in
          encoder.encode(x.reshape(sensors, 1), y.reshape(sensors, 1), refine: .none).features
        }(row)
      }
      return .concatenate(stride(from: 0, to: y.shape[0], by: 40).map { compiled(y[$0..<min($0 + 40, y.shape[0])]) })
    }
    let steps = run.scaled(600, smoke: 3)
    func train(_ network: any Layer, _ input: Tensor, _ goal: Tensor, _ name: String, _ share: ClosedRange<Double>)
      throws -> Parameters
    {
      let start = network.initialized(for: Shape([1] + input.shape.dropFirst()), key: Key(0)).parameters
      let training = try EnsembleTraining([start], optimizer: Adam(), learningRates: [1e-3], shared: [input, goal]) {
        member in
        (network.apply(Variables(parameters: member.parameters), member.shared[0]) - member.shared[1]).squared().mean()
      }
      for step in 0..<steps {
        training.load([input, goal], rateFactor: Schedule.cosine(1)(step, of: steps))
        training.step()
        if step % 20 == 0 { try run.part(share).report(Double(step) / Double(steps), name) }
      }
      return training.members[0]
    }
    return try rates.enumerated().map { i, entry in
      let (inputs, goals) = (modes(known, x), result(known, x, entry.factors))
      let (tested, wanted) = (modes(test, x), result(test, x, entry.factors))
      let mapping = EncodingMap(hidden: 256)
      let coded = encode(inputs)
      let parameters = try train(
        mapping, coded, encode(goals), entry.name, Double(i) * 0.5...Double(i) * 0.5 + 0.25)
      let out = mapping.apply(Variables(parameters: parameters), encode(tested)) * (1 / Double(size).squareRoot())
      let found = Tensor.stack(
        (0..<tests).map { k in
          let vector = Hypervector(real: out[k, 0..<size], imaginary: out[k, size..<(2 * size)]).normalized
          return encoder.decode(vector, at: x.reshape(sensors, 1)).values
        })
      let own = (found - wanted).squared().mean().scalar.squareRoot()
      let width = deepWidth(mapping.parameterCount(for: [1, 2 * size]), sensors)
      let net = DeepONet(width: width, places: x)
      let rival = try train(
        net, inputs, goals, entry.name + ", DeepONet", Double(i) * 0.5 + 0.25...Double(i) * 0.5 + 0.5)
      let other = (net.apply(Variables(parameters: rival), tested) - wanted).squared().mean().scalar.squareRoot()
      return [
        entry.name, scientific(own), scientific(other), scientific(wanted.standardDeviation().scalar),
      ]
    }
  }

  /// The width at which a DeepONet has about as many numbers.
  func deepWidth(_ budget: Int, _ sensors: Int) -> Int {
    let x = Tensor.linspace(0, 1, count: sensors)
    var width = 8
    while DeepONet(width: width, places: x).parameterCount(for: [1, sensors]) < budget, width < 2048 { width += 8 }
    return width
  }
}

/// `x + W₂ relu(W₁ x)`
private struct EncodingMap: Layer {
  var hidden: Int
  func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    let h = Activation.relu(Dense(hidden, initializer: .heNormal)(x, scope["in"]))
    return x + Dense(x.shape.last, initializer: .normal(0.01))(h, scope["out"])
  }
}

/// Lu, Jin & Karniadakis 2019 (arXiv 1910.03193): a network of the input's values times a network of the place.
private struct DeepONet: Layer {
  var width: Int
  var places: Tensor
  func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    func net(_ x: Tensor, _ scope: Scope) -> Tensor {
      let h = Activation.tanh(Dense(width)(x, scope["0"]))
      return Dense(width)(Activation.tanh(Dense(width)(h, scope["1"])), scope["2"])
    }
    let trunk = net(places.reshape(places.count, 1), scope["trunk"])
    return net(x, scope["branch"]).matmul(trunk.T) + scope.parameter("bias", [], .zeros)
  }
}

/// Qi, Su, Mo & Guibas 2017 (arXiv 1612.00593): each sample by itself, pooled.
private struct PointNet: Layer {
  var usesLargest: Bool
  func forward(_ x: Tensor, _ scope: Scope) -> Tensor {
    var h = x
    for (i, units) in [64, 128, 256].enumerated() {
      h = Activation.relu(Dense(units, initializer: .heNormal)(h, scope[i]))
    }
    let pooled = usesLargest ? h.max([1]) : h.mean([1])
    return Dense(4)(Activation.relu(Dense(256, initializer: .heNormal)(pooled, scope["head0"])), scope["head1"])
  }
}
