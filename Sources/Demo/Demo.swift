import Linux

/// The founding scenario played twice: without us, and with us.
public enum Demo {
  /// Plays it in namespaces of its own, and prints what happens on standard output. Needs root or user namespaces, and
  /// ip(8). The process must have one thread, and should end afterwards: everything that the demo made ends with it.
  ///
  /// - Returns: the status to exit with: 0 when both halves went as told, otherwise 1, with one line on standard error.
  public static func run() -> Int32 {
    do throws(DemoFailure) {
      try enterSandbox()
      let scenario = try Scenario()
      print(Transcript.picture)
      try showTheFault(scenario)
      try showTheMend(scenario)
      return 0
    } catch {
      StandardError.write(line: "multihomed: error: \(error.message)")
      return 1
    }
  }

  private static func enterSandbox() throws(DemoFailure) {
    do throws(Sandbox.Failure) {
      try Sandbox.enter()
    } catch {
      throw DemoFailure(
        "the demo needs network namespaces of its own, and may have none here: \(error); run it as root (in a container: "
          + "with --privileged), or allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, "
          + "kernel.apparmor_restrict_unprivileged_userns)")
    }
  }

  private static func showTheFault(_ scenario: Scenario) throws(DemoFailure) {
    let wildcard = Endpoint(.anyIPv4, Scenario.port)
    let asked = Endpoint(Scenario.eth0, Scenario.port)
    let service = try EchoService(on: wildcard, in: scenario.host)
    let exchanges = try ask(asked, from: Scenario.container, times: 3, of: service, scenario)
    print(["", "Without multihomed: a UDP service on \(wildcard), asked by the container at \(asked)"])
    try show(
      exchanges, "the container throws away what comes from an address that it did not ask",
      unless: Verdict.onTheFault(exchanges))
  }

  private static func showTheMend(_ scenario: Scenario) throws(DemoFailure) {
    let local = Endpoint(.loopbackIPv4, Scenario.port)
    let service = try EchoService(on: local, in: scenario.host)
    let relay = try RelayProcess(in: scenario.host)
    defer { relay.kill() }
    print(["", "With multihomed: the same service, moved to \(local)"])
    print(["  $ \(RelayProcess.command.joined(separator: " "))", "  \(relay.ready)"])
    let asked = Endpoint(Scenario.eth0, Scenario.port)
    let exchanges = try ask(asked, from: Scenario.container, times: 3, of: service, scenario)
    try show(exchanges, unless: Verdict.onTheMend(exchanges))
    if scenario.hasIPv6 {
      let asked = Endpoint(Scenario.eth0v6, Scenario.port)
      let exchanges = try ask(asked, from: Scenario.containerV6, times: 1, of: service, scenario)
      let remark = "over IPv6, too, although the service speaks IPv4 only"
      try show(exchanges, remark, unless: Verdict.onTheMend(exchanges))
    }
  }

  /// Prints what was seen, and the remark only where it is true.
  private static func show(
    _ exchanges: [Exchange], _ remark: String? = nil, unless complaint: String?
  ) throws(DemoFailure) {
    print(Transcript.trace(exchanges) + [Transcript.tally(exchanges, complaint == nil ? remark : nil)])
    if let complaint { throw DemoFailure(complaint) }
  }

  private static func ask(
    _ asked: Endpoint, from address: IPAddress, times: Int, of service: EchoService, _ scenario: Scenario
  ) throws(DemoFailure) -> [Exchange] {
    let client = try Client(at: address, asking: asked, in: scenario.containerNamespace)
    var exchanges: [Exchange] = []
    for number in 1...times { exchanges.append(try client.ask("ask \(number)", while: service)) }
    return exchanges
  }

  private static func print(_ lines: [String]) {
    for line in lines { StandardOutput.write(line: line) }
  }
}
