import Linux
import Relay
import Service
import Testing

/// What a reload finds different.
@Suite struct ConfigurationChangeTests {
  private func change(from old: String, to new: String) throws -> (ConfigurationChange, next: ProcessConfiguration) {
    let before = try ConfigurationFile.decode([UInt8](old.utf8), of: "old")
    var after = try ConfigurationFile.decode([UInt8](new.utf8), of: "new")
    var next = before.relays.count
    after.takeIdentities(of: before, next: &next)
    let limits = HostLimits(descriptors: 1024, ephemeralPorts: 28_232)
    return (ConfigurationChange(from: before, to: after) { $0.plans(workers: 1, echo: nil, limits) }, after)
  }

  /// A relay's table; a line that is given takes the place of the usual one.
  private func relay(_ name: String, _ line: String = "") -> String {
    let usual = ["listen = ['5000-5010']", "backend = '127.0.0.1:6000-6010'"]
    let key = line.prefix { $0 != " " }
    let lines = usual.filter { key.isEmpty || !$0.hasPrefix(key) } + [line]
    return "[[relay]]\nname = '\(name)'\n\(lines.joined(separator: "\n"))\n"
  }

  @Test func whatIsTheSameIsKept() throws {
    let (change, _) = try change(from: relay("a"), to: relay("a"))
    #expect(change.kept.map(\.name) == ["a"] && change.begun.isEmpty && change.ended.isEmpty && change.waiting.isEmpty)
  }

  @Test(arguments: [
    "idle-timeout = '5s'", "unreplied-timeout = '5s'", "responses = 1", "interfaces = ['eth0']", "loopback = true",
  ])
  func whatItsSessionsBearIsKept(_ line: String) throws {
    let (change, next) = try change(from: relay("a"), to: relay("a", line))
    #expect(change.kept.map(\.name) == ["a"] && change.begun.isEmpty)
    #expect(next.relays[0].id == RelayID(0))
  }

  @Test(arguments: [
    "backend = '127.0.0.1:7000-7010'", "backend = '127.0.0.2:6000-6010'", "upstream = 'connected'",
    "source-pool = '127.128.0.0/9'", "max-sessions = 5", "listen = ['5001-5011']",
  ])
  func whatItsSessionsCannotBearBeginsAnewUnderItsName(_ line: String) throws {
    let (change, next) = try change(from: relay("a"), to: relay("a", line))
    #expect(change.begun.map(\.name) == ["a"] && change.kept.isEmpty && change.ended.isEmpty)
    #expect(next.relays[0].id == RelayID(0))
  }

  @Test func aNameThatComesGetsAnIdentityOfItsOwnAndOneThatGoesEnds() throws {
    let (change, next) = try change(
      from: relay("a") + relay("b", "listen = ['80-90']"), to: relay("c", "listen = ['80-90']") + relay("a"))
    #expect(change.begun.map(\.name) == ["c"] && change.kept.map(\.name) == ["a"])
    #expect(change.ended == [RelayID(1)])
    #expect(next.relays.map(\.id) == [RelayID(2), RelayID(0)])
  }

  @Test func whatTakesARestartIsTold() throws {
    let (change, _) = try change(
      from: relay("a"), to: "workers = 2\nbusy-poll = '1us'\nlog-level = 'debug'\n" + relay("a"))
    #expect(change.waiting == [.workers, .busyPoll])
  }
}
