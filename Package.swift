// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target of ours is built with. `unsafe` must be written where memory safety is our own duty, and
/// no warning survives.
let settings: [SwiftSetting] = [
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

/// What distributions want of C: an overrun of a buffer ends the process. Swift checks its own.
let guards = ["-fstack-protector-strong", "-fstack-clash-protection"]
let warnings: [CSetting] = [
  .unsafeFlags(["-Wall", "-Wextra", "-Werror"] + guards),
  .define("_FORTIFY_SOURCE", to: "2", .when(configuration: .release)),
]
let cxxWarnings: [CXXSetting] = [
  .unsafeFlags(["-Wall", "-Wextra", "-Werror"] + guards),
  .define("_FORTIFY_SOURCE", to: "2", .when(configuration: .release)),
]
/// Everything is bound at the start, and what the linker has written is then read-only.
let sealed: [LinkerSetting] = [
  .unsafeFlags(["-Xlinker", "-z", "-Xlinker", "relro", "-Xlinker", "-z", "-Xlinker", "now"])
]
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

/// The data plane's rooms check exclusive access in debug builds only: a check costs some 20 ns, and there are several a
/// datagram.
let quick: [SwiftSetting] =
  settings + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

/// A room of `Sources`; imports point down only.
func room(_ name: String, _ dependencies: [Target.Dependency], _ settings: [SwiftSetting] = settings) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// The tests of a room, in `Tests/<name>Tests`.
func tests(_ name: String, _ dependencies: [Target.Dependency], data: [String] = []) -> Target {
  .testTarget(name: "\(name)Tests", dependencies: dependencies, exclude: data, swiftSettings: settings)
}

let package = Package(
  name: "multihomed",
  products: [
    .executable(name: "multihomed", targets: ["multihomed"]),
    // For the package in Benchmarks only.
    .library(name: "Workloads", targets: ["Workloads"]),
    // For the package in Tests/Fuzzing only.
    .library(name: "Service", targets: ["Service"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    .systemLibrary(name: "CUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
    .systemLibrary(name: "CMHD", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
    .target(name: "CLinux", cSettings: warnings),
    // Of toml++, which is headers alone (libtomlplusplus-dev).
    .target(name: "CTOML", cxxSettings: cxxWarnings),
    room("JSON", []),
    room("TOML", ["CTOML"]),
    room("Linux", ["CLinux"], quick),
    room("EventLoop", ["CUV", "Linux"], quick),
    room("HTTP", ["CMHD", "EventLoop", "Linux"]),
    room("Addresses", ["EventLoop", "Linux"]),
    room("Relay", ["EventLoop", "Linux"], quick),
    room("Demo", ["Linux"]),
    room("KernelRule", ["Linux"]),
    room("Doctor", ["Addresses", "JSON", "Linux"]),
    room("Operator", ["EventLoop", "JSON", "Linux"]),
    room("Service", ["Addresses", "EventLoop", "HTTP", "JSON", "Linux", "Relay", "TOML", logging]),
    room("Adoption", ["Addresses", "EventLoop", "Linux", "Service"]),
    .executableTarget(
      name: "multihomed",
      dependencies: [
        "Addresses", "Adoption", "Demo", "Doctor", "KernelRule", "Linux", "Operator", "Service", arguments, logging,
      ],
      swiftSettings: settings, linkerSettings: sealed),
    tests("Doctor", ["Doctor", "JSON", "Linux"]),
    tests("Addresses", ["Addresses", "EventLoop", "Linux"]),
    tests("JSON", ["JSON", "Support"]),
    tests("Operator", ["JSON", "Linux", "Operator", "Support"]),
    tests("Relay", ["EventLoop", "Linux", "Relay"]),
    tests("Service", ["Addresses", "Linux", "Relay", "Service", logging], data: ["Configurations"]),
    tests("Adoption", ["Adoption", "Linux", "Support"]),
    tests("CommandLine", ["Linux", "Support"]),
    tests("Linux", ["CLinux", "Linux", "Support"]),
    tests("EventLoop", ["EventLoop", "Linux"]),
    tests("HTTP", ["EventLoop", "HTTP", "Linux", "Support"]),

    // The ground on which tests stand: networks, processes, clients, services.
    .target(name: "CSupport", path: "Tests/CSupport", cSettings: warnings),
    .target(name: "Support", dependencies: ["CSupport", "Linux"], path: "Tests/Support", swiftSettings: settings),
    tests("Support", ["Linux", "Support"]),
    tests("Network", ["CSupport", "Linux", "Support"]),
    tests("Demo", ["Demo", "Linux", "Support"]),
    tests("KernelRule", ["KernelRule", "Linux", "Support"]),

    // What the core does all day, for micro-benchmarks: here, because `package` access ends with the package.
    .target(
      name: "Workloads", dependencies: ["Linux", "Relay"], path: "Benchmarks/Sources/Workloads", swiftSettings: quick),
  ],
  cxxLanguageStandard: .cxx17
)
