import Linux
import Relay

/// The conditions of one round of the model test: small tables, tiny pools and few clients, so that everything happens
/// often.
struct Scenario {
  enum Kind: String, CaseIterable, Sendable {
    case multiplexed
    case connected
  }

  let plan: RelayPlan
  let sources: SourceRange?
  let quarantine: UInt64
  let start: UInt64
  let listeners: Int
  let steps: Int
  /// Who may have a session, and who may not.
  let clients: [Endpoint]
  let upstreamPort: UInt16 = 40_000
  let broadcastAddresses: Set<UInt32> = [0x0a00_00ff, 0xc000_02ff]
  /// In a hundred: how many batches come from the backend.
  let replying: Int
  /// The longest pause that is usual, in nanoseconds.
  let usualPause: UInt64
  /// In a hundred: sockets that cannot be opened.
  let refusedSockets: Int

  init(_ kind: Kind, _ dice: inout Dice) {
    let maxSessions = dice.pick([1, 2, 3, 4, 5, 7, 8, 12, 16, 24])
    let range = SourceRange(
      first: dice.pick([0x7f40_0000, 0x7f01_0000, 0x7fff_ff00]), count: dice.pick([1, 2, 4, 8, 16, 32, 64, 200]))
    sources = kind == .multiplexed ? range : nil
    let isIPv4 = kind == .multiplexed || dice.percent(50)
    let ports: ClosedRange<UInt16> = dice.percent(50) ? 5678...5678 : 5678...5680
    plan = RelayPlan(
      name: "model", backend: isIPv4 ? .loopbackIPv4 : IPAddress(v6: 0x2001_0db8 << 32, 7), backendPorts: ports,
      upstream: kind == .multiplexed ? .multiplexed(range) : .connected,
      idleTimeout: dice.pick([.seconds(60), .seconds(60), .seconds(5), Nanoseconds(1)]),
      unrepliedTimeout: dice.pick([.seconds(30), .seconds(30), .seconds(90), Nanoseconds(1_000_003)]),
      maxSessions: maxSessions, responses: dice.pick([0, 0, 0, 1, 2, 5]))
    quarantine = dice.pick([
      120_000_000_000, 120_000_000_000, 1_000_000_000, 1 << 26, (1 << 26) - 1, 10_000_000, 3 << 26, 0,
    ])
    // Also right before the pool's ticks begin anew (2^57 ns), and right after the boot.
    start = dice.pick([0, 1 << 40, (1 << 57) - 200_000_000_000, (1 << 58) - 50_000_000_000]) + dice.next() % (1 << 36)
    listeners = dice.pick([1, 2, 3, 4])
    steps = dice.pick([2_000, 5_000, 10_000])
    replying = dice.pick([10, 40, 60, 80])
    usualPause = dice.pick([1_000_000, 100_000_000, 3_000_000_000, 40_000_000_000])
    refusedSockets = dice.pick([0, 0, 5, 30])
    clients = Self.clients(dice.pick([1, 3, 6, 12, 20, 40]), sources, upstreamPort, &dice)
  }

  /// Clients that differ in as little as an address, a port or a scope, and a few that are nobody.
  private static func clients(
    _ count: Int, _ sources: SourceRange?, _ upstreamPort: UInt16, _ dice: inout Dice
  ) -> [Endpoint] {
    var clients = (0..<count).map { _ in
      Endpoint(
        dice.pick([
          IPAddress(v4: 0xc0a8_6a02), IPAddress(v4: 0xc0a8_6a03), IPAddress(v6: 0x2001_0db8 << 32, 2),
          IPAddress(v6: 0xfe80 << 48, 1, scope: 2), IPAddress(v6: 0xfe80 << 48, 1, scope: 3),
          IPAddress(v4: 0x7f40_0001),
        ]), UInt16(1_024 + dice.below(8)))
    }
    let good = clients[0].address
    clients.append(
      dice.pick([
        Endpoint(good, 0), Endpoint(IPAddress(v4: 0xf000_0001), 7), Endpoint(IPAddress(v4: 0xffff_ffff), 7),
        Endpoint(IPAddress(v4: 0xc000_02ff), 7), Endpoint(IPAddress(v4: 0x0a00_00ff), 1_024),
        Endpoint(IPAddress(v4: sources?.first ?? 0x7f40_0000), upstreamPort),
        Endpoint(IPAddress(v4: (sources?.first ?? 0x7f40_0000) - 1), upstreamPort),
      ]))
    return clients
  }
}
