import Soma
import SomaData
import Testing

@Suite struct SplitTests {
  static func isPartition(_ split: SplitIndices, of count: Int) -> Bool {
    (split.train + split.validation + split.test).sorted() == Array(0..<count)
  }

  @Test func randomDividesEverySampleOnce() {
    let split = SplitIndices.random(count: 103, validation: 0.2, test: 0.1, seed: 4)
    #expect(Self.isPartition(split, of: 103))
    #expect(split.validation.count == 21 && split.test.count == 10)
    #expect(split == SplitIndices.random(count: 103, validation: 0.2, test: 0.1, seed: 4))
    #expect(split != SplitIndices.random(count: 103, validation: 0.2, test: 0.1, seed: 5))
    #expect(split.train != split.train.sorted())
    #expect(SplitIndices.random(count: 5, validation: 0, test: 0, seed: 0).train.count == 5)
  }

  @Test func stratifiedKeepsProportions() {
    var generator = SeededGenerator(seed: 2)
    let labels = (0..<500).map { _ in Int32([0, 0, 0, 0, 0, 0, 1, 1, 1, 2][generator.below(10)]) }
    let split = SplitIndices.stratified(labels: labels, validation: 0.15, test: 0.25, seed: 9)
    #expect(Self.isPartition(split, of: 500))
    #expect(split.test.count == 125 && split.validation.count == 75)
    for label in Int32(0)..<3 {
      let size = Double(labels.count { $0 == label })
      #expect(abs(Double(split.test.count { labels[$0] == label }) - 0.25 * size) < 1)
      #expect(abs(Double(split.validation.count { labels[$0] == label }) - 0.15 * size) < 1)
    }
    // A class of one sample is somewhere, and only once.
    let rare = SplitIndices.stratified(labels: [0, 0, 0, 0, 1], validation: 0.4, test: 0.4, seed: 1)
    #expect(Self.isPartition(rare, of: 5))
  }

  @Test func groupsStayTogether() {
    var generator = SeededGenerator(seed: 8)
    let groups = (0..<300).map { _ in "patient\(generator.below(40))" }
    let split = SplitIndices.group(groups, validation: 0.2, test: 0.2, seed: 3)
    #expect(Self.isPartition(split, of: 300))
    let parts = [split.train, split.validation, split.test].map { Set($0.map { groups[$0] }) }
    #expect(
      parts[0].isDisjoint(with: parts[1]) && parts[0].isDisjoint(with: parts[2]) && parts[1].isDisjoint(with: parts[2]))
    #expect(split.test.count >= 60 && split.test.count < 80 && split.validation.count >= 60)
    for fold in Fold.group(groups, k: 5, seed: 3) {
      #expect(Set(fold.train.map { groups[$0] }).isDisjoint(with: fold.validation.map { groups[$0] }))
      #expect((50...70).contains(fold.validation.count))
    }
    #expect(Fold.group(groups, k: 5, seed: 3).flatMap(\.validation).sorted() == Array(0..<300))
  }

  @Test func timeNeverTeachesThePast() {
    let times = [5.0, 1, 4, 2, 3, 3, 9, 8, 7, 6]
    let split = SplitIndices.time(times, validation: 0.2, test: 0.3)
    #expect(split.train == [1, 3, 4, 5, 2] && split.validation == [0, 9] && split.test == [8, 7, 6])
    let folds = Fold.time(times, k: 4)
    #expect(folds.count == 4 && folds[0].train == [1, 3] && folds[3].validation == [7, 6])
    for fold in folds { #expect(fold.train.map { times[$0] }.max()! <= fold.validation.map { times[$0] }.min()!) }
  }

  @Test func foldsValidateEverySampleOnce() {
    for folds in [
      Fold.kFold(count: 23, k: 5, seed: 1),
      Fold.stratified(labels: (0..<23).map { Int32($0 < 15 ? 0 : 1) }, k: 5, seed: 1),
    ] {
      #expect(folds.flatMap(\.validation).sorted() == Array(0..<23))
      for fold in folds {
        #expect((4...5).contains(fold.validation.count))
        #expect((fold.train + fold.validation).sorted() == Array(0..<23))
      }
    }
    let labels = (0..<100).map { Int32($0 % 4 == 0 ? 1 : 0) }
    for fold in Fold.stratified(labels: labels, k: 5, seed: 6) {
      #expect(fold.validation.count { labels[$0] == 1 } == 5)
    }
  }
}

@Suite struct StandardizationTests {
  /// `sklearn.preprocessing.StandardScaler().fit(iris.data)`: `mean_` and `scale_`.
  @Test func meanAndDeviationAreScikitLearns() {
    let map = Standardization(fitting: Embedded.iris())
    let mean = [5.84333333, 3.05733333, 3.758, 1.19933333]
    let scale = [0.82530129, 0.43441097, 1.75940407, 0.75969263]
    #expect(zip(map.shift, mean).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(zip(map.scale, scale).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test func onlyTheTrainingPartCounts() {
    let iris = Embedded.iris()
    let indices = SplitIndices.random(count: 150, validation: 0.2, test: 0.2, seed: 1)
    let (split, map) = Split(iris, indices).standardized()
    #expect(map == Standardization(fitting: iris.subset(indices.train)))
    var changed = iris.values
    for i in indices.test { for feature in 0..<4 { changed[i * 4 + feature] = 1000 } }
    let (other, otherMap) = Split(iris.replacing(values: changed), indices).standardized()
    #expect(otherMap == map && other.train.values == split.train.values)
    let back = map.invert(split.validation)
    #expect(zip(back.values, iris.subset(indices.validation).values).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test func constantAndMissingFeatures() {
    let data = LabeledData(
      name: "t", values: [1, 5, .nan, 3, 5, 2, 5, 5, 4], sampleShape: [3],
      target: .classes(labels: [0, 0, 0], names: ["a"]))
    let map = Standardization(fitting: data)
    #expect(map.shift == [3, 5, 3] && map.scale[1] == 1 && map.scale[2] == 1)
    let result = map.apply(to: data).values
    #expect(result[1] == 0 && result[2] == 0 && result[5] == -1 && result[8] == 1)
    let range = Standardization(fitting: data, method: .minMax)
    #expect(range.shift == [1, 5, 2] && range.scale == [4, 1, 2])
    #expect(range.apply(to: data.values) == [0, 0, 0.5, 0.5, 0, 0, 1, 0, 1])
    #expect(range.invert(range.apply(to: [2, 5, 4])) == [2, 5, 4])
  }

  @Test func picturesShareAMapForEachChannel() {
    let data = LabeledData(
      name: "t", values: [0, 2, 10, 10, 4, 6, 30, 30], sampleShape: [2, 1, 2],
      target: .classes(labels: [0, 0], names: ["a"]))
    let map = Standardization(fitting: data, method: .minMax)
    #expect(map.shift == [0, 10] && map.scale == [6, 20])
    #expect(map.apply(to: data.values)[6] == 1)
    #expect(Standardization(fitting: data, axis: .feature).shift == [2, 4, 20, 20])
  }

  @Test func numericTargetsToo() throws {
    func part(_ values: [Float]) -> LabeledData {
      LabeledData(
        name: "t", values: values, sampleShape: [1], target: .values(values, names: ["y"]))
    }
    let split = Split(train: part([1, 3]), validation: part([5]), test: part([7]))
    let (mapped, map) = try #require(split.standardizingTargets())
    #expect(mapped.train.target == .values([-1, 1], names: ["y"]))
    #expect(mapped.test.target == .values([5], names: ["y"]) && map.invert([5]) == [7])
    let classes = DataSet.Parts(train: Embedded.iris()).split(validation: 0.1, test: 0.1, seed: 0)
    #expect(classes.standardizingTargets() == nil)
  }
}

@Suite struct LongTailTests {
  @Test func classesGetRarer() {
    let labels = (0..<10).flatMap { label in [Int32](repeating: Int32(label), count: 1000) }
    let data = LabeledData(
      name: "classes", values: [Float](repeating: 0, count: labels.count), sampleShape: [1],
      target: .classes(labels: labels, names: (0..<10).map(String.init)))
    let tail = LongTail(ratio: 0.01, largest: 1000)
    let kept = tail.indices(data)
    let counts = (0..<10).map { label in kept.count { labels[$0] == Int32(label) } }
    // ⌊1000 · 0.01^{c/9}⌋
    #expect(counts == [1000, 599, 359, 215, 129, 77, 46, 27, 16, 10])
    #expect(counts.reduce(0, +) == 2478 && kept == kept.sorted())
    #expect(LongTail(ratio: 1, largest: 5).indices(data).count == 50)
  }
}
