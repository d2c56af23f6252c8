// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that what the benchmarks need never reaches the build of multihomed.

let settings: [SwiftSetting] = [
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

let warnings: [CSetting] = [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]

let package = Package(
  name: "multihomed-benchmarks",
  products: [
    .executable(name: "multihomed-bench", targets: ["multihomed-bench"]),
    .executable(name: "bench-echo", targets: ["bench-echo"]),
    .executable(name: "floor", targets: ["floor"]),
    .executable(name: "core-work", targets: ["core-work"]),
  ],
  dependencies: [
    .package(name: "multihomed", path: "../"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    // The load generator's hot loop, in C so that it is never the bottleneck.
    .target(name: "Generator", cSettings: warnings),
    .executableTarget(
      name: "multihomed-bench",
      dependencies: [
        "Generator",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: settings),
    // The service behind the relays, and the least that a relay of our design can cost.
    .executableTarget(name: "bench-echo", cSettings: warnings),
    .executableTarget(name: "floor", cSettings: warnings),
    // The core's work, for callgrind to count.
    .executableTarget(
      name: "core-work", dependencies: [.product(name: "Workloads", package: "multihomed")], swiftSettings: settings),
  ]
)
