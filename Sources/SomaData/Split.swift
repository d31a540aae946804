import Soma

/// Disjoint parts of a data set: to fit on, to choose settings by, and to judge once at the end.
public struct Split: Sendable {
  public var train: LabeledData
  public var validation: LabeledData
  public var test: LabeledData

  public init(train: LabeledData, validation: LabeledData, test: LabeledData) {
    self.train = train
    self.validation = validation
    self.test = test
  }

  public init(_ data: LabeledData, _ indices: SplitIndices) {
    self.init(
      train: data.subset(indices.train), validation: data.subset(indices.validation), test: data.subset(indices.test))
  }
}

/// Which samples go into which part.
public struct SplitIndices: Hashable, Sendable {
  public var train: [Int]
  public var validation: [Int]
  public var test: [Int]

  public init(train: [Int], validation: [Int], test: [Int]) {
    self.train = train
    self.validation = validation
    self.test = test
  }

  /// Each sample into a random part.
  /// - Parameters:
  ///   - validation, test: the share of all samples, `0 ..< 1`, rounded to the nearest count.
  public static func random(count: Int, validation: Double, test: Double, seed: UInt64) -> SplitIndices {
    check(validation, test)
    var generator = SeededGenerator(seed: seed)
    return cut(generator.permutation(count), validation: validation, test: test)
  }

  /// Each class divided in the same proportion. Where a class's share is no whole number, the classes with the largest
  /// remainders get the odd samples, so that the parts' sizes are those of `random`.
  public static func stratified(labels: [Int32], validation: Double, test: Double, seed: UInt64) -> SplitIndices {
    check(validation, test)
    let classes = shuffledClasses(labels, seed: seed)
    let sizes = classes.map(\.count)
    let tests = apportion(sizes, share: test)
    let validations = apportion(sizes, share: validation)
    var result = SplitIndices(train: [], validation: [], test: [])
    for (i, members) in classes.enumerated() {
      let testCount = tests[i]
      let validationCount = Swift.min(validations[i], members.count - testCount)
      result.test += members[..<testCount]
      result.validation += members[testCount..<testCount + validationCount]
      result.train += members[(testCount + validationCount)...]
    }
    // Classes one after the other would be a bad order to learn in.
    var generator = SeededGenerator(seed: seed, stream: 1)
    generator.shuffle(&result.train)
    generator.shuffle(&result.validation)
    generator.shuffle(&result.test)
    return result
  }

  /// Whole groups into random parts, so that no group (patient, speaker, document) is in two of them. A part is filled
  /// until it holds its share of samples.
  public static func group<Group: Hashable>(
    _ groups: [Group], validation: Double, test: Double, seed: UInt64
  ) -> SplitIndices {
    check(validation, test)
    var members = shuffledGroups(groups, seed: seed)
    func take(_ share: Double) -> [Int] {
      let wanted = Int((Double(groups.count) * share).rounded())
      var part = [Int]()
      while part.count < wanted, members.count > 1 { part += members.removeLast() }
      return part
    }
    let testPart = take(test)
    let validationPart = take(validation)
    return SplitIndices(train: members.flatMap(\.self), validation: validationPart, test: testPart)
  }

  /// By time: the earliest samples train, the next validate, the last test. Samples of equal time keep their order.
  public static func time(_ times: [Double], validation: Double, test: Double) -> SplitIndices {
    check(validation, test)
    require(times.allSatisfy { !$0.isNaN }, "a sample without a time cannot be placed")
    let order = times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
    let (validationCount, testCount) = counts(times.count, validation, test)
    let trainCount = times.count - validationCount - testCount
    return SplitIndices(
      train: Array(order[..<trainCount]), validation: Array(order[trainCount..<trainCount + validationCount]),
      test: Array(order[(trainCount + validationCount)...]))
  }

  private static func check(_ validation: Double, _ test: Double) {
    require(
      validation >= 0 && test >= 0 && validation + test < 1,
      "the shares \(validation) and \(test) leave nothing to train on")
  }

  private static func counts(_ count: Int, _ validation: Double, _ test: Double) -> (validation: Int, test: Int) {
    let testCount = Int((Double(count) * test).rounded())
    return (Swift.min(Int((Double(count) * validation).rounded()), count - testCount), testCount)
  }

  private static func cut(_ order: [Int], validation: Double, test: Double) -> SplitIndices {
    let (validationCount, testCount) = counts(order.count, validation, test)
    return SplitIndices(
      train: Array(order[(testCount + validationCount)...]),
      validation: Array(order[testCount..<testCount + validationCount]), test: Array(order[..<testCount]))
  }

  /// Whole numbers near `size × share` that add up to the rounded total (largest remainder method).
  private static func apportion(_ sizes: [Int], share: Double) -> [Int] {
    let exact = sizes.map { Double($0) * share }
    var result = exact.map { Int($0) }
    let missing = Int((Double(sizes.reduce(0, +)) * share).rounded()) - result.reduce(0, +)
    let order = sizes.indices.sorted {
      (exact[$1] - Double(result[$1]), $0) < (exact[$0] - Double(result[$0]), $1)
    }
    for i in order.prefix(Swift.max(missing, 0)) { result[i] += 1 }
    return result
  }
}

/// One round of cross-validation.
public struct Fold: Hashable, Sendable {
  public var train: [Int]
  public var validation: [Int]

  /// `k` rounds; each sample validates in exactly one. Sizes differ by at most one.
  public static func kFold(count: Int, k: Int, seed: UInt64) -> [Fold] {
    require(k >= 2 && k <= count, "\(count) samples cannot make \(k) folds")
    var generator = SeededGenerator(seed: seed)
    var parts = [[Int]](repeating: [], count: k)
    for (i, sample) in generator.permutation(count).enumerated() { parts[i % k].append(sample) }
    return folds(parts)
  }

  /// `k` rounds in which each class is divided as evenly as possible.
  public static func stratified(labels: [Int32], k: Int, seed: UInt64) -> [Fold] {
    require(k >= 2 && k <= labels.count, "\(labels.count) samples cannot make \(k) folds")
    var parts = [[Int]](repeating: [], count: k)
    var next = 0
    for members in shuffledClasses(labels, seed: seed) {
      for sample in members {
        parts[next % k].append(sample)
        next += 1
      }
    }
    return folds(parts)
  }

  /// `k` rounds in which no group is on both sides. Groups go, largest first, to the smallest fold.
  public static func group<Group: Hashable>(_ groups: [Group], k: Int, seed: UInt64) -> [Fold] {
    let members = shuffledGroups(groups, seed: seed)
    require(k >= 2 && k <= members.count, "\(members.count) groups cannot make \(k) folds")
    var parts = [[Int]](repeating: [], count: k)
    let order = members.indices.sorted { (-members[$0].count, $0) < (-members[$1].count, $1) }
    for i in order {
      let smallest = parts.indices.min { (parts[$0].count, $0) < (parts[$1].count, $1) }!
      parts[smallest] += members[i]
    }
    return folds(parts)
  }

  /// `k` rounds over time: the samples, in order of time, are cut into `k + 1` blocks; round `i` trains on the first `i`
  /// and validates on the next, so that the future never teaches the past.
  public static func time(_ times: [Double], k: Int) -> [Fold] {
    require(k >= 1 && k < times.count, "\(times.count) samples cannot make \(k) rounds over time")
    let order = times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
    let ends = (0...k + 1).map { $0 * times.count / (k + 1) }
    return (1...k).map { i in
      Fold(train: Array(order[..<ends[i]]), validation: Array(order[ends[i]..<ends[i + 1]]))
    }
  }

  private static func folds(_ parts: [[Int]]) -> [Fold] {
    parts.indices.map { i in
      Fold(
        train: parts.indices.filter { $0 != i }.flatMap { parts[$0] }.sorted(),
        validation: parts[i].sorted())
    }
  }
}

private func shuffledClasses(_ labels: [Int32], seed: UInt64) -> [[Int]] {
  var generator = SeededGenerator(seed: seed)
  let order = generator.permutation(labels.count)
  return Dictionary(grouping: order) { labels[$0] }.sorted { $0.key < $1.key }.map(\.value)
}

private func shuffledGroups<Group: Hashable>(_ groups: [Group], seed: UInt64) -> [[Int]] {
  var places = [Group: Int]()
  var members = [[Int]]()
  for (i, group) in groups.enumerated() {
    if let place = places[group] {
      members[place].append(i)
    } else {
      places[group] = members.count
      members.append([i])
    }
  }
  var generator = SeededGenerator(seed: seed)
  generator.shuffle(&members)
  return members
}
