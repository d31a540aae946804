import Foundation

/// A data set that is known by name.
public struct DataSet: Sendable {
  /// Samples for training and, where its authors fixed one, the test part.
  public struct Parts: Sendable {
    public var train: LabeledData
    public var test: LabeledData?

    public init(train: LabeledData, test: LabeledData? = nil) {
      self.train = train
      self.test = test
    }

    /// Training, validation and test parts. Classes are divided evenly. A fixed test part stays as it is; without one,
    /// the share `test` is taken from the samples.
    /// - Parameters:
    ///   - validation, test: shares of the samples that may be divided.
    public func split(validation: Double, test share: Double, seed: UInt64) -> Split {
      let share = test == nil ? share : 0
      let indices =
        if let labels = train.labels {
          SplitIndices.stratified(labels: labels, validation: validation, test: share, seed: seed)
        } else {
          SplitIndices.random(count: train.count, validation: validation, test: share, seed: seed)
        }
      var split = Split(train, indices)
      if let test { split.test = test }
      return split
    }
  }

  public enum Part: Sendable { case train, test }

  public let name: String
  public let summary: String
  /// Whether the samples are part of the library.
  public let isEmbedded: Bool
  /// Folders in which the files are looked for.
  public let directories: [String]
  private let loading: @Sendable (_ directory: String, Part) throws -> LabeledData?
  private let marker: [String]

  /// Loads the samples.
  /// - Parameter directory: the folder with the files; nil looks in the folder `name` of `$SOMA_DATA`, then in
  ///   `directories`.
  /// - Throws: `DataError` if the files are nowhere, or malformed.
  public func load(from directory: String? = nil) throws -> Parts {
    guard let train = try load(part: .train, from: directory) else {
      throw DataError(name, "has no training part")
    }
    return Parts(train: train, test: try load(part: .test, from: directory))
  }

  /// Loads one part; nil is the test part of a data set whose authors fixed none.
  public func load(part: Part, from directory: String? = nil) throws -> LabeledData? {
    if isEmbedded { return try loading("", part) }
    if let directory { return try loading(directory, part) }
    let places = (ProcessInfo.processInfo.environment["SOMA_DATA"].map { ["\($0)/\(name)"] } ?? []) + directories
    guard let place = places.first(where: { firstExisting(marker, in: $0) != nil }) else {
      throw DataError(
        name, "its files are in none of \(places.joined(separator: ", ")); SOMA_DATA may name the folder above them")
    }
    return try loading(place, part)
  }

  /// The embedded data sets, which need no files.
  public static let builtIn: [DataSet] = all.filter(\.isEmbedded)

  /// All data sets that have a name here.
  public static let all: [DataSet] = [
    DataSet(
      name: "digits", summary: "1797 handwritten digits, 8 × 8 grey pixels (Alpaydin, Kaynak 1998)", isEmbedded: true,
      directories: [], loading: { _, part in part == .train ? Embedded.digits() : nil }, marker: []),
    DataSet(
      name: "iris", summary: "150 irises of 3 species, 4 measurements (Anderson 1935, Fisher 1936)", isEmbedded: true,
      directories: [], loading: { _, part in part == .train ? Embedded.iris() : nil }, marker: []),
    DataSet(
      name: "wine", summary: "178 wines of 3 growers, 13 measurements (Aeberhard, Forina 1991)", isEmbedded: true,
      directories: [], loading: { _, part in part == .train ? Embedded.wine() : nil }, marker: []),
    DataSet(
      name: "breast-cancer", summary: "569 tumours of 2 classes, 30 measurements (Wolberg et al. 1995)",
      isEmbedded: true, directories: [], loading: { _, part in part == .train ? Embedded.breastCancer() : nil },
      marker: []),
    DataSet(
      name: "diabetes", summary: "442 people with diabetes, 10 measurements (Efron et al. 2004)", isEmbedded: true,
      directories: [], loading: { _, part in part == .train ? Embedded.diabetes() : nil }, marker: []),
    mnist("mnist", "70,000 handwritten digits, 28 × 28 grey (LeCun, Cortes, Burges 1998)", classNames: nil),
    mnist(
      "fashion-mnist", "70,000 pictures of clothes, 28 × 28 grey (Xiao, Rasul, Vollgraf 2017)",
      classNames: [
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
      ]),
    cifar("cifar-10", "60,000 pictures of 10 classes, 32 × 32 colour (Krizhevsky 2009)", .ten),
    cifar("cifar-100", "60,000 pictures of 100 classes, 32 × 32 colour (Krizhevsky 2009)", .hundred),
  ]

  /// - Throws: `DataError` that lists the names there are.
  public static func named(_ name: String) throws -> DataSet {
    if let match = all.first(where: { $0.name == name }) { return match }
    throw DataError(name, "no data set has this name; there are \(all.map(\.name).joined(separator: ", "))")
  }

  /// Loads what a name or a path means: a data set's name; `periodic:sin` and the other `PeriodicTask`s; a `.csv` or `.tsv` table (plain or `.gz`); an `.npz` archive with
  /// arrays `x` and `y`; a folder of IDX files, of CIFAR records, or of pictures in a subfolder for each class.
  /// - Parameter target: the column to predict, for tables: nil is the last.
  public static func open(
    _ nameOrPath: String, target: String? = nil, task: TabularEncoding.Task? = nil
  ) throws -> Parts {
    if let known = all.first(where: { $0.name == nameOrPath }) { return try known.load() }
    if nameOrPath.hasPrefix("periodic:") { return try PeriodicTask.named(String(nameOrPath.dropFirst(9))).parts() }
    if isDirectory(nameOrPath) { return try openDirectory(nameOrPath) }
    let path = nameOrPath.hasSuffix(".gz") ? String(nameOrPath.dropLast(3)) : nameOrPath
    if [".csv", ".tsv", ".tab", ".txt", ".data"].contains(where: path.lowercased().hasSuffix) {
      let table = try CSV.read(nameOrPath)
      return Parts(train: try table.labeled(target: target ?? table.columns.last!.name, task: task))
    }
    if path.hasSuffix(".npz") { return Parts(train: try LabeledData.readNPZ(nameOrPath)) }
    guard fileExists(nameOrPath) else {
      throw DataError(
        nameOrPath, "is neither a file nor one of the data sets \(all.map(\.name).joined(separator: ", "))")
    }
    throw DataError(nameOrPath, "its name does not end in .csv, .tsv, .npz (or .gz after it), and it is no folder")
  }

  private static func openDirectory(_ path: String) throws -> Parts {
    for dataSet in all where !dataSet.isEmbedded && firstExisting(dataSet.marker, in: path) != nil {
      return try dataSet.load(from: path)
    }
    return Parts(train: try ImageFolder(path).load())
  }

  private static func mnist(_ name: String, _ summary: String, classNames: [String]?) -> DataSet {
    DataSet(
      name: name, summary: summary, isEmbedded: false, directories: ["/usr/share/datasets/\(name)", "data/\(name)"],
      loading: { directory, part in
        try MNIST.load(
          directory: directory, part: part == .train ? .train : .test, name: name, classNames: classNames)
      }, marker: ["train-images-idx3-ubyte", "train-images.idx3-ubyte"])
  }

  private static func cifar(_ name: String, _ summary: String, _ variant: CIFAR.Variant) -> DataSet {
    DataSet(
      name: name, summary: summary, isEmbedded: false, directories: ["/usr/share/datasets/\(name)", "data/\(name)"],
      loading: { directory, part in
        try CIFAR.load(directory: directory, variant: variant, part: part == .train ? .train : .test)
      }, marker: [variant == .ten ? "data_batch_1.bin" : "train.bin"])
  }
}
