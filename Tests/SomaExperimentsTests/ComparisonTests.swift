import Foundation
import Soma
import SomaData
import Synchronization
import Testing

@testable import SomaExperiments

@Suite(.serialized) struct ComparisonTests {
  private func iris() throws -> PreparedData {
    try PreparedData(try DataSet.named("iris").load(), name: "iris")
  }

  private func tiny() -> FairComparison.Options {
    var options = FairComparison.Options()
    options.parameters = 400
    options.seeds = 3
    options.epochs = 12
    options.tuningEpochs = 4
    options.batch = 16
    options.learningRates = [0.003, 0.03]
    return options
  }

  @Test func endToEnd() throws {
    let folder = try TemporaryFolder()
    let store = try RunStore(path: folder.file("runs.sqlite"))
    let comparison = try FairComparison(try iris(), candidates: ["relu", "tanh", "mlp-deep:gelu"], options: tiny())
    let fractions = Mutex<[Double]>([])
    let outcome = try comparison.run(
      in: store, onProgress: { progress in fractions.withLock { $0.append(progress.fraction) } })
    let report = try #require(outcome.result)
    #expect(outcome.start == .new)
    #expect(report.entries.count == 3 && report.entries.map(\.rank) == [1, 2, 3])
    let means = report.entries.map { $0.testScore?.mean ?? 0 }
    #expect(means == means.sorted(by: >))
    #expect(means.allSatisfy { $0 > 0.7 }, "\(means)")
    for entry in report.entries {
      #expect(entry.scores.count == 3 && entry.divergedTrials == 0)
      #expect(entry.curve.validationScore.count == 12 && entry.curve.trainingLoss.count == 12)
      #expect(entry.latency > 0 && entry.batchLatency > 0 && entry.operations > entry.parameters)
      #expect(entry.memoryBytes > entry.parameters * 4)
      #expect(entry.isBaseline == (entry.difference == nil))
      #expect(entry.tuning.count == 2)
      let all = entry.scores.compactMap { $0 }
      #expect(abs(all.mean - (entry.testScore?.mean ?? 0)) < 1e-12)
    }
    let seen = fractions.withLock { $0 }
    #expect(seen == seen.sorted() && (seen.last ?? 0) > 0.99 && seen.allSatisfy { (0...1).contains($0) })
    #expect(try store.trialCount(of: outcome.experimentID) == 3 * (2 + 3))
    #expect(try store.experiment(outcome.experimentID).status == .finished)

    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(try report.json().utf8)) as? [String: Any])
    #expect((json["entries"] as? [[String: Any]])?.first?["testScore"] is [String: Any])
    #expect(((json["settings"] as? [String: Any])?["data"] as? [String: Any])?["name"] as? String == "iris")

    let html = report.page().html
    #expect(html.contains("mlp-deep:gelu") && html.components(separatedBy: "<svg").count == 7)
    #expect(!html.contains("nan") && !html.contains("inf\""))
  }

  @Test func jobsDoNotChangeScores() throws {
    let folder = try TemporaryFolder()
    let comparison = try FairComparison(try iris(), candidates: ["relu", "elu"], options: tiny())
    let scores = try [1, 2].map { jobs in
      let store = try RunStore(path: folder.file("jobs\(jobs).sqlite"))
      let report = try #require(try comparison.run(in: store, jobs: jobs).result)
      return report.entries.sorted { $0.candidate < $1.candidate }.map(\.scores)
    }
    #expect(scores[0] == scores[1])
  }

  @Test func interruptedComparisonGoesOnWhereItStopped() throws {
    let folder = try TemporaryFolder()
    let comparison = try FairComparison(try iris(), candidates: ["relu", "tanh"], options: tiny())
    let whole = try #require(
      try comparison.run(in: try RunStore(path: folder.file("whole.sqlite"))).result)

    let store = try RunStore(path: folder.file("parts.sqlite"))
    let steps = Mutex(0)
    let first = try comparison.run(
      in: store,
      shouldStop: {
        steps.withLock {
          $0 += 1
          return $0 > 150
        }
      })
    #expect(first.result == nil)
    #expect(try store.experiment(first.experimentID).status == .interrupted)
    let kept = try store.trials(of: first.experimentID)
    #expect(kept.count == first.finishedTrials && (1..<10).contains(kept.count))

    let second = try comparison.run(in: store)
    #expect(second.experimentID == first.experimentID)
    #expect(second.start == .resumed(finishedTrials: kept.count))
    #expect(try Array(store.trials(of: first.experimentID).prefix(kept.count)) == kept)
    let report = try #require(second.result)
    #expect(report.entries.map(\.candidate) == whole.entries.map(\.candidate))
    #expect(report.entries.map(\.scores) == whole.entries.map(\.scores))

    #expect(try comparison.run(in: store).start == .stored)
    let anew = try comparison.run(in: store, startsAnew: true)
    #expect(anew.start == .new && anew.experimentID != first.experimentID)
    // Other settings are another experiment.
    var options = tiny()
    options.epochs = 13
    let other = try FairComparison(try iris(), candidates: ["relu", "tanh"], options: options)
    #expect(other.settings.hash != comparison.settings.hash)
  }

  @Test func unfinishedRunsHavePreliminaryReports() throws {
    let folder = try TemporaryFolder()
    let store = try RunStore(path: folder.file("runs.sqlite"))
    let comparison = try FairComparison(try iris(), candidates: ["relu", "tanh"], options: tiny())
    let outcome = try comparison.run(in: store, shouldStop: { true })
    let report = try ComparisonReport(experiment: outcome.experimentID, in: store)
    #expect(report.notes.contains { $0.contains("preliminary") })
    #expect(report.entries.allSatisfy { $0.testScore == nil })
    #expect(try report.json().contains("relu"))
    #expect(report.page().html.contains("No trial finished."))
  }

  @Test(arguments: [
    ("mlp", 2_000), ("mlp", 20_000), ("mlp", 1_000_000), ("mlp-deep", 20_000), ("lenet", 30_000), ("resnet8", 78_000),
    ("vit", 100_000),
  ]) func budgetsAreMetWithinTwoPercent(_ network: String, _ budget: Int) throws {
    let data = try PreparedData(try DataSet.named("digits").load(), name: "digits").facts
    for name in ["relu", "prelu", "gelu"] {
      let specification = try Candidate.specification(name, network: network)
      let candidate = try Candidate(name, specification, budget: budget, data: data)
      #expect(abs(candidate.deviation(from: budget)) <= 0.02, "\(network):\(name) has \(candidate.parameters)")
      let variables = candidate.network(data, batch: 1).initialized(for: [1, 1, 8, 8], key: Key(0))
      #expect(variables.parameters.elementCount == candidate.parameters)
    }
  }

  @Test func whatMissesTheBudgetSaysSo() throws {
    let folder = try TemporaryFolder()
    let store = try RunStore(path: folder.file("runs.sqlite"))
    var options = tiny()
    options.parameters = 60
    options.seeds = 1
    // A trained value for each unit, on 4 inputs: the counts jump by more than 4 % from width to width.
    let comparison = try FairComparison(try iris(), candidates: ["prelu", "relu"], options: options)
    let missed = comparison.candidates.filter { abs($0.deviation(from: 60)) > 0.02 }
    try #require(!missed.isEmpty)
    let report = try #require(try comparison.run(in: store).result)
    for candidate in missed {
      #expect(report.notes.contains { $0.hasPrefix("\(candidate.name) has \(candidate.parameters) parameters") })
    }
    #expect(report.notes.count { $0.contains("from the budget") } == missed.count)
    #expect(report.notes.contains { $0.contains("One seed") })
  }

  @Test func divergedTrialsAreCountedNotHidden() throws {
    let folder = try TemporaryFolder()
    let store = try RunStore(path: folder.file("runs.sqlite"))
    var options = tiny()
    options.optimizer = .sgd
    options.learningRates = [1e30]
    options.seeds = 2
    let comparison = try FairComparison(try iris(), candidates: ["relu", "identity"], options: options)
    let report = try #require(try comparison.run(in: store).result)
    #expect(report.entries.allSatisfy { $0.learningRate == nil && $0.testScore == nil })
    #expect(report.notes.contains { $0.contains("diverged at every learning rate") })
    #expect(try store.trials(of: report.experimentID).allSatisfy { $0.status == .diverged && $0.message != nil })
    #expect(try report.json().contains("diverged"))
  }

  /// Ten seeds that all differ by two hundredths: the signed-rank test's 2/2¹⁰, not the t-test's 0.
  @Test func equalDifferencesAreNotCertain() throws {
    let folder = try TemporaryFolder()
    let store = try RunStore(path: folder.file("runs.sqlite"))
    var options = tiny()
    options.seeds = 10
    let comparison = try FairComparison(try iris(), candidates: ["relu", "tanh"], options: options)
    let id = try comparison.run(in: store, shouldStop: { true }).experimentID
    for (name, score) in [("relu", 0.9), ("tanh", 0.92)] {
      for rate in [0.003, 0.03] {
        try store.add(
          Trial(
            experimentID: id, candidate: name, purpose: .tuning, seed: 0, learningRate: rate, epochs: 4,
            status: .finished, metrics: ["settledScore": rate * 10, "settledLoss": 1]))
      }
      for seed in 1...10 {
        try store.add(
          Trial(
            experimentID: id, candidate: name, purpose: .final, seed: seed, learningRate: 0.03, epochs: 12,
            status: .finished, metrics: ["testScore": score]))
      }
    }
    let report = try ComparisonReport(experiment: id, in: store)
    let tanh = try #require(report.entries.first)
    #expect(tanh.candidate == "tanh" && tanh.learningRate == 0.03)
    #expect(tanh.adjustedPValue == 2.0 / 1024)
    #expect(report.conclusion.contains("Significantly better than the baseline relu: tanh."))
  }

  /// On 100 samples 0.96 has the standard error 0.0196: 0.95 cannot be told from it, 0.93 can.
  @Test func amongEqualRatesTheLossDecides() throws {
    var facts = try iris().facts
    facts.validationCount = 100
    let trials = [(0.1, 0.96, 0.9), (0.01, 0.95, 0.2), (0.001, 0.93, 0.1)].map { rate, score, loss in
      Trial(
        experimentID: 1, candidate: "relu", purpose: .tuning, seed: 0, learningRate: rate, epochs: 4,
        status: .finished, metrics: ["settledScore": score, "settledLoss": loss])
    }
    #expect(ComparisonReport.bestTuning(trials, facts)?.learningRate == 0.01)
    facts.task = .regression
    #expect(ComparisonReport.bestTuning(trials, facts)?.learningRate == 0.1)
    #expect(ComparisonReport.bestTuning([], facts) == nil)
  }

  @Test func regressionIsScoredInTheTargetsUnit() throws {
    // y = 300 + 40 x₀ − 20 x₁, exactly learnable.
    var generator = SeededGenerator(seed: 5)
    let values: [Float] = (0..<800).map { _ in generator.normal() }
    let targets = (0..<400).map { (row: Int) -> Float in
      let (a, b) = (values[2 * row], values[2 * row + 1])
      return 300 + 40 * a - 20 * b
    }
    let samples = LabeledData(
      name: "plane", values: values, sampleShape: [2], target: .values(targets, names: ["y"]), featureNames: ["a", "b"])
    let data = try PreparedData(DataSet.Parts(train: samples), name: "plane")
    let folder = try TemporaryFolder()
    var options = tiny()
    options.epochs = 40
    let comparison = try FairComparison(data, candidates: ["identity", "relu"], options: options)
    let report = try #require(try comparison.run(in: try RunStore(path: folder.file("runs.sqlite"))).result)
    let linear = try #require(report.entries.first { $0.candidate == "identity" })
    #expect((linear.testScore?.mean ?? 0) > 0.999)
    #expect((linear.testRMSE?.mean ?? 100) < 1.5)
    // R² and RMSE tell the same: 1 − (RMSE / deviation)², whose deviation is that of the test targets, near √(40² + 20²).
    let deviation = (linear.testRMSE!.mean * linear.testRMSE!.mean / (1 - linear.testScore!.mean)).squareRoot()
    #expect((35...55).contains(deviation), "\(deviation)")
    #expect(report.page().html.contains("RMSE"))
  }

  @Test func seedsGiveAllCandidatesTheSameOrder() throws {
    let data = try iris()
    let (a, b) = (data.trainingLoader(batch: 16, seed: 1), data.trainingLoader(batch: 16, seed: 1))
    #expect(a.order(epoch: 3) == b.order(epoch: 3))
    #expect(a.order(epoch: 3) != data.trainingLoader(batch: 16, seed: 2).order(epoch: 3))
  }

  @Test func partsDoNotOverlapAndTestStaysApart() throws {
    let data = try iris()
    #expect(data.facts.trainingCount + data.facts.validationCount + data.facts.testCount == 150)
    #expect(data.facts.testCount == 30)
  }

  @Test(arguments: [
    (["rleu"], "\"rleu\" is neither an activation nor a network"), (["relu", "relu"], "relu is given twice"),
    ([], "there is nothing to compare"), (["gpt"], "gpt reads text"), (["unet"], "unet puts out images"),
    (["mlp:mihs"], "did you mean mish"), (["resnt8"], "did you mean resnet8"),
  ]) func wrongNamesGetOneLine(_ names: [String], _ expected: String) throws {
    let data = try iris()
    do {
      _ = try FairComparison(data, candidates: names)
      Issue.record("\(names) was accepted")
    } catch {
      #expect("\(error)".contains(expected) && !"\(error)".contains("\n"), "\(error)")
    }
  }

  @Test func tooFewSamplesAreRefused() throws {
    let few = LabeledData(
      name: "few", values: [1, 2, 3, 4], sampleShape: [1], target: .classes(labels: [0, 1, 0, 1], names: ["a", "b"]))
    #expect(throws: ComparisonError.self) { try PreparedData(DataSet.Parts(train: few), name: "few") }
  }
}
