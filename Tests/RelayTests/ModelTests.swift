import Linux
import Relay
import Testing

/// Drives the core through random lives beside a plain reference model, with every seed other limits, clients and times.
///
/// `MULTIHOMED_MODEL_STEPS` says how many steps each run takes at least in all; a step is one received message, or one
/// thing else: time passes, sessions expire, a listener goes. `MULTIHOMED_MODEL_SEED` repeats the run that failed.
@Suite struct ModelTests {
  /// Release builds take 10^7 steps; debug builds, in which the model alone is fifty times slower, a hundredth.
  #if DEBUG
    private static let standardSteps = 100_000
  #else
    private static let standardSteps = 10_000_000
  #endif

  @Test(arguments: Scenario.Kind.allCases)
  func theCoreDoesWhatThePlainModelDoes(kind: Scenario.Kind) throws {
    let environment = Environment.variables
    let steps = environment["MULTIHOMED_MODEL_STEPS"].flatMap { Int($0) } ?? Self.standardSteps
    let given = environment["MULTIHOMED_MODEL_SEED"].flatMap { UInt64($0) }
    var seed = given ?? UInt64.random(in: 0..<1 << 48)
    var tally = Tally()
    while tally.steps < steps / Scenario.Kind.allCases.count {
      let world = try World(kind, seed: seed)
      do {
        try world.run()
      } catch let divergence as Divergence {
        let place = "\(kind) upstream, step \(world.steps) of \(world.scenario.steps)"
        Issue.record("\(divergence) (\(place)); to repeat it: MULTIHOMED_MODEL_SEED=\(seed)")
        return
      }
      tally.add(world)
      seed &+= 1
    }
    if tally.steps >= 1_000_000 { tally.expectEverything(kind) }
  }
}

/// What has happened in all the lives: a model test in which something never happens would say nothing about it.
private struct Tally {
  var steps = 0
  private var drops: [DropReason: UInt64] = [:]
  private var ends: [EndReason: UInt64] = [:]
  private var trains = 0

  mutating func add(_ world: World) {
    steps += world.steps
    for reason in DropReason.allCases { drops[reason, default: 0] += world.counters.dropped(reason) }
    for reason in EndReason.allCases { ends[reason, default: 0] += world.counters.ended(reason) }
    trains += world.multipleDatagramTrains
  }

  func expectEverything(_ kind: Scenario.Kind) {
    // What the I/O shell drops, the core does not.
    var never: Set<DropReason> = [.upstreamUnavailable, .addressRemoved]
    if kind == .connected { never.formUnion([.ownUpstream, .sourcesExhausted]) }
    for reason in DropReason.allCases {
      #expect((drops[reason, default: 0] > 100) != never.contains(reason), "dropped \(reason): \(drops[reason] ?? 0)")
    }
    for reason in EndReason.allCases where kind == .connected || reason != .upstreamUnavailable {
      #expect(ends[reason, default: 0] > 100, "ended \(reason): \(ends[reason] ?? 0)")
    }
    #expect(trains > 1_000)
  }
}
