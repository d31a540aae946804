// swift-tools-version: 6.1
import PackageDescription

let settings: [SwiftSetting] = [.swiftLanguageMode(.v6)]

func system(_ name: String, apt: String, brew: String) -> Target {
  .systemLibrary(name: name, providers: [.apt([apt]), .brew([brew])])
}

let package = Package(
  name: "Soma",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Soma", targets: ["Soma"]),
    .library(name: "SomaNetworks", targets: ["SomaNetworks"]),
    .library(name: "SomaLearning", targets: ["SomaLearning"]),
    .library(name: "SomaSearch", targets: ["SomaSearch"]),
    .library(name: "SomaData", targets: ["SomaData"]),
    .library(name: "SomaInterchange", targets: ["SomaInterchange"]),
    .library(name: "SomaExperiments", targets: ["SomaExperiments"]),
    .library(name: "SomaReports", targets: ["SomaReports"]),
    .library(name: "Reproductions", targets: ["Reproductions"]),
    .executable(name: "soma", targets: ["SomaCommand"]),
    .executable(name: "soma-serve", targets: ["SomaServeCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/swiftcsv/SwiftCSV", from: "0.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
    .package(url: "https://github.com/ordo-one/TextTable", from: "0.0.2"),
    .package(url: "https://github.com/onevcat/Rainbow", from: "4.2.0"),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
  ],
  targets: [
    system("CDNNL", apt: "libdnnl-dev", brew: "onednn"),
    system("CSLEEF", apt: "libsleef-dev", brew: "sleef"),
    system("CLAPACK", apt: "libopenblas-dev", brew: "openblas"),
    system("CPNG", apt: "libpng-dev", brew: "libpng"),
    system("CJPEG", apt: "libjpeg62-turbo-dev", brew: "jpeg-turbo"),
    system("CSndFile", apt: "libsndfile1-dev", brew: "libsndfile"),
    system("CZlib", apt: "zlib1g-dev", brew: "zlib"),

    .target(
      name: "Kernels", dependencies: ["CDNNL", "CSLEEF", "CLAPACK"],
      linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("sleef"), .linkedLibrary("openblas")]),
    .target(name: "Soma", dependencies: ["Kernels"], swiftSettings: settings),
    .target(name: "SomaNetworks", dependencies: ["Soma"], swiftSettings: settings),
    .target(name: "SomaLearning", dependencies: ["Soma", "SomaNetworks", "SomaData"], swiftSettings: settings),
    .target(
      name: "SomaData",
      dependencies: ["Soma", "CPNG", "CJPEG", "CSndFile", "CZlib", "SwiftCSV"],
      swiftSettings: settings),
    .target(
      name: "SomaSearch", dependencies: ["Soma", "SomaNetworks", "SomaData", "SomaLearning"], swiftSettings: settings),
    .target(
      name: "SomaInterchange",
      dependencies: [
        "Soma", "SomaNetworks", "SomaData", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["ONNX/Schema/README.md", "TensorBoard/Schema/README.md", "TensorBoard/Schema/event.proto"],
      swiftSettings: settings),
    .target(name: "SomaReports", dependencies: ["Soma"], swiftSettings: settings),
    .target(
      name: "SomaExperiments",
      dependencies: [
        "Soma", "SomaNetworks", "SomaLearning", "SomaData", "SomaReports", "Kernels",
        .product(name: "GRDB", package: "GRDB.swift"), "Yams",
      ],
      swiftSettings: settings),
    .target(
      name: "Reproductions",
      dependencies: [
        "Soma", "SomaNetworks", "SomaLearning", "SomaData", "SomaSearch", "SomaReports", "SomaExperiments",
      ], swiftSettings: settings),
    .executableTarget(
      name: "SomaCommand",
      dependencies: [
        "Soma", "SomaNetworks", "SomaLearning", "SomaData", "SomaReports", "SomaExperiments", "SomaSearch",
        "Reproductions", "SomaInterchange",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        "TextTable", "Rainbow",
      ],
      swiftSettings: settings),

    .target(
      name: "SomaServer",
      dependencies: [
        "Soma", "SomaNetworks", "SomaLearning", "SomaData", "SomaReports", "SomaExperiments", "Reproductions",
        .product(name: "Hummingbird", package: "hummingbird"),
      ], swiftSettings: settings),
    .executableTarget(
      name: "SomaServeCommand",
      dependencies: [
        "SomaServer", "SomaExperiments", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: settings),

    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .testTarget(
      name: "SomaTests", dependencies: ["Soma", "Kernels", "AllocationCounter"], exclude: ["Resources"],
      swiftSettings: settings),
    .testTarget(
      name: "SomaNetworksTests", dependencies: ["Soma", "SomaNetworks"], exclude: ["Resources"], swiftSettings: settings
    ),
    .testTarget(
      name: "SomaLearningTests", dependencies: ["Soma", "SomaNetworks", "SomaData", "SomaLearning"],
      swiftSettings: settings),
    .testTarget(
      name: "SomaSearchTests", dependencies: ["Soma", "SomaNetworks", "SomaData", "SomaLearning", "SomaSearch"],
      swiftSettings: settings),
    .testTarget(
      name: "SomaDataTests", dependencies: ["Soma", "SomaData"], swiftSettings: settings),
    .testTarget(
      name: "SomaInterchangeTests", dependencies: ["Soma", "SomaNetworks", "SomaData", "SomaInterchange"],
      exclude: ["Resources"], swiftSettings: settings),
    .testTarget(
      name: "SomaReportsTests", dependencies: ["Soma", "SomaReports"], swiftSettings: settings),
    .testTarget(
      name: "SomaExperimentsTests",
      dependencies: [
        "Soma", "SomaNetworks", "SomaData", "SomaLearning", "SomaExperiments",
        .product(name: "GRDB", package: "GRDB.swift"),
      ], swiftSettings: settings),
    .testTarget(
      name: "ReproductionsTests", dependencies: ["SomaExperiments", "Reproductions"], swiftSettings: settings),
    .testTarget(
      name: "SomaServerTests",
      dependencies: [
        "SomaServer", "SomaExperiments", "SomaNetworks", .product(name: "Hummingbird", package: "hummingbird"),
      ], swiftSettings: settings),
  ]
)
