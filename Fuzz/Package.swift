// swift-tools-version: 6.1
import PackageDescription

// A package of its own, so that the library's builds know nothing of it. `make fuzz` builds it with AddressSanitizer and the
// counters that libFuzzer follows; see run.sh.
let package = Package(
  name: "SomaFuzz",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "Soma", path: "..")],
  targets: [
    .target(name: "FuzzRuntime"),
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "FuzzRuntime", .product(name: "Soma", package: "Soma"), .product(name: "SomaData", package: "Soma"),
        .product(name: "SomaInterchange", package: "Soma"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6)]),
  ]
)
