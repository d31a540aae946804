import Soma

extension LabeledData {
  /// Reads features and target from two arrays of an `.npz` archive. Integer or boolean targets of one axis are classes;
  /// floating ones, of one or two axes, are values.
  /// - Throws: `DataError` if an array is absent or the two do not fit together.
  public static func readNPZ(_ path: String, features: String = "x", target: String = "y") throws -> LabeledData {
    let arrays = try NPZ.read(path)
    func array(_ name: String) throws -> Tensor {
      if let array = arrays[name] { return array }
      let names = arrays.keys.sorted().prefix(20).map { quoted($0) }.joined(separator: ", ")
      throw DataError(path, "has no array \(quoted(name)); it has \(names.isEmpty ? "none" : names)")
    }
    let x = try array(features)
    let y = try array(target)
    let place = DataError.Place.entry(target + ".npy", byte: nil)
    guard x.rank >= 2, x.count > 0 else {
      throw DataError(path, at: .entry(features + ".npy", byte: nil), "features are [n, …], not \(x.shape)")
    }
    guard y.rank >= 1, y.shape[0] == x.shape[0] else {
      throw DataError(path, at: place, "targets \(y.shape) do not fit features \(x.shape)")
    }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    if y.dtype.isFloating {
      guard y.rank <= 2, y.count > 0 else {
        throw DataError(path, at: place, "values are [n] or [n, k], not \(y.shape)")
      }
      let outputs = y.rank == 1 ? 1 : y.shape[1]
      let names = outputs == 1 ? [target] : (0..<outputs).map { "\(target)\($0)" }
      return LabeledData(name: name, features: x, target: .values(y.floats, names: names))
    }
    guard y.rank == 1 else { throw DataError(path, at: place, "labels are [n], not \(y.shape)") }
    let labels = y.ints
    let distinct = Set(labels).sorted()
    let numbers = Dictionary(uniqueKeysWithValues: distinct.enumerated().map { ($1, Int32($0)) })
    return LabeledData(
      name: name, features: x, target: .classes(labels: labels.map { numbers[$0]! }, names: distinct.map(String.init)))
  }
}
