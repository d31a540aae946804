import Soma

/// Samples with what is to be predicted of them, in memory.
public struct LabeledData: Sendable {
  /// What is to be predicted.
  public enum Target: Sendable, Hashable {
    /// One of several classes: an index into `names` for each sample.
    case classes(labels: [Int32], names: [String])
    /// Numbers: `names.count` for each sample, row-major.
    case values([Float], names: [String])
  }

  public var name: String
  public var description: String
  /// The features of all samples, row-major: `count × sampleShape.elementCount`. NaN is a missing value.
  public let values: [Float]
  /// One sample's shape: `[features]` of a table, `[channels, height, width]` of images.
  public let sampleShape: Shape
  public let target: Target
  /// A name for each feature of a table; empty for images.
  public let featureNames: [String]

  /// - Precondition: features, targets and names have matching counts, and labels are indices of class names.
  public init(
    name: String, description: String = "", values: [Float], sampleShape: Shape, target: Target,
    featureNames: [String] = []
  ) {
    let size = sampleShape.elementCount
    let count = target.count
    require(values.count == count * size, "\(values.count) values do not make \(count) samples of \(sampleShape)")
    require(featureNames.isEmpty || featureNames.count == size, "a name for each of \(size) features")
    if case .classes(let labels, let names) = target {
      require(
        labels.allSatisfy { $0 >= 0 && $0 < names.count }, "labels are indices of the \(names.count) classes")
    }
    self.name = name
    self.description = description
    self.values = values
    self.sampleShape = sampleShape
    self.target = target
    self.featureNames = featureNames
  }

  /// - Parameter features: `[n, …]`, of any element type.
  public init(
    name: String, description: String = "", features: Tensor, target: Target, featureNames: [String] = []
  ) {
    require(features.rank > 0 && features.shape[0] == target.count, "features' first axis counts the samples")
    self.init(
      name: name, description: description, values: features.floats,
      sampleShape: Shape(Array(features.shape.dimensions.dropFirst())), target: target, featureNames: featureNames)
  }

  /// The number of samples.
  public var count: Int { target.count }

  /// All features, `[count] + sampleShape`. Complexity: copies the values.
  public var features: Tensor { Tensor(values, shape: [count] + sampleShape) }

  /// All targets: labels `[count]` as `int32`, or values `[count, outputs]` as `float32`.
  public var targets: Tensor { target.tensor }

  /// The names of the classes; empty if numbers are to be predicted.
  public var classNames: [String] {
    if case .classes(_, let names) = target { names } else { [] }
  }

  /// The class of each sample; nil if numbers are to be predicted.
  public var labels: [Int32]? {
    if case .classes(let labels, _) = target { labels } else { nil }
  }

  public var isClassification: Bool { labels != nil }

  /// The numbers a network has to put out for one sample: one for each class, or one for each value.
  public var outputCount: Int {
    switch target {
    case .classes(_, let names): names.count
    case .values(_, let names): names.count
    }
  }

  /// The samples at `indices`, in that order.
  public func subset(_ indices: [Int]) -> LabeledData {
    LabeledData(
      name: name, description: description, values: gather(values, rows: indices, width: sampleShape.elementCount),
      sampleShape: sampleShape, target: target.subset(indices), featureNames: featureNames)
  }

  /// The same samples with other features.
  public func replacing(values: [Float]) -> LabeledData {
    LabeledData(
      name: name, description: description, values: values, sampleShape: sampleShape, target: target,
      featureNames: featureNames)
  }

  /// The same samples with another target.
  public func replacing(target: Target) -> LabeledData {
    LabeledData(
      name: name, description: description, values: values, sampleShape: sampleShape, target: target,
      featureNames: featureNames)
  }

  /// The same samples, each as a vector.
  public func flattened() -> LabeledData {
    LabeledData(
      name: name, description: description, values: values, sampleShape: [sampleShape.elementCount], target: target,
      featureNames: featureNames)
  }
}

extension LabeledData.Target {
  public var count: Int {
    switch self {
    case .classes(let labels, _): labels.count
    case .values(let values, let names): names.isEmpty ? 0 : values.count / names.count
    }
  }

  /// Labels `[count]` as `int32`, or values `[count, outputs]` as `float32`.
  public var tensor: Tensor {
    switch self {
    case .classes(let labels, _): Tensor(labels)
    case .values(let values, let names): Tensor(values, shape: [count, names.count])
    }
  }

  public func subset(_ indices: [Int]) -> Self {
    switch self {
    case .classes(let labels, let names): .classes(labels: indices.map { labels[$0] }, names: names)
    case .values(let values, let names): .values(gather(values, rows: indices, width: names.count), names: names)
    }
  }
}

/// The rows at `indices` of a row-major matrix.
func gather<Element>(_ values: [Element], rows indices: [Int], width: Int) -> [Element] {
  var result = [Element]()
  result.reserveCapacity(indices.count * width)
  for row in indices { result.append(contentsOf: values[row * width..<(row + 1) * width]) }
  return result
}
