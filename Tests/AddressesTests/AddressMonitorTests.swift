import Addresses
import EventLoop
import Linux
import Testing

/// The monitor on a real loop, with snapshots that are made up and rings that the test gives. That the kernel rings when it
/// should is for the network tests, which have a network of their own.
@Suite struct AddressMonitorTests {
  /// A monitor, and what it did when.
  private final class Watch {
    let loop: Loop
    var results: [Result<Snapshot, Errno>]
    private(set) var monitor: AddressMonitor?
    private(set) var taken: [Instant] = []
    private(set) var told: [String] = []
    private var timers: [EventLoop.Timer] = []
    /// Called after every answer, with how many there were.
    var afterwards: (Int) -> Void = { _ in }

    /// - Parameter results: what the snapshots come to, the last one for ever.
    init(_ results: [Result<Snapshot, Errno>]) throws {
      self.results = results
      loop = try Loop()
      monitor = try AddressMonitor(loop, take: { [unowned self] in take() }, tell: { [unowned self] in tell($0) })
    }

    func ring() { monitor?.rung() }

    /// Runs the loop for so long.
    func run(for time: Nanoseconds) throws {
      let timer = try EventLoop.Timer(loop) { [unowned self] in loop.stop() }
      timer.start(after: time)
      loop.run()
      timer.close()
    }

    func close() {
      monitor?.close()
      loop.closeAll()
    }

    private func take() -> Result<Snapshot, Errno> {
      taken.append(.now)
      return results.count > 1 ? results.removeFirst() : results[0]
    }

    private func tell(_ event: AddressMonitor.Event) {
      switch event {
      case .changed(let snapshot): told.append("changed \(snapshot.interfaces.joined(separator: " "))")
      case .failed(let error): told.append("failed \(error.name)")
      }
      afterwards(told.count)
    }
  }

  private func snapshot(_ names: String...) -> Result<Snapshot, Errno> {
    .success(Snapshot(addresses: [], interfaces: names))
  }

  @Test func withoutARingNothingIsDone() throws {
    let watch = try Watch([snapshot("lo")])
    try watch.run(for: .milliseconds(50))
    watch.close()
    #expect(watch.taken.isEmpty && watch.told.isEmpty)
  }

  @Test func theFirstRingIsAnsweredAtOnce() throws {
    let watch = try Watch([snapshot("lo", "eth0")])
    watch.ring()
    #expect(watch.told == ["changed lo eth0"])
    try watch.run(for: .milliseconds(50))
    watch.close()
    #expect(watch.taken.count == 1)
  }

  @Test func aBurstIsAnsweredAtItsBeginningAndOnceAfterTheQuiet() throws {
    let watch = try Watch([snapshot("first"), snapshot("second"), snapshot("third")])
    for _ in 0..<1_000 { watch.ring() }
    #expect(watch.told == ["changed first"])
    try watch.run(for: .milliseconds(200))
    watch.close()
    #expect(watch.told == ["changed first", "changed second"])
    #expect(watch.taken[1] - watch.taken[0] >= .milliseconds(9))
  }

  @Test func aRingDuringAnAnswerIsNotLost() throws {
    let watch = try Watch([snapshot("first"), snapshot("second"), snapshot("third")])
    watch.afterwards = { [unowned watch] count in if count < 3 { watch.ring() } }
    watch.ring()
    try watch.run(for: .milliseconds(300))
    watch.close()
    #expect(watch.told == ["changed first", "changed second", "changed third"])
  }

  @Test func aFailedSnapshotIsToldAndTriedAgainUntilItSucceeds() throws {
    let watch = try Watch([.failure(.tooManyDescriptors), .failure(.noBuffers), snapshot("lo")])
    watch.afterwards = { [unowned watch] count in if count == 3 { watch.loop.stop() } }
    watch.ring()
    // Rings meanwhile do not hurry it: what is lacking is a descriptor, not news.
    watch.ring()
    #expect(watch.told == ["failed EMFILE"])
    try watch.run(for: .seconds(10))
    watch.close()
    #expect(watch.told == ["failed EMFILE", "failed ENOBUFS", "changed lo"])
    #expect(watch.taken[1] - watch.taken[0] >= .milliseconds(499))
  }

  @Test func aRingAfterTheQuietIsAnsweredAtOnceAgain() throws {
    let watch = try Watch([snapshot("first"), snapshot("second")])
    watch.ring()
    try watch.run(for: .milliseconds(50))
    watch.ring()
    #expect(watch.told == ["changed first", "changed second"])
    watch.close()
  }

  @Test func aSnapshotOfThisHostHasItsLoopback() throws {
    let snapshot = try AddressMonitor.takeSnapshot().get()
    #expect(snapshot.interfaces.contains("lo"))
    #expect(Set(snapshot.addresses).count == snapshot.addresses.count)
  }
}
