import Glibc
import Linux
import Support
import Testing

import Operator

/// The command's side of the admin socket, in front of services that are not what they should be.
@Suite struct InstanceTests {
  private func failure(_ answer: String?) throws -> String? {
    let folder = try TemporaryFolder()
    let fake = try FakeProcess("\(folder.path)/1.sock", answer: answer)
    defer { fake.stop() }
    do throws(OperatorFailure) {
      _ = try StatusCommand.run(
        try InstanceChoice(path: fake.path, pid: nil, environment: [:]), isJSON: false)
      return nil
    } catch { return error.message }
  }

  @Test func whatIsNoRelayIsSaid() throws {
    #expect(try failure("SSH-2.0\r\n\r\n") == "what listens there answers strangely: is it a relay of this version?")
    #expect(try failure("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")?.contains("cannot be read") == true)
    #expect(try failure("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")?.contains("is no JSON") == true)
    #expect(try failure("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")?.contains("broke off") == true)
    let metrics = try failure("HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\nnot me")
    #expect(metrics?.contains("is not the admin socket of a relay, perhaps its socket for metrics") == true)
    #expect(try failure("") == "the relay broke off its answer; is it ending?")
  }

  @Test func whatDoesNotAnswerIsGivenUp() throws {
    let began = Instant.now
    #expect(try failure(nil)?.contains("does not answer") == true)
    #expect(Instant.now - began >= .milliseconds(4_900))
  }

  @Test func aSocketThatNobodyListensOnIsPassedOverAndRemoved() throws {
    let folder = try TemporaryFolder()
    let dead = "\(folder.path)/2.sock"
    // Left behind: closed, but not removed.
    do {
      let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(socket) }
      try UnixAddress(dead).bind(socket)
    }
    try folder.write("no socket", to: "3.sock")
    let fake = try FakeProcess("\(folder.path)/1.sock", answer: "")
    defer { fake.stop() }
    let found = Instances(in: [folder.path, "/nowhere"])
    #expect(found.reachable.map(\.client.path) == [fake.path] && found.missed.isEmpty)
    #expect(Set(ProcFile.names(in: folder.path)) == ["1.sock", "3.sock"])
  }

  @Test func whereNobodyIsThatIsSaid() throws {
    let folder = try TemporaryFolder()
    do throws(OperatorFailure) {
      _ = try StatusCommand.run(
        try InstanceChoice(path: "\(folder.path)/none.sock", pid: nil, environment: [:]), isJSON: false)
      Issue.record("somebody was there")
    } catch {
      #expect(error.message == "there is no \(folder.path)/none.sock; is the relay running? see: multihomed status")
      #expect(error.exitCode == 1)
    }
  }

  @Test func socketsAreFoundInFoldersOfServicesToo() throws {
    let folder = try TemporaryFolder()
    try #require(unsafe mkdir("\(folder.path)/multihomed@dns.service", 0o700) == 0)
    let fakes = try ["1.sock", "multihomed@dns.service/admin.sock"].map {
      try FakeProcess("\(folder.path)/\($0)", answer: FakeProcess.status())
    }
    defer { for fake in fakes { fake.stop() } }
    #expect(Instances(in: [folder.path]).reachable.map(\.client.path) == fakes.map(\.path))
  }

  /// One that hangs is neither passed over nor taken for one that is not there.
  @Test func whoeverCannotBeAskedIsTold() throws {
    let folder = try TemporaryFolder()
    let good = try FakeProcess("\(folder.path)/1.sock", answer: FakeProcess.status())
    let broken = try FakeProcess("\(folder.path)/2.sock", answer: "")
    defer { for fake in [good, broken] { fake.stop() } }
    let choice = try InstanceChoice(folders: [folder.path])
    let answer = try StatusCommand.run(choice, isJSON: false)
    #expect(!answer.isHealthy && answer.lines.first?.hasPrefix("multihomed 1, pid ") == true)
    #expect(answer.failures == ["the relay broke off its answer; is it ending?"])
    do throws(OperatorFailure) {
      _ = try LogLevelCommand.run(choice, level: "debug")
      Issue.record("one was chosen")
    } catch {
      #expect(error.exitCode == 64)
      #expect(error.message.hasPrefix("2 processes are running; say which by --pid: "))
      #expect(error.message.hasSuffix("; the relay broke off its answer; is it ending?"))
    }
  }

  @Test func whoeverIsReadyIsToldInAWord() throws {
    let folder = try TemporaryFolder()
    func word(_ answer: String?) throws -> (line: String, isReady: Bool) {
      let fake = try FakeProcess("\(folder.path)/1.sock", answer: answer)
      defer { fake.stop() }
      return try ReadyCommand.run(try InstanceChoice(folders: [folder.path]))
    }
    #expect(try word(FakeProcess.http("ready\n")) == ("ready", true))
    let unready = FakeProcess.http("no listener is up\n", status: "503 Service Unavailable")
    #expect(try word(unready) == ("no listener is up", false))
    #expect(throws: OperatorFailure.self) { try word(FakeProcess.http("", status: "404 Not Found")) }
    let began = Instant.now
    #expect(throws: OperatorFailure.self) { try word(nil) }
    #expect(Instant.now - began < .milliseconds(4_500))
  }

  @Test func whatIsNoSocketIsNotToldToBeRemoved() {
    for path in ["/etc/passwd", "/dev/null"] {
      do throws(OperatorFailure) {
        _ = try StatusCommand.run(try InstanceChoice(path: path, folders: []), isJSON: false)
        Issue.record("\(path) answered")
      } catch { #expect(error.message.hasPrefix("\(path) is no socket; give a relay's admin socket")) }
    }
  }

  @Test func aPidIsANumber() {
    for wrong in ["", "x", "0", "-1"] {
      #expect(throws: OperatorFailure.self) { try InstanceChoice(path: nil, pid: wrong, environment: [:]) }
    }
  }
}
