import Glibc
import Linux
import Support

/// The process that has taken a relay's place. It writes where that one wrote.
final class Heir {
  let processID: Int32
  /// What it said of the sessions.
  let sessions: Int
  let lost: Int
  private let output: ManagedProcess

  /// Has a relay's process, or one that has taken over from it, replaced.
  ///
  /// - Parameters:
  ///   - relay: the one that was started at the very first.
  ///   - predecessor: the one whose place is taken; nil for the first.
  init(of relay: MultihomedProcess, after predecessor: Heir? = nil) throws {
    output = relay.process
    let mark = output.mark
    let old = predecessor?.processID ?? output.processID
    kill(old, SIGUSR2)
    let line = try JSON(
      parsing: output.waitForLine(
        containing: "took over from another process", of: .error, since: mark, within: .seconds(30)))
    processID = try Self.number("pid", line)
    sessions = try Self.number("sessions", line)
    lost = try Self.number("lost", line)
    try output.waitForLine("that begins with ready", since: mark) { $0.hasPrefix("ready") }
    try eventually("the old process ends") { output.exit != nil && !ProcFile.names(in: "/proc").contains("\(old)") }
  }

  deinit { kill(processID, SIGKILL) }

  private static func number(_ key: String, _ line: JSON) throws -> Int32 {
    guard let text = line[key]?.string, let number = Int32(text) else { throw TestFailure("no \(key) in \(line)") }
    return number
  }

  private static func number(_ key: String, _ line: JSON) throws -> Int { Int(try number(key, line) as Int32) }

  /// How many descriptors it has open.
  var descriptors: Int { ProcFile.names(in: "/proc/\(processID)/fd").count }

  /// What it counts now, of its first relay.
  func ledger() throws -> Ledger {
    let mark = output.mark
    kill(processID, SIGUSR1)
    let line = try output.waitForLine(containing: "\"counters\"", of: .error, since: mark)
    return try Ledger(JSON(parsing: line))
  }

  /// Ends it in good order.
  func stop() throws {
    kill(processID, SIGTERM)
    try eventually("it ends", within: .seconds(20)) { output.hasEnded }
  }
}

/// A program of ours that may be replaced on disk while it runs.
final class ReplaceableProgram {
  let path: String
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    path = "\(folder.path)/multihomed"
    try restore()
  }

  /// Puts the real one there.
  func restore() throws {
    try ManagedProcess.run("cp", ["--remove-destination", try MultihomedProcess.path(), path])
  }

  /// Puts a shell script there. Its standard input is the conversation with the process whose place it should take.
  func replace(by script: String) throws {
    let new = try folder.write("#!/bin/sh\n\(script)\n", to: "script")
    try ManagedProcess.run("chmod", ["755", new])
    try ManagedProcess.run("mv", ["-f", new, path])
  }

  func remove() { _ = unsafe unlink(path) }
}
