import Glibc
import Linux
import Support
import Testing

/// Addresses that come and go while the relay serves.
@Suite(.serialized, .enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"))
struct AddressChangeTests {
  // MARK: Added

  enum Kind: String, CaseIterable, Sendable {
    case ipv4 = "IPv4"
    case ipv6 = "IPv6 without duplicate address detection"
    case ipv6Detected = "IPv6 with duplicate address detection"

    func address(_ number: Int) -> String { self == .ipv4 ? "10.7.0.\(number)" : "fd07::\(number)" }
    var prefix: String { self == .ipv4 ? "/16" : "/64" }
  }

  /// The kernel says when an address is usable (it can be bound), the client when it answers. Five additions, so that one
  /// bad moment of a busy machine decides nothing.
  @Test(arguments: Kind.allCases)
  func anAddedAddressAnswersWithin100MillisecondsOfBeingUsable(kind: Kind) throws {
    let host = try RelayedHost(try PairNetwork())
    // By way of an address that the client's kernel has found already, which it would else have to begin with.
    try host.client.ip(["route add 10.7.0.0/16 via 10.1.0.1", "route add fd07::/64 via fd01::1"])
    for known in ["10.1.0.1", "fd01::1"] { try host.waitForAnswer(from: known) }
    let addresses = (1...5).map { kind.address($0) }
    let delays = Monitor<[Double]>([])
    let watchers = try addresses.map { text in
      let address = try #require(IPAddress(text))
      return try Linux.Thread(named: "watcher") {
        guard let delay = try? Self.delay(of: address, host) else { return }
        delays.with { $0.append(delay) }
      }
    }
    // One by one, but those whose detection takes its time together.
    if kind == .ipv6Detected {
      try host.host.add(addresses.map { $0 + kind.prefix }, to: "eth0", awaitsDuplicates: true)
    } else {
      for (number, address) in addresses.enumerated() {
        try host.host.add([address + kind.prefix], to: "eth0")
        try eventually("an answer") { delays.with { $0.count > number } }
      }
    }
    for watcher in watchers { watcher.join() }
    let sorted = delays.with { $0.sorted() }
    print("FIGURE \(kind.rawValue): usable to answering, ms:", sorted.map { ($0 * 10).rounded() / 10 })
    #expect(sorted.count == 5)
    #expect(sorted.count == 5 && sorted[2] <= 100, "the median of \(sorted) ms")
  }

  /// From when the address can be bound until it answers, in milliseconds.
  private static func delay(of address: IPAddress, _ host: RelayedHost) throws -> Double {
    let usable = try host.host.run { () throws(Errno) in
      while true {
        do throws(Errno) {
          try Socket(udpFor: address).bind(to: Endpoint(address, 0))
          return Instant.now
        } catch {
          if error != .addressNotAvailable { throw error }
        }
        usleep(300)
      }
    }
    let answered = try host.waitForAnswer(from: "\(address)")
    return Double((answered - usable).count) / 1e6
  }

  @Test func anAddressStillInDetectionAtTheStartIsServedAfterIt() throws {
    let network = try PairNetwork()
    // Long enough for the slowest start: a probe a second.
    try network.host.set("net/ipv6/conf/eth0/dad_transmits", to: "4")
    try network.host.add(["fd01::3/64"], to: "eth0", awaitsDuplicates: true)
    let host = try RelayedHost(network)
    #expect(host.relay.ready.hasPrefix("ready: "))
    try host.relay.process.waitForLine(containing: "address is not usable yet")
    try host.waitForAnswer(from: "10.1.0.1")
    try host.waitForAnswer(from: "fd01::3")
  }

  // MARK: Removed

  struct Removal: Sendable, CustomTestStringConvertible {
    let removed, stays, prefix: String
    let backend: IPAddress
    let arguments: [String]
    let testDescription: String
  }

  static let removals = [
    Removal(
      removed: "10.1.0.9", stays: "10.1.0.1", prefix: "/16", backend: .loopbackIPv4, arguments: [],
      testDescription: "IPv4, multiplexed"),
    Removal(
      removed: "fd01::9", stays: "fd01::1", prefix: "/64", backend: .loopbackIPv4, arguments: ["--workers", "2"],
      testDescription: "IPv6, multiplexed, two workers"),
    Removal(
      removed: "fd01::9", stays: "fd01::1", prefix: "/64", backend: .loopbackIPv6, arguments: [],
      testDescription: "IPv6, connected"),
  ]

  /// The service sends on and on to the client of the removed address; nothing of it may be seen on the wire any more.
  @Test(arguments: removals)
  func nothingLeavesFromARemovedAddressAndTheOthersDoNotNotice(removal: Removal) throws {
    let network = try PairNetwork()
    try network.host.add([removal.removed + removal.prefix], to: "eth0")
    let service = try PushingService(on: removal.backend, in: network.host)
    let host = try RelayedHost(network, backend: "\(service.endpoint)", removal.arguments)
    let removed = try host.endpoint(removal.removed)
    let stays = try host.endpoint(removal.stays)
    let paced = try PacedTraffic(host.open(stays.address), to: stays)
    let pushed = try host.open(removed.address)
    try pushed.send("push", to: removed)
    for _ in 1...100 { #expect(try pushed.receive()?.from == removed) }

    let wire = try PacketCapture(interface: "eth0", in: network.client)
    try network.host.remove([removal.removed + removal.prefix], from: "eth0")
    try host.relay.process.waitForLine(containing: "address is gone; its sessions wait for it")
    // From now on the worker that has the session drops what comes for it.
    let before = try eventually("a dropped reply") { try host.dropped("address_removed") as Int? }
    try eventually("a dropped reply") { try host.dropped("address_removed") > before }
    _ = try wire.drain()
    let answeredBefore = try paced.answered()
    try eventually("some hundred more dropped replies") { try host.dropped("address_removed") > before + 300 }
    try eventually("some more answers from the other address") { try paced.answered() > answeredBefore + 100 }

    let seen = try wire.drain()
    #expect(try wire.losses() == 0)
    #expect(seen.filter { $0.packet.source == removed.address } == [])
    #expect(seen.contains { $0.packet.udp?.source == stays })

    // Back within the grace: the same sessions go on, and the service sees nobody new.
    let clients = service.clients
    while try pushed.receive(within: .milliseconds(1)) != nil {}
    try network.host.add([removal.removed + removal.prefix], to: "eth0")
    #expect(try pushed.receive(within: .seconds(5))?.from == removed)
    try pushed.send("again", to: removed)
    try eventually("an echo") { try pushed.receive()?.bytes == [UInt8]("again".utf8) }
    #expect(service.clients == clients)
    #expect(try host.sessions() == (2, 2))
    let (sent, answered) = try paced.stop()
    #expect(answered == sent)
  }

  /// The fact that makes the test above worth its while: the kernel would not stop by itself.
  @Test func anIPv6SocketKeepsSendingFromARemovedAddress() throws {
    let network = try PairNetwork()
    let address = try #require(IPAddress("fd01::1"))
    let socket = try UDPClient(in: network.host, from: Endpoint(address, 0))
    let wire = try PacketCapture(interface: "eth0", in: network.client)
    try network.host.remove(["fd01::1/64"], from: "eth0")
    // The subnet's route went with its last address.
    try network.host.add(["fd01::2/64"], to: "eth0")
    try socket.send("still here", to: Endpoint(#require(IPAddress("fd01::ffff")), 9))
    try eventually("a datagram from fd01::1") {
      try wire.drain().contains { $0.packet.source == address && $0.packet.udp != nil }
    }
  }

  /// Both upstream kinds, each in a process of its own, so that they wait out the grace together.
  @Test func anAddressThatDoesNotComeBackEndsItsSessionsAndItsListener() throws {
    let network = try PairNetwork()
    let service = try TestService(on: Endpoint(.loopbackIPv4, 0), in: network.host)
    let hosts = try ["multiplexed", "connected"].enumerated().map { number, upstream in
      try RelayedHost(
        network, port: UInt16(5678 + number), backend: "\(service.endpoint)", ["--upstream", upstream])
    }
    let before = try hosts.map { try $0.settledDescriptors() }
    try network.host.add(["10.1.0.9/16", "fd01::9/64"], to: "eth0")
    for host in hosts {
      for address in ["10.1.0.9", "fd01::9"] {
        let asked = try host.endpoint(address)
        try host.waitForAnswer(from: address)
        for _ in 1...9 { #expect(try host.open(asked.address).ask("hello", of: asked)?.from == asked) }
      }
    }
    let mark = hosts.map(\.relay.process.mark)
    let sessions = try hosts.map { try $0.sessions().now ?? 0 }
    #expect(sessions.allSatisfy { $0 >= 20 })

    let removal = Instant.now
    try network.host.remove(["10.1.0.9/16", "fd01::9/64"], from: "eth0")
    for (number, host) in hosts.enumerated() {
      try host.relay.process.waitForLine(
        containing: "address did not come back", since: mark[number], within: .seconds(20))
      #expect(Instant.now - removal >= .seconds(9))
      try eventually("the end of all sessions") { try host.sessions().now == 0 }
      #expect(try host.counters()["sessions_ended"]?["address_removed"]?.integer == sessions[number])
      try host.waitUntilExactlyTheEligibleAreServed()
      try eventually("as many descriptors as before") {
        host.kernel.descriptors == before[number]
      }
    }
    // It comes back all the same, much later: a new listener, new sessions.
    try network.host.add(["10.1.0.9/16"], to: "eth0")
    try hosts[0].waitForAnswer(from: "10.1.0.9")
  }

  // MARK: In the way

  @Test func aPortThatAnotherHoldsOnAnAddedAddressIsReportedAndServedOnceItIsFree() throws {
    let network = try PairNetwork()
    try network.host.set("net/ipv4/ip_nonlocal_bind", to: "1")
    let taken = try #require(Endpoint("10.1.0.9:5678"))
    var holder: UDPClient? = try UDPClient(in: network.host, from: taken)
    let host = try RelayedHost(network)
    try network.host.add(["10.1.0.9/16", "10.1.0.10/16"], to: "eth0")
    let line = try host.relay.process.waitForLine(containing: "another process holds")
    #expect(line.contains("10.1.0.9:5678"))
    #expect(line.contains("(pid \(getpid()))"))
    try host.waitForAnswer(from: "10.1.0.10")
    // Each further address rings, and at each ring the taken one is tried again; said once.
    for address in ["10.1.0.11", "10.1.0.12", "10.1.0.13"] {
      try network.host.add(["\(address)/16"], to: "eth0")
      try host.waitForAnswer(from: address)
    }
    #expect(host.relay.process.lines().filter { $0.contains("another process holds") }.count == 1)
    #expect(holder != nil)
    holder = nil
    try host.waitForAnswer(from: "10.1.0.9", within: .seconds(15))
    try host.waitUntilExactlyTheEligibleAreServed()
  }
}
