import Foundation

/// The data sets that are part of the library.
public enum Embedded {
  /// 1797 digits written by 43 people: pixels `[1, 8, 8]` in `0 … 1` (sixteenths). The test part of the UCI set "Optical
  /// Recognition of Handwritten Digits" (Alpaydin, Kaynak 1998), as scikit-learn has it.
  public static func digits() -> LabeledData {
    let bytes = digitsBytes
    return LabeledData(
      name: "digits", description: "1797 handwritten digits of 8 × 8 pixels, 10 classes",
      values: bytes[..<(count * 64)].map { Float($0) / 16 }, sampleShape: [1, 8, 8],
      target: .classes(labels: bytes[(count * 64)...].map { Int32($0) }, names: (0..<10).map(String.init)))
  }

  /// 150 irises: lengths and widths of sepals and petals in centimetres, 50 flowers of each of 3 species (Anderson 1935;
  /// Fisher 1936), as scikit-learn has it.
  public static func iris() -> LabeledData {
    LabeledData(
      name: "iris", description: "150 irises, 4 measurements in centimetres, 3 species",
      values: irisData.map { Float($0) / 10 }, sampleShape: [4],
      target: .classes(
        labels: (0..<150).map { Int32($0 / 50) }, names: ["setosa", "versicolor", "virginica"]),
      featureNames: ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"])
  }

  private static let count = 1797

  private static let digitsBytes: [UInt8] = {
    guard let packed = Data(base64Encoded: digitsData, options: .ignoreUnknownCharacters),
      let output = try? Deflate.inflate([UInt8](packed)[...], .zlib, limit: count * 65), output.ended,
      output.bytes.count == count * 65
    else { preconditionFailure("the embedded digits are damaged") }
    return output.bytes
  }()
}
