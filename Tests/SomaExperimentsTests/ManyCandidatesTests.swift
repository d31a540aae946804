import Foundation
import Soma
import SomaData
import SomaNetworks
import Testing

@testable import SomaExperiments

/// Comparisons of hundreds: who takes part, groups, the page.
@Suite struct ManyCandidatesTests {
  @Test func upperTailsOfChiSquareAgreeWithSciPy() {
    for (x, degrees, expected) in [
      (3.841458820694124, 1, 0.04999999999999989), (1, 3, 0.8012519569012009), (20, 4.5, 0.0008037179125031842),
      (0.5, 7, 0.9994464813904249), (100, 80, 0.064570368921133),
    ] as [(Double, Double, Double)] {
      let found = ChiSquare(degrees: degrees).probability(above: x)
      #expect(abs(found - expected) < 1e-10 * max(expected, 1e-2), "\(x), \(degrees): \(found)")
    }
    #expect(
      ChiSquare(degrees: 2).probability(above: 0) == 1 && ChiSquare(degrees: 2).probability(above: .infinity) == 0)
  }

  @Test func groupsAreThoseThatTheSamplesTellApart() {
    let near: [[Double]] = [[0.97, 0.98, 0.96], [0.975, 0.965, 0.97], [0.96, 0.97, 0.98]]
    let far: [[Double]] = [[0.80, 0.81, 0.79], [0.79, 0.80, 0.81]]
    #expect(scottKnottGroups(near) == [0, 0, 0])
    #expect(scottKnottGroups(far + near) == [1, 1, 0, 0, 0])
    #expect(scottKnottGroups([[0.1, 0.5, 0.9]] + far + near)[0] > 0)
    #expect(scottKnottGroups([]) == [] && scottKnottGroups([[1, 1]]) == [0])
    #expect(scottKnottGroups([[1, 1], [1, 1]]) == [0, 0] && scottKnottGroups([[1, 1], [2, 2]]) == [1, 0])
  }

  @Test func everyActivationThatCanStandInTheNetworkTakesPart() throws {
    let names = try Candidate.withAllActivations([], network: "mlp")
    #expect(names.first == "relu" && Set(names).count == names.count)
    // All but those that look at images, put out other shapes, or run along channels of images.
    let left = Activation.find().map(\.name).filter { !names.contains($0) }
    #expect(left == ["scaa", "vbaf", "hcaf", "funnel-relu", "softmax-2d"])
    #expect(
      try Candidate.withAllActivations(["gelu", "mish"], network: "mlp").prefix(3) == ["gelu", "mish", "binary-step"])
    #expect(try !Candidate.withAllActivations([], network: "resnet8").contains("glu"))
  }

  @Test func eachOfThemIsANetworkThatLearns() throws {
    let iris = try PreparedData(try DataSet.open("iris"), name: "iris")
    for name in [
      "oplu", "maxout", "crelu", "dy-relu", "nin", "kwta", "activation-ensemble", "eelu", "lutu", "taaf", "gtu",
    ] {
      let candidate = try Candidate(
        name, Candidate.specification(name, network: "mlp"), budget: 3000, data: iris.facts)
      let network = candidate.network(iris.facts, batch: 8)
      let variables = network.initialized(for: [8, 4], key: Key(1))
      let (y, _) = network.applyTraining(variables, Tensor.normal([8, 4], key: Key(2)), key: Key(3))
      #expect(y.shape == [8, 3] && y.floats.allSatisfy(\.isFinite), "\(name)")
    }
  }

  @Test func thePageShowsGroupsClassesAndCurves() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "soma-many-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var options = FairComparison.Options()
    options.parameters = 1000
    options.seeds = 2
    options.epochs = 3
    options.learningRates = [0.01]
    let comparison = try FairComparison(
      try PreparedData(try DataSet.open("iris"), name: "iris"), candidates: ["relu", "tanh", "binary-step", "prelu"],
      options: options)
    let store = try RunStore(path: folder.appending(path: "runs.sqlite").path)
    let report = try #require(try comparison.run(in: store).result)
    let clusters = report.clusters
    #expect(clusters.flatMap(\.candidates).sorted() == ["binary-step", "prelu", "relu", "tanh"])
    #expect(zip(clusters, clusters.dropFirst()).allSatisfy { $0.scores.lowerBound >= $1.scores.upperBound })
    let html = report.manyPage().html
    for text in [
      "By class", "adaptive-relu", "Groups that the seeds", "class=\"gallery\"", "No faster one is better",
      "rank of relu",
    ] {
      #expect(html.contains(text), "\(text)")
    }
    #expect(ComparisonReport.text(names: (1...20).map(String.init)) == "1, 2, 3, 4, 5, 6, 7, 8 and 12 more")
  }
}
