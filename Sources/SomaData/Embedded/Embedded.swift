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

  /// 569 breast tumours: ten properties of cell nuclei in a picture, each as mean, standard error and largest, and whether the tumour is
  /// benign (Wolberg, Street, Mangasarian 1995, UCI), as scikit-learn has it.
  public static func breastCancer() -> LabeledData {
    let properties = [
      "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points", "symmetry",
      "fractal dimension",
    ]
    return packed(
      breastCancerData, name: "breast-cancer", description: "569 tumours, 30 measurements of cell nuclei, 2 classes",
      count: 569, classes: ["malignant", "benign"],
      features: properties.map { "mean \($0)" } + properties.map { "\($0) error" } + properties.map { "worst \($0)" })
  }

  /// 178 wines of three growers in one region, 13 chemical measurements (Aeberhard, Forina 1991, UCI), as scikit-learn has it.
  public static func wine() -> LabeledData {
    packed(
      wineData, name: "wine", description: "178 wines, 13 chemical measurements, 3 growers", count: 178,
      classes: ["grower 1", "grower 2", "grower 3"],
      features: [
        "alcohol", "malic acid", "ash", "alcalinity of ash", "magnesium", "total phenols", "flavanoids",
        "nonflavanoid phenols", "proanthocyanins", "color intensity", "hue", "od280/od315", "proline",
      ])
  }

  /// A table whose numbers, then labels, are float32, little-endian, compressed by zlib, in base64.
  private static func packed(
    _ text: String, name: String, description: String, count: Int, classes: [String], features: [String]
  ) -> LabeledData {
    let size = count * (features.count + 1) * 4
    guard let packed = Data(base64Encoded: text, options: .ignoreUnknownCharacters),
      let output = try? Deflate.inflate([UInt8](packed)[...], .zlib, limit: size), output.ended,
      output.bytes.count == size
    else { preconditionFailure("the embedded \(name) is damaged") }
    let numbers = (0..<size / 4).map { i in
      Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(output.bytes[4 * i + $1]) << UInt32(8 * $1) })
    }
    return LabeledData(
      name: name, description: description, values: Array(numbers[..<(count * features.count)]),
      sampleShape: [features.count],
      target: .classes(labels: numbers[(count * features.count)...].map { Int32($0) }, names: classes),
      featureNames: features)
  }

  /// 442 people with diabetes: age, sex, body-mass index, blood pressure, six blood values, and a measure of the disease's
  /// progression a year later (Efron, Hastie, Johnstone, Tibshirani 2004), as scikit-learn has it, not scaled.
  public static func diabetes() -> LabeledData {
    let rows = stride(from: 0, to: diabetesData.count, by: 11).map {
      diabetesData[$0..<$0 + 11].map { Float($0) / 10_000 }
    }
    return LabeledData(
      name: "diabetes", description: "442 people, 10 measurements, the disease's progression a year later",
      values: rows.flatMap { $0.dropLast() }, sampleShape: [10],
      target: .values(rows.map { $0[10] }, names: ["progression"]),
      featureNames: ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"])
  }

  /// The highest temperature of each day in Seattle from 1 January 2012 to 31 December 2015, in degrees Celsius (NOAA), as
  /// vega_datasets has it.
  public static func seattleTemperature() -> [Float] { seattleData.map { Float($0) / 10 } }

  /// Monthly means of the carbon dioxide in the air at Mauna Loa from March 1958 to December 2001, in parts per million, gaps
  /// filled linearly (Keeling, Whorf 2004), as statsmodels has it.
  public static func maunaLoaCarbonDioxide() -> [Float] { maunaLoaData.map { Float($0) / 100 } }

  /// Six grey photographs, 192 pixels on the shorter side, as scikit-image has them larger: an astronaut (NASA), a man with a camera
  /// (L. Varshney), a cat (S. van der Walt), a cup of coffee (R. Michetti), ancient coins (Brooklyn Museum), a rocket's launch
  /// (SpaceX); in the public domain or CC0.
  public static func photographs() -> [(name: String, image: Image)] {
    photographsData.map { name, jpeg in
      guard let bytes = Data(base64Encoded: jpeg, options: .ignoreUnknownCharacters),
        let image = try? JPEG.decode([UInt8](bytes), file: name)
      else { preconditionFailure("the embedded photograph \(name) is damaged") }
      return (name, image)
    }
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
