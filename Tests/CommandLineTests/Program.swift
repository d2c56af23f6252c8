import Foundation
import Testing

/// The real binary, run to its end.
struct Program {
  let status: Int32
  let output: String
  let error: String

  /// Runs it with these arguments and no environment but this one.
  static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Program {
    let process = Process()
    let output = Pipe()
    let error = Pipe()
    process.executableURL = binary
    process.arguments = arguments
    process.environment = environment
    process.standardOutput = output
    process.standardError = error
    try process.run()
    let written = output.fileHandleForReading.readDataToEndOfFile()
    let complained = error.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Program(
      status: process.terminationStatus, output: String(decoding: written, as: UTF8.self),
      error: String(decoding: complained, as: UTF8.self))
  }

  /// `$MULTIHOMED_BINARY`, or the one that was built together with this test.
  private static var binary: URL {
    if let path = ProcessInfo.processInfo.environment["MULTIHOMED_BINARY"] { return URL(fileURLWithPath: path) }
    return URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .appendingPathComponent("multihomed")
  }
}
