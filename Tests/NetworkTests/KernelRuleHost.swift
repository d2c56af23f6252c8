import Glibc
import Linux
import Support

/// The founding network, with the kernel's rule on its host.
final class KernelRuleHost: Sendable {
  let network: FoundingNetwork
  var host: NetworkNamespace { network.host }

  init() throws { network = try FoundingNetwork() }

  /// One run of `multihomed kernel` on the host.
  struct Answer {
    let exit: ManagedProcess.Exit
    let output: [String]
    let error: String
  }

  /// Runs it, whatever comes of it.
  func run(_ arguments: String) throws -> Answer { try run(arguments, by: []) }

  /// Runs it by another program, which gets its command line.
  func run(_ arguments: String, by launcher: [String], environment: [String: String] = [:]) throws -> Answer {
    let words = try launcher + [MultihomedProcess.path(), "kernel"] + arguments.split(separator: " ").map(String.init)
    let process = try ManagedProcess(words[0], Array(words.dropFirst()), in: host, environment: environment)
    let exit = try process.waitForExit(within: .seconds(30))
    return Answer(exit: exit, output: process.lines(of: .output), error: process.text(of: .error))
  }

  /// Runs it, and nothing may be amiss. Notes may be there: services often come later than the rule.
  @discardableResult
  func kernel(_ arguments: String, file: StaticString = #fileID, line: UInt = #line) throws -> [String] {
    let answer = try run(arguments)
    let isCalm = answer.error.split(separator: "\n").allSatisfy { $0.hasPrefix("multihomed: note: ") }
    guard answer.exit == .status(0), isCalm else {
      throw TestFailure("kernel \(arguments): \(answer.exit), \(answer.error)", file: file, line: line)
    }
    return answer.output
  }

  /// What nft says on the host.
  @discardableResult
  func nft(_ script: String) throws -> String { try ManagedProcess.run("nft", ["-f", "-"], in: host, input: script) }

  /// The whole ruleset, as it is compared byte for byte.
  func ruleset() throws -> String { try ManagedProcess.run("nft", ["list", "ruleset"], in: host) }

  /// What `show --json` counts for a port and family; those that are 0 are left out.
  func counts(_ family: String, at port: Int = 5678) throws -> [String: Int] {
    let report = try JSON(parsing: kernel("show --json").joined())
    let entry = report["ports"]?.array?.first { $0["port"]?.integer == port && $0["family"]?.string == family }
    guard let entry else { throw TestFailure("no port \(port) of \(family) in \(report)") }
    let names = ["requests", "remembered", "no_room", "group", "replies", "mended", "gone", "unknown"]
    let pairs = names.compactMap { name in entry[name]?.integer.map { (name, $0) } }
    return Dictionary(uniqueKeysWithValues: pairs).filter { $0.value > 0 }
  }

  /// How many clients of a family are remembered.
  func clients(_ family: String) throws -> Int? {
    try JSON(parsing: kernel("show --json").joined())["clients"]?[family]?.integer
  }

  /// An address in the eyes of a namespace, where a link-local one has a scope.
  func endpoint(_ address: String, _ port: UInt16 = 5678, in namespace: NetworkNamespace) throws -> Endpoint {
    let address = try namespace.run { () throws(Errno) in IPAddress(address) }
    guard let address else { throw TestFailure("no address") }
    return Endpoint(address, port)
  }
}

/// What so many exchanges leave in the counters when all is well.
func exchanges(_ count: Int) -> [String: Int] {
  ["requests": count, "remembered": count, "replies": count, "mended": count]
}
