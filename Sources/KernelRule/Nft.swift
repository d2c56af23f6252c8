package import Linux

/// The program nft(8), through which the kernel's ruleset is read and changed.
package struct Nft {
  private let path: String
  private let environment: [String: String]
  private let patience: Nanoseconds

  /// Finds it by PATH, and in /usr/sbin and /sbin, which an ordinary user's PATH lacks.
  ///
  /// - Parameter patience: how long it may say nothing. A million clients are listed after some seconds.
  /// - Throws: how to install it.
  package init(
    environment: [String: String] = Environment.variables, patience: Nanoseconds = .seconds(60)
  ) throws(KernelRuleError) {
    guard let path = ChildProcess.find("nft", path: environment["PATH"] ?? "") else {
      throw KernelRuleError(
        .process, "nft is not here, which the kernel's rule needs; install it: apt-get install nftables")
    }
    self.path = path
    self.patience = patience
    self.environment = environment.merging(["LC_ALL": "C"]) { $1 }
  }

  /// Runs a script as one transaction, and returns what it printed.
  ///
  /// - Throws: which right or feature is missing; nothing was changed then.
  @discardableResult
  package func run(_ script: String, _ options: [String] = []) throws(KernelRuleError) -> [String] {
    let answer = try answer(script, options)
    guard answer.status == 0 else { throw Self.refusal(answer.lines) }
    return answer.lines
  }

  /// The table of our name; nil when there is none.
  ///
  /// - Throws: as above.
  package func listing() throws(KernelRuleError) -> Listing? {
    let answer = try answer("list table inet \(RuleTable.name)\n", ["--stateless", "--terse"])
    if answer.status == 0 { return Listing(answer.lines.joined(separator: "\n")) }
    if answer.status == 1, answer.lines.contains(where: Self.isNoTable) { return nil }
    throw Self.refusal(answer.lines)
  }

  /// nft's own words, behind the place in the script that it means (`/dev/stdin:1:17-26: Error: …`). An nft that does not find
  /// its own libraries says something like it, too, of another program and with another status.
  private static func isNoTable(_ line: String) -> Bool { line.hasSuffix("Error: No such file or directory") }

  /// What it takes to change, and even to read, the ruleset (capabilities(7), user_namespaces(7)).
  static let missingRight = KernelRuleError(
    .process,
    "no right to the firewall of this network namespace: the capability CAP_NET_ADMIN is missing; run it as root (sudo), in "
      + "a container started with --cap-add NET_ADMIN, or in a systemd unit with AmbientCapabilities=CAP_NET_ADMIN")

  static func refusal(_ lines: [String]) -> KernelRuleError {
    if lines.contains(where: { $0.contains("Operation not permitted") }) { return missingRight }
    let reason = lines.first { $0.contains("rror:") } ?? lines.first ?? "it does not say why"
    return KernelRuleError(
      .process,
      "nft did not do it, and changed nothing: \(reason); the rule is known to work with nftables 1.0.6 and Linux 6.18: "
        + "use these or later ones, or the relay: multihomed relay")
  }

  private func answer(
    _ script: String, _ options: [String]
  ) throws(KernelRuleError) -> (status: Int32, lines: [String]) {
    do throws(Errno) {
      let process = try ChildProcess(path, ["nft"] + options + ["-f", "-"], environment: environment, input: script)
      var lines: [String] = []
      var end = Instant.now + patience
      while let line = try process.nextLine(within: patience) {
        lines.append(line)
        end = Instant.now + patience
      }
      if Instant.now < end { return (process.waitForExit(), lines) }
      process.kill()
    } catch {
      throw KernelRuleError(.process, "cannot run \(path): \(error); try again, or look at it with: nft list ruleset")
    }
    throw KernelRuleError(
      .process,
      "\(path) has said nothing for \(patience.millisecondsRoundedUp / 1000) s, and was ended; see what is there with: nft "
        + "list table inet \(RuleTable.name)")
  }
}
