import Glibc
import Linux
import Support
import Testing

import Operator

/// The command's side of the admin socket, in front of services that are not what they should be.
@Suite struct InstanceTests {
  /// Answers each connection with some bytes; or with nothing, and goes on listening.
  private final class FakeProcess: @unchecked Sendable {
    let path: String
    private let listening: ListeningSocket
    private let thread: Linux.Thread
    private let isEnding = Monitor(false)

    init(_ path: String, answer: String?) throws {
      self.path = path
      let listening = try ListeningSocket(at: path, mode: 0o600)
      self.listening = listening
      thread = try Linux.Thread(named: "fake") { [isEnding] in
        while !isEnding.with({ $0 }) {
          guard (try? listening.socket.waitUntilReadable(within: .milliseconds(20))) == true else { continue }
          let client = accept(listening.socket.descriptor, nil, nil)
          guard client >= 0, let answer else { continue }
          var bytes = [UInt8](repeating: 0, count: 4_096)
          if unsafe read(client, &bytes, bytes.count) > 0 {
            _ = unsafe send(client, answer, answer.utf8.count, Int32(MSG_NOSIGNAL))
          }
          close(client)
        }
      }
    }

    func stop() {
      isEnding.with { $0 = true }
      thread.join()
      listening.close()
    }
  }

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
    #expect(try failure("HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\nnot me") == "not me")
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
    #expect(found.reachable.map(\.path) == [fake.path] && found.forbidden.isEmpty && found.troubled.isEmpty)
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

  @Test func aPidIsANumber() {
    for wrong in ["", "x", "0", "-1"] {
      #expect(throws: OperatorFailure.self) { try InstanceChoice(path: nil, pid: wrong, environment: [:]) }
    }
  }
}

extension UnixAddress {
  fileprivate func bind(_ descriptor: Int32) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let result = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe Glibc.bind(descriptor, $0, size) }
    }
    if result < 0 { throw Errno(errno) }
  }
}
