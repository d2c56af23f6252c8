public import Linux

/// A service that does with each datagram what the datagram says, in a program of its own, so that it can be stopped and
/// killed (see Tests/FaultInjection/service.c).
public final class ServiceProgram: Sendable {
  /// The program.
  public let process: ManagedProcess
  /// Where it listens.
  public let endpoint: Endpoint

  /// Starts one; from now on it receives.
  ///
  /// - Parameter receiveBuffer: SO_RCVBUF in bytes; nil for as much as there is.
  /// - Throws: `TestFailure` when it cannot be compiled, or does not start.
  public init(
    on endpoint: Endpoint, in namespace: NetworkNamespace? = nil, receiveBuffer: Int? = nil,
    file: StaticString = #fileID, line: UInt = #line
  ) throws {
    self.endpoint = endpoint
    let arguments = ["\(endpoint.address)", "\(endpoint.port)"] + (receiveBuffer.map { ["\($0)"] } ?? [])
    process = try ManagedProcess(try FaultInjection.compiled("service.c"), arguments, in: namespace)
    try process.waitForLine(containing: "ready", file: file, line: line)
  }

  /// What to ask it.
  public struct Request: Hashable, Sendable {
    /// How many replies, at most 255.
    public var replies: UInt8 = 1
    /// How long each waits, in steps of 10 ms, at most 2.5 s. A delayed reply has at most 64 bytes.
    public var delay: UInt8 = 0
    /// Bytes of each reply; 0 for an echo.
    public var replySize: UInt16 = 0

    /// A plain echo, changed in some way.
    public init(_ change: (inout Request) -> Void = { _ in }) { change(&self) }

    /// The bytes to send.
    public func bytes(_ text: String = "") -> [UInt8] {
      [replies, delay, UInt8(replySize >> 8), UInt8(truncatingIfNeeded: replySize)] + [UInt8](text.utf8)
    }
  }
}
