import Glibc
import Linux
import Support

/// A host with a relay on it, and a client on the same wire.
final class RelayedHost: Sendable {
  let network: PairNetwork
  let port: UInt16
  let relay: MultihomedProcess
  var host: NetworkNamespace { network.host }
  var client: NetworkNamespace { network.client }
  var kernel: KernelView { KernelView(relay) }

  /// Starts a relay on a port, with the built-in echo unless a backend is named.
  init(
    _ network: PairNetwork, port: UInt16 = 5678, backend: String = "echo", _ arguments: [String] = [],
    file: StaticString = #fileID, line: UInt = #line
  ) throws {
    self.network = network
    self.port = port
    relay = try MultihomedProcess.start(
      in: network.host, ["relay", "--listen", "\(port)", "--backend", backend] + arguments, file: file, line: line)
  }

  /// A client's socket that is bound to no address and connected to nobody: ICMP errors do not reach it.
  func open(_ family: IPAddress = .anyIPv4) throws -> UDPClient {
    try UDPClient(in: client, from: Endpoint(family.isIPv4 ? .anyIPv4 : .anyIPv6, 0))
  }

  /// Where an address is asked.
  func endpoint(_ address: String) throws -> Endpoint {
    guard let address = IPAddress(address) else { throw TestFailure("no address: \(address)") }
    return Endpoint(address, port)
  }

  /// Waits until an address answers, be it to a question that was asked a while ago.
  ///
  /// - Returns: when the first answer came.
  @discardableResult
  func waitForAnswer(
    from address: String, by asker: UDPClient? = nil, within limit: Nanoseconds = .seconds(10),
    file: StaticString = #fileID, line: UInt = #line
  ) throws -> Instant {
    let address = try endpoint(address).address
    let asker = try asker ?? open(address)
    return try eventually("an answer from \(address)", within: limit, file: file, line: line) {
      try answers(address, to: asker) ? .now : nil
    }
  }

  /// Whether an address answers what it is asked from now on; no answer to an earlier question is under way any more.
  func answersAnew(_ address: IPAddress, to asker: UDPClient) throws -> Bool {
    while try asker.receive(within: .zero) != nil {}
    return try answers(address, to: asker)
  }

  /// Whether an address answers at once; from no other address may an answer come.
  private func answers(
    _ address: IPAddress, to asker: UDPClient, within limit: Nanoseconds = .milliseconds(5)
  ) throws -> Bool {
    let asked = Endpoint(address, port)
    do throws(Errno) { try asker.send("\(asked)", to: asked) } catch {
      // The client has no way to it right now.
      let passing: [Errno] = [.again, .networkUnreachable, .hostUnreachable, .invalidArgument, .addressNotAvailable]
      if passing.contains(error) { return false }
      throw error
    }
    while let reply = try asker.receive(within: limit) {
      // It says who was asked; it may be the answer to an earlier question.
      let said = String(decoding: reply.bytes, as: UTF8.self)
      guard said == "\(reply.from)" else { throw TestFailure("\(said) was asked, \(reply.from) answered") }
      if reply.from == asked { return true }
    }
    return false
  }

  /// The addresses of the host that a relay without filters must serve, without their scopes, sorted.
  func eligible() throws -> [IPAddress] {
    try host.addresses().filter { $0.isUp && !$0.address.isLoopback }.map { $0.address.scoped(0) }
      .sorted(by: KernelView.isBefore)
  }

  /// Waits until there is a socket on every eligible address and on no other. Those of removed addresses are kept for the
  /// grace.
  func waitUntilExactlyTheEligibleAreServed(
    within limit: Nanoseconds = .seconds(10), file: StaticString = #fileID, line: UInt = #line
  ) throws {
    do {
      try eventually(within: limit) { try kernel.addresses(at: port) == eligible() }
    } catch is TestFailure {
      let (served, eligible) = try (kernel.addresses(at: port), eligible())
      let (more, less) = (Set(served).subtracting(eligible), Set(eligible).subtracting(served))
      throw TestFailure(
        "\(served.count) addresses are served, \(eligible.count) are eligible; wrongly served: \(more); not served: "
          + "\(less)", file: file, line: line)
    }
  }

  /// How many descriptors the relay has open when all is as it will stay: the link-local address has come, too.
  func settledDescriptors(file: StaticString = #fileID, line: UInt = #line) throws -> Int {
    _ = try host.linkLocal(of: "eth0")
    try waitUntilExactlyTheEligibleAreServed(file: file, line: line)
    return kernel.descriptors
  }

  /// The one relay's counters.
  func counters() throws -> JSON { try firstRelay(of: relay.counters()) }

  func firstRelay(of line: JSON) throws -> JSON {
    guard let counters = line["counters"]?["relays"]?[0] else { throw TestFailure("no counters in \(line)") }
    return counters
  }

  /// How many datagrams were dropped for a reason.
  func dropped(_ reason: String) throws -> Int { try counters()["dropped"]?[reason]?.integer ?? 0 }

  /// How many sessions there are, and how many there have been.
  func sessions() throws -> (now: Int?, created: Int?) {
    let counters = try counters()
    return (counters["sessions"]?.integer, counters["sessions_created"]?.integer)
  }
}

/// Numbered datagrams at an even pace from a thread of their own, until they are stopped: whatever is lost is noticed.
final class PacedTraffic: Sendable {
  private struct State {
    var isStopping = false
    var sent = 0
    var answered = 0
    /// From question to answer.
    var delays: [Nanoseconds] = []
    var failure: String?
  }

  private let state = Monitor(State())
  private let thread: Linux.Thread

  /// Begins.
  ///
  /// - Parameter start: what each begins with, before its number: what the service is to do.
  init(
    _ client: UDPClient, to peer: Endpoint, every period: Nanoseconds = .milliseconds(isSanitized ? 5 : 1),
    start: [UInt8] = []
  ) throws {
    thread = try Linux.Thread(named: "paced") { [state] in
      do { try Self.run(client, peer, period, start, state) } catch { state.with { $0.failure = "\(error)" } }
    }
  }

  private static func run(
    _ client: UDPClient, _ peer: Endpoint, _ period: Nanoseconds, _ start: [UInt8], _ state: Monitor<State>
  ) throws {
    var due = Instant.now
    var next = 0
    var times: [Instant] = []
    func note(_ reply: [UInt8]) {
      let number = Int(String(decoding: reply.dropFirst(start.count), as: UTF8.self))
      let delay = number.flatMap { times.indices.contains($0) ? Instant.now - times[$0] : nil }
      state.with {
        $0.answered += 1
        if let delay { $0.delays.append(delay) }
      }
    }
    while !state.with({ $0.isStopping }) {
      times.append(.now)
      try client.send(start + Array("\(next)".utf8), to: peer)
      next += 1
      state.with { $0.sent = next }
      due = due + period
      while case let left = due - .now, left.count > 0 {
        if let reply = try client.receive(within: left) { note(reply.bytes) }
      }
    }
    // What is under way may still arrive.
    while state.with({ $0.answered < $0.sent }), let reply = try client.receive(within: .seconds(2)) {
      note(reply.bytes)
    }
  }

  /// How many were answered until now.
  ///
  /// - Throws: `TestFailure` when the traffic has ended by itself.
  func answered() throws -> Int { try state.with { try Self.check($0).answered } }

  /// How long answers took since this was asked before, the shortest first; only of a service that echoes.
  func takeDelays() -> [Nanoseconds] {
    state.with { state in
      defer { state.delays = [] }
      return state.delays.sorted()
    }
  }

  private static func check(_ state: State) throws -> State {
    if let failure = state.failure { throw TestFailure("paced traffic ended: \(failure)") }
    return state
  }

  /// Ends, after what is under way had time to arrive.
  ///
  /// - Returns: how many were sent and how many answered.
  func stop() throws -> (sent: Int, answered: Int) {
    state.with { $0.isStopping = true }
    thread.join()
    let state = try state.with { try Self.check($0) }
    return (state.sent, state.answered)
  }
}

/// A service that echoes; but to whoever says `push` it sends on and on, unasked, until it is stopped or this object goes.
final class PushingService: Sendable {
  private struct State {
    var isStopping = false
    var clients: [Endpoint] = []
    var pushed = 0
  }

  let endpoint: Endpoint
  private let state = Monitor(State())
  private let thread: Linux.Thread

  init(on address: IPAddress, in namespace: NetworkNamespace) throws {
    let socket = try UDPClient(in: namespace, from: Endpoint(address, 0))
    endpoint = try socket.localEndpoint()
    thread = try Linux.Thread(named: "pushing") { [state] in
      let push = [UInt8]("push".utf8)
      var pushed: [Endpoint] = []
      while !state.with({ $0.isStopping }) {
        if let message = try? socket.receive(within: .milliseconds(1)) {
          if message.bytes == push { pushed.append(message.from) }
          state.with { if !$0.clients.contains(message.from) { $0.clients.append(message.from) } }
          try? socket.send(message.bytes, to: message.from)
        }
        // An error tells of an earlier one that found nobody.
        for client in Set(pushed) { try? socket.send(push, to: client) }
        state.with { $0.pushed += pushed.count }
      }
    }
  }

  deinit {
    state.with { $0.isStopping = true }
    thread.join()
  }

  /// Who has asked, in the order in which each came first.
  var clients: [Endpoint] { state.with { $0.clients } }

  /// How often it has pushed.
  var pushed: Int { state.with { $0.pushed } }
}
