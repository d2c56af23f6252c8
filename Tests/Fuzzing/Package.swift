// swift-tools-version: 6.2
import PackageDescription

// A package of its own: a fuzzer has a main function of its own (libFuzzer's), and all that is fuzzed is built for it.
let package = Package(
  name: "Fuzzing",
  dependencies: [.package(name: "multihomed", path: "../..")],
  targets: [
    .executableTarget(
      name: "ConfigurationFuzzer", dependencies: [.product(name: "Service", package: "multihomed")],
      swiftSettings: [.unsafeFlags(["-parse-as-library"]), .treatAllWarnings(as: .error)])
  ]
)
