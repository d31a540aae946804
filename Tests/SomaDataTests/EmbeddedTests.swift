import Soma
import SomaData
import Testing

/// The numbers are scikit-learn 1.9's: `load_digits()` and `load_iris()`, summed in NumPy.
@Suite struct EmbeddedTests {
  @Test func digitsAreScikitLearns() throws {
    let data = try DataSet.named("digits").load().train
    #expect(data.count == 1797 && data.sampleShape == [1, 8, 8] && data.features.shape == [1797, 1, 8, 8])
    let pixels = data.values.map { Int($0 * 16) }
    let labels = try #require(data.labels).map { Int($0) }
    #expect(pixels.reduce(0, +) == 561_718 && pixels.max() == 16 && pixels.min() == 0)
    var columns = [Int](repeating: 0, count: 64)
    var weightedByColumn = 0
    var weightedByRow = 0
    for (i, pixel) in pixels.enumerated() {
      columns[i % 64] += pixel
      weightedByColumn += pixel * (i % 64 + 1)
      weightedByRow += pixel * (i / 64 + 1)
    }
    #expect(
      columns[..<16] == [0, 546, 9353, 21269, 21291, 10390, 2448, 233, 10, 3583, 18657, 21527, 18472, 14692, 3318, 194])
    #expect(weightedByColumn == 18_222_371 && weightedByRow == 503_904_265)
    #expect(
      (0..<10).map { digit in labels.count { $0 == digit } } == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    #expect(labels.enumerated().reduce(0) { $0 + ($1.offset + 1) * $1.element } == 7_272_861)
  }

  @Test func irisIsScikitLearns() throws {
    let data = try DataSet.named("iris").load().train
    #expect(data.count == 150 && data.sampleShape == [4] && data.classNames == ["setosa", "versicolor", "virginica"])
    #expect(data.labels?.count { $0 == 1 } == 50 && data.labels?.last == 2)
    #expect(Array(data.values[..<4]) == [5.1, 3.5, 1.4, 0.2])
    var sums = [Int](repeating: 0, count: 4)
    var weighted = sums
    for (i, value) in data.values.enumerated() {
      sums[i % 4] += Int((value * 10).rounded())
      weighted[i % 4] += Int((value * 10).rounded()) * (i / 4 + 1)
    }
    #expect(sums == [8765, 4586, 5637, 1799] && weighted == [700_174, 334_892, 526_456, 180_234])
  }

  /// Sums by NumPy of the packages' own copies.
  @Test func measurementsAreThoseOfTheirSources() {
    let diabetes = Embedded.diabetes()
    let columns = (0..<10).map { k in (0..<442).map { Double(diabetes.values[$0 * 10 + k]) }.reduce(0, +) }
    let sums = [21445, 649, 11658.1, 41833.98, 83600, 51024.1, 22006.5, 1799.05, 2051.504, 40337]
    for (a, b) in zip(columns, sums) { #expect(abs(a - b) < 1e-6 * b) }
    if case .values(let values, _) = diabetes.target { #expect(values.reduce(0, +) == 67243 && values.last == 57) }
    let (cancer, wine) = (Embedded.breastCancer(), Embedded.wine())
    let total = cancer.values.map(Double.init).reduce(0, +)
    #expect(abs(total - 1_056_474.4601555474) < 1e-3 && cancer.values[568 * 30] == 7.76)
    #expect(cancer.count == 569 && cancer.labels!.filter { $0 == 1 }.count == 357)
    #expect(abs(wine.values.map(Double.init).reduce(0, +) - 159_975.29599502683) < 1e-3)
    #expect((0..<3).map { c in wine.labels!.filter { $0 == c }.count } == [59, 71, 48])
    let seattle = Embedded.seattleTemperature()
    #expect(seattle.count == 1461 && seattle.first == 12.8 && seattle.last == 5.6)
    #expect(seattle.max() == 35.6 && seattle.min() == -1.6)
    #expect(abs(seattle.map(Double.init).reduce(0, +) - 24017.5) < 0.01)
    let carbonDioxide = Embedded.maunaLoaCarbonDioxide()
    #expect(carbonDioxide.count == 526 && carbonDioxide.first == 316.1 && carbonDioxide.last == 371.02)
    #expect(abs(carbonDioxide.map(Double.init).reduce(0, +) - 178639.7) < 1)
  }

  @Test func namesThatAreNoneAreRefused() {
    #expect(DataSet.builtIn.map(\.name) == ["digits", "iris", "wine", "breast-cancer", "diabetes"])
    let error = #expect(throws: DataError.self) { try DataSet.named("digit") }
    #expect(
      error?.description
        == "digit: no data set has this name; there are digits, iris, wine, breast-cancer, diabetes, mnist, fashion-mnist, "
        + "cifar-10, cifar-100"
    )
    #expect(throws: DataError.self) { try DataSet.named("cifar-10").load(from: "/nonexistent") }
    #expect(throws: DataError.self) { try DataSet.open("/nonexistent/file") }
  }

  @Test func aFixedTestPartStays() throws {
    let iris = Embedded.iris()
    let split = DataSet.Parts(train: iris).split(validation: 0.2, test: 0.2, seed: 1)
    #expect(split.train.count == 90 && split.validation.count == 30 && split.test.count == 30)
    #expect((0..<3).allSatisfy { label in split.test.labels!.count { $0 == label } == 10 })
    let fixed = DataSet.Parts(train: iris, test: iris.subset([3, 4])).split(validation: 0.2, test: 0.2, seed: 1)
    #expect(fixed.train.count == 120 && fixed.test.count == 2)
  }
}
