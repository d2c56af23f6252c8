// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that the benchmark library and its plugins are built only by `make bench-micro`.

let package = Package(
  name: "multihomed-micro-benchmarks",
  dependencies: [
    .package(name: "multihomed", path: "../../"),
    // Without its traits, which would hook malloc and the Swift runtime to count what we do not ask for.
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    // Its plugin passes over targets whose folder does not lie in one called Benchmarks. Ours does: this one.
    .executableTarget(
      name: "Core",
      dependencies: [
        .product(name: "Benchmark", package: "benchmark"),
        .product(name: "Workloads", package: "multihomed"),
      ],
      path: ".",
      sources: ["MicroBenchmarks.swift"],
      swiftSettings: [
        .strictMemorySafety(),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .treatAllWarnings(as: .error),
      ],
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
  ]
)
