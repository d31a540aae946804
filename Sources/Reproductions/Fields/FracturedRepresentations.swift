import Foundation
import Soma
import SomaData
import SomaExperiments
import SomaLearning
import SomaNetworks
import SomaReports
import SomaSearch

/// Networks that draw the same picture and are built differently inside.
let fracturedRepresentations = Reproduction(
  "fer", source: "Kumar, Clune, Lehman & Stanley 2025, arXiv 2505.11581",
  definition:
    "Compositional pattern-producing networks; pictures of every neuron, of every weight's change, and scores of how parts mix.",
  interface: [
    "CPPN", "CPPNGraph", "CPPNEvolution", "FracturedRepresentation", "NormalizedGradients",
  ],
  claim: """
    With the same output, networks trained by gradient descent are fractured and entangled inside, networks of open-ended evolution \
    unified and factored: symmetry and parts survive changes of weights.
    """,
  check: """
    A symmetric face by a network built by hand stands in for an evolved one. Five copies of its architecture, two of rectifiers and two of \
    six layers are trained on the picture of 48 × 48 (6,000 steps, normalized gradients, Adam 3e-3); those below 2e-3 count. Scores: parity mixing, share of weight \
    changes that break the symmetry, spread of the eyes, effective rank. A search of 60 seconds evolves a network for the same picture. Networks are adapted to \
    five edited faces by 200 steps.
    """,
  verdictRule: """
    Reproduced: every counting trained copy has parity mixing of at least 0.05 and a broken share of at least 0.2, the reference at most 0.01 \
    of both, and the evolved network's broken share is below half the trained median. Partly: all but the last. Else not.
    """,
  seeds: 5
) { run in
  let side = run.scaled(48, smoke: 16)
  let (reference, weights) = CPPN.face()
  let inputs = CPPN.inputs(side: side, dtype: .float64)
  let single = CPPN.inputs(side: side)
  func read(_ network: any Layer, _ parameters: Parameters, _ x: Tensor) -> FracturedRepresentation {
    FracturedRepresentation(network, parameters, inputs: x, side: side)
  }
  let face = read(reference, weights, inputs)
  let target = face.picture()
  let goal = Tensor(target.map { Float($0) }, shape: [side * side, 1])
  // The eyes: the sigmoid neuron that draws them, cut at zero.
  let eyes = face.featureMaps().first { $0.layer == "layer2" && $0.neuron == 7 }!.values.map { $0 > 0 ? 1.0 : 0.0 }

  let rectified = CPPN(depth: 3, groups: [.init(.relu, 10)], outputs: 1)
  var deep = reference
  deep.depth = 6
  let kinds: [(name: String, network: CPPN, count: Int)] = [
    ("gradient", reference, run.seeds), ("gradient, ReLU", rectified, run.isSmoke ? 1 : 2),
    ("gradient, 6 layers", deep, run.isSmoke ? 1 : 2),
  ]
  let steps = run.scaled(6000, smoke: 4)
  struct Subject {
    var name: String
    var kind: String
    var error: Double
    var reading: FracturedRepresentation
    var mixing = 0.0
    var sweeps = FracturedRepresentation.Sweeps(effective: 0, broken: 0)
  }
  func train(
    _ network: CPPN, _ starts: [Parameters], _ goal: Tensor, steps: Int,
    projection: ((Parameters) -> Parameters)? = nil, _ report: (Double) throws -> Void
  ) throws -> (members: [Parameters], losses: [Double]) {
    let training = try EnsembleTraining(
      starts, optimizer: NormalizedGradients(Adam()), learningRates: [3e-3], shared: [single, goal],
      projection: projection
    ) { member in
      (CPPN.colours(network.apply(Variables(parameters: member.parameters), member.shared[0])) - member.shared[1])
        .squared().mean()
    }
    for step in 0..<steps {
      training.step()
      if step % 100 == 0 { try report(Double(step) / Double(steps)) }
    }
    return (training.members, training.losses)
  }
  var subjects = [Subject(name: "by hand", kind: "reference", error: 0, reading: face)]
  for (i, kind) in kinds.enumerated() {
    let starts = (0..<kind.count).map { kind.network.initialized(for: [1, 4], key: Key(100 * i + $0)).parameters }
    let (members, _) = try train(kind.network, starts, goal, steps: steps) {
      try run.part(0.15 * Double(i)...0.15 * Double(i + 1)).report($0, kind.name)
    }
    for (seed, parameters) in members.enumerated() {
      let reading = read(kind.network, parameters, single)
      let error = zip(reading.picture(), target).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(target.count)
      subjects.append(Subject(name: "\(kind.name) \(seed)", kind: kind.name, error: error, reading: reading))
    }
  }
  // Evolution, by the clock.
  let clock = ContinuousClock()
  let (start, limit) = (clock.now, run.isSmoke ? 0.3 : 60.0)
  let evolved = try CPPNEvolution().search(
    target: target, side: side, seed: 7, share: { _ in (clock.now - start) / .seconds(limit) },
    isOver: { children in
      let share = (clock.now - start) / .seconds(limit)
      if children % 50 == 0 { try run.part(0.45...0.75).report(share, "evolution, \(children) children") }
      return share >= 1
    })
  let (network, parameters) = evolved.genome.layerized(dtype: .float64)
  subjects.append(
    Subject(name: "evolved", kind: "evolved", error: evolved.error, reading: read(network, parameters, inputs)))
  for i in subjects.indices {
    try run.part(0.75...0.9).report(Double(i) / Double(subjects.count), "scores of \(subjects[i].name)")
    subjects[i].mixing = subjects[i].reading.parityMixing()
    subjects[i].sweeps = subjects[i].reading.brokenSweeps()
  }
  let trained = subjects.filter { $0.kind.hasPrefix("gradient") && $0.error < 2e-3 }
  let (own, found) = (subjects[0], subjects.last!)

  // Adaptation to edited faces.
  var edits: [(name: String, goal: Tensor)] = []
  func edited(_ name: String, _ layer: String, _ row: Int, _ column: Int, _ factor: Double) {
    var changed = weights
    let shape = weights[layer]!.shape
    var values = weights[layer]!.doubles
    values[row * shape[1] + column] *= factor
    changed[layer] = Tensor(values, shape: shape)
    edits.append((name, Tensor(read(reference, changed, inputs).picture().map { Float($0) }, shape: [side * side, 1])))
  }
  edited("eyes apart", "layer1", 2, 4, 1.3)
  edited("eyes together", "layer1", 2, 4, 0.7)
  edited("mouth", "layer1", 2, 6, 0.8)
  edited("mouth curved", "layer1", 4, 6, 2)
  edited("head smaller", "layer2", 1, 9, 1.25)
  var adaptation: [[String]] = []
  for (i, subject) in subjects.enumerated() {
    guard let net = subject.reading.network as? CPPN else { continue }
    let part = run.part(
      0.9 + 0.1 * Double(i) / Double(subjects.count)...0.9 + 0.1 * Double(i + 1) / Double(subjects.count))
    var row = [subject.name]
    var odd: [Double] = []
    for edit in edits {
      let begin = subject.reading.parameters.map { $1.cast(to: .float32) }
      // Links that a network does not have stay away: a layered graph is mostly zeros.
      let links = begin.map { $1 .!= 0 }
      let (members, losses) = try train(
        net, [begin], edit.goal, steps: run.scaled(200, smoke: 2),
        projection: { p in p.map { name, t in .select(links[name]!, t, Tensor.zeros(like: t)) } }
      ) { try part.report($0, "\(subject.name): \(edit.name)") }
      row.append(scientific(losses[0]))
      odd.append(FracturedRepresentation.oddShare(read(net, members[0], single).picture(), side: side))
    }
    adaptation.append(row + [formattedNumber(odd.median, digits: 2)])
  }

  // Pictures: every neuron that is not constant, and some weights' changes.
  func neurons(_ subject: Subject) -> PictureTiles {
    let maps = subject.reading.featureMaps().filter { map in Set(map.values).count > 1 }
    return PictureTiles(
      "\(subject.name): its picture and its neurons", columns: 8,
      [.init("output", png: turned(subject.reading.picture().map { $0 * 2 - 1 }, side))]
        + maps.prefix(63).map { map in
          let largest = max(map.values.map { abs($0) }.max()!, 1e-9)
          return .init("\(map.layer.dropFirst(5)).\(map.neuron)", png: turned(map.values.map { $0 / largest }, side))
        })
  }
  func sweeps(_ subject: Subject) -> PictureTiles {
    let deltas = [-1.0, -0.5, 0, 0.5, 1]
    let name = subject.reading.parameters.names[1]
    let values = subject.reading.parameters[name]!.doubles
    let before = subject.reading.picture()
    // Of the largest weights those that matter: a large one may lead nowhere.
    let largest = values.indices.filter { values[$0] != 0 }.sorted { abs(values[$0]) > abs(values[$1]) }.prefix(60)
    let effects = largest.map { index -> (index: Int, change: Double) in
      let after = subject.reading.weightSweep(name, index, by: [0.5 * max(1, abs(values[index]))])[0]
      return (index, zip(before, after).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) })
    }
    let chosen = effects.sorted { $0.change > $1.change }.prefix(4).map(\.index)
    return PictureTiles(
      "\(subject.name): the four weights of its second layer that change it most", columns: 5,
      chosen.flatMap { index in
        zip(deltas, subject.reading.weightSweep(name, index, by: deltas.map { $0 * max(1, abs(values[index])) })).map {
          .init("weight \(index), \(formattedNumber($0))", png: turned($1.map { $0 * 2 - 1 }, side))
        }
      })
  }
  let isFractured =
    !trained.isEmpty && trained.allSatisfy { $0.mixing >= 0.05 && $0.sweeps.share >= 0.2 } && own.mixing <= 0.01
    && own.sweeps.share <= 0.01
  let isEvolvedBetter = found.sweeps.share < 0.5 * trained.map(\.sweeps.share).median && found.sweeps.effective > 0
  let shown = [own] + (trained.first.map { [$0] } ?? []) + [found]
  return Finding(
    isFractured && isEvolvedBetter ? .reproduced : isFractured ? .partly : .notReproduced,
    summary: """
      The reference is built by hand, not evolved: mixing \(formattedNumber(own.mixing, digits: 2)), \(own.sweeps.broken) of \
      \(own.sweeps.effective) changes break its symmetry. \(trained.count) trained copies reach 2e-3: mixing \
      \(formattedNumber(trained.map(\.mixing).min() ?? .nan, digits: 2)) or more, broken share \
      \(formattedNumber(trained.map(\.sweeps.share).min() ?? .nan, digits: 2)) to \(formattedNumber(trained.map(\.sweeps.share).max() ?? .nan, digits: 2)). \
      Evolved (error \(scientific(found.error))): \(formattedNumber(found.sweeps.share, digits: 2)).
      """,
    tables: [
      Finding.Table(
        "Scores",
        columns: [
          "network", "error", "parity mixing", "effective changes", "broken", "share", "effective rank", "eyes: spread",
          "eyes: copies",
        ],
        rows: subjects.map { subject in
          let spread = subject.reading.conceptSpread(eyes)
          return [
            subject.name, scientific(subject.error), formattedNumber(subject.mixing, digits: 2),
            String(subject.sweeps.effective),
            String(subject.sweeps.broken), formattedNumber(subject.sweeps.share, digits: 2),
            formattedNumber(subject.reading.effectiveRank(), digits: 3),
            formattedNumber(spread.participation, digits: 3),
            String(spread.correlated),
          ]
        }),
      Finding.Table(
        "Adapted to edited faces by 200 steps: error, and odd share of the results",
        columns: ["network"] + edits.map(\.name) + ["odd share"], rows: adaptation),
    ],
    figures: shown.flatMap { [neurons($0), sweeps($0)] as [any Plot] },
    remarks: [
      "The scores are this library's own; the paper shows pictures.",
      "Only a search by a goal was run; open-ended evolution by people cannot be.",
    ])
}

/// A map with x along its first axis, drawn with x to the right and y up.
private func turned(_ values: [Double], _ side: Int) -> [UInt8] {
  var pixels: [Float] = []
  for row in 0..<side { for column in 0..<side { pixels.append(Float(values[column * side + (side - 1 - row)])) } }
  return FieldPattern.png(pixels, side)
}
