import Linux
import Support

/// The real binary, run to its end.
struct Program {
  let exit: ManagedProcess.Exit
  let output: String
  let error: String

  /// Runs it with these arguments, and these variables beside our own.
  static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Program {
    let process = try ManagedProcess(try MultihomedProcess.path(), arguments, environment: environment)
    let exit = try process.waitForExit(within: .seconds(20))
    return Program(exit: exit, output: process.text(of: .output), error: process.text(of: .error))
  }
}
