import Soma

/// Pictures and labels in the four IDX files that MNIST, Fashion-MNIST, KMNIST and others come in, plain or gzipped.
public enum MNIST {
  public enum Part: String, Sendable {
    case train
    case test = "t10k"
  }

  /// Reads one part.
  /// - Parameters:
  ///   - directory: the folder with `train-images-idx3-ubyte` and its three companions.
  ///   - classNames: ten names; nil for the digits.
  /// - Returns: pictures `[n, 1, height, width]` in `0 … 1`.
  /// - Throws: `DataError` if a file is missing or malformed, or pictures and labels do not match.
  public static func load(
    directory: String, part: Part, name: String = "mnist", classNames: [String]? = nil
  ) throws -> LabeledData {
    func path(_ kind: String) throws -> String {
      let names = ["\(part.rawValue)-\(kind)-ubyte", "\(part.rawValue)-\(kind.replacing("-idx", with: ".idx"))-ubyte"]
      guard let path = firstExisting(names, in: directory) else {
        throw DataError(directory, "has no file \(names[0]) (or \(names[0]).gz)")
      }
      return path
    }
    let imagePath = try path("images-idx3")
    let labelPath = try path("labels-idx1")
    let images = try IDX.read(imagePath)
    guard images.dtype == .uint8, images.rank == 3, images.shape[0] > 0, images.shape[1] > 0, images.shape[2] > 0 else {
      throw DataError(imagePath, at: .byte(2), "holds \(images.dtype) \(images.shape), not pictures")
    }
    let labels = try IDX.read(labelPath)
    guard labels.dtype == .uint8, labels.rank == 1 else {
      throw DataError(labelPath, at: .byte(2), "holds \(labels.dtype) \(labels.shape), not labels")
    }
    guard labels.count == images.shape[0] else {
      throw DataError(labelPath, at: .byte(4), "\(labels.count) labels for \(images.shape[0]) pictures")
    }
    let names = classNames ?? (0..<10).map(String.init)
    let classes = labels.bytes
    if let wrong = classes.firstIndex(where: { $0 >= names.count }) {
      throw DataError(labelPath, at: .byte(8 + wrong), "label \(classes[wrong]) is none of the \(names.count) classes")
    }
    return LabeledData(
      name: name, description: "\(labels.count) pictures of \(images.shape[2]) × \(images.shape[1]) pixels",
      values: images.bytes.map { Float($0) / 255 }, sampleShape: [1, images.shape[1], images.shape[2]],
      target: .classes(labels: classes.map { Int32($0) }, names: names))
  }
}
