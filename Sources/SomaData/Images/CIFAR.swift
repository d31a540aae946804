import Soma

/// The binary version of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): records of one or two label bytes and 3072 bytes of
/// pixels, the red, green and blue planes of 32 × 32.
public enum CIFAR {
  public enum Variant: Sendable {
    case ten
    case hundred
    /// CIFAR-100 by its 20 super-classes.
    case hundredCoarse

    var labelBytes: Int { self == .ten ? 1 : 2 }
    var labelOffset: Int { self == .hundred ? 1 : 0 }
    var classCount: Int { self == .ten ? 10 : self == .hundred ? 100 : 20 }
    var namesFile: String {
      switch self {
      case .ten: "batches.meta.txt"
      case .hundred: "fine_label_names.txt"
      case .hundredCoarse: "coarse_label_names.txt"
      }
    }
  }

  public enum Part: Sendable { case train, test }

  private static let pixels = 3 * 32 * 32

  /// Reads one part from a folder with the files' own names (`data_batch_1.bin` …, or `train.bin` and `test.bin`).
  /// - Returns: pictures `[n, 3, 32, 32]` in `0 … 1`.
  /// - Throws: `DataError` if a file is missing, is no whole number of records, or has a label out of range.
  public static func load(directory: String, variant: Variant, part: Part) throws -> LabeledData {
    let files =
      switch (variant, part) {
      case (.ten, .train): (1...5).map { "data_batch_\($0).bin" }
      case (.ten, .test): ["test_batch.bin"]
      case (_, .train): ["train.bin"]
      case (_, .test): ["test.bin"]
      }
    let paths = try files.map { file in
      guard let path = firstExisting([file], in: directory) else { throw DataError(directory, "has no file \(file)") }
      return path
    }
    let name = variant == .ten ? "cifar-10" : "cifar-100"
    return try read(paths, variant: variant, classNames: try classNames(directory, variant), name: name)
  }

  /// Reads the records of files, plain or gzipped, in order.
  public static func read(
    _ paths: [String], variant: Variant, classNames: [String]? = nil, name: String = "cifar"
  ) throws -> LabeledData {
    var values = [Float]()
    var labels = [Int32]()
    for path in paths {
      var bytes = try readFile(path, limit: 1 << 30)
      if Gzip.isCompressed(bytes) { bytes = try Gzip.decompress(bytes, file: path, limit: 1 << 30) }
      try decode(bytes, file: path, variant: variant, values: &values, labels: &labels)
    }
    let names = classNames ?? (0..<variant.classCount).map { "class \($0)" }
    return LabeledData(
      name: name, description: "\(labels.count) colour pictures of 32 × 32 pixels", values: values,
      sampleShape: [3, 32, 32], target: .classes(labels: labels, names: names))
  }

  private static func decode(
    _ bytes: [UInt8], file: String, variant: Variant, values: inout [Float], labels: inout [Int32]
  ) throws {
    let size = variant.labelBytes + pixels
    guard !bytes.isEmpty, bytes.count % size == 0 else {
      throw DataError(
        file, at: .byte(bytes.count), "\(bytes.count) bytes are not a whole number of records of \(size) bytes")
    }
    values.reserveCapacity(values.count + bytes.count / size * pixels)
    for start in stride(from: 0, to: bytes.count, by: size) {
      if variant.labelBytes == 2 && (bytes[start] >= 20 || bytes[start + 1] >= 100) {
        throw DataError(
          file, at: .byte(start), "labels \(bytes[start]) and \(bytes[start + 1]) are not below 20 and 100")
      }
      let label = bytes[start + variant.labelOffset]
      guard label < variant.classCount else {
        throw DataError(file, at: .byte(start), "label \(label) is not below \(variant.classCount)")
      }
      labels.append(Int32(label))
      for byte in bytes[start + variant.labelBytes..<start + size] { values.append(Float(byte) / 255) }
    }
  }

  private static func classNames(_ directory: String, _ variant: Variant) throws -> [String]? {
    let path = "\(directory)/\(variant.namesFile)"
    guard fileExists(path) else { return nil }
    let text = try decodeUTF8(try readFile(path, limit: 1 << 20), file: path)
    let names = text.split(whereSeparator: \.isNewline).map(String.init).filter { !$0.isEmpty }
    guard names.count == variant.classCount else {
      throw DataError(path, "has \(names.count) names for \(variant.classCount) classes")
    }
    return names
  }
}
