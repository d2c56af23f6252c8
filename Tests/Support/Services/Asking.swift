import Glibc
public import Linux

/// How a service is asked.
enum Question: Sendable {
  /// By a datagram, made for each asking, and how a reply to it is known.
  case datagram(@Sendable () -> [UInt8], isReply: @Sendable ([UInt8]) -> Bool)
  /// By its own client program: with which arguments, with what on standard input, and whether all that it has written
  /// until now tells of an answer.
  case program(
    String, arguments: @Sendable (Endpoint) -> [String], input: String = "", isAnswered: @Sendable (String) -> Bool)
}

/// A question that somebody has asked a service. It is given up when this object goes.
public final class Asking: Sendable {
  private enum Asker {
    case socket(UDPClient, question: [UInt8], isReply: @Sendable ([UInt8]) -> Bool)
    case program(ManagedProcess, isAnswered: @Sendable (String) -> Bool)
  }

  private let asker: Asker
  private let folder: TemporaryFolder?
  /// When a datagram is sent again, as clients do.
  private let repetition = Monitor(Instant.now + .seconds(1))

  init(_ question: Question, to endpoint: Endpoint, from namespace: NetworkNamespace) throws {
    switch question {
    case .datagram(let bytes, let isReply):
      let client = try UDPClient(in: namespace, to: endpoint)
      let question = bytes()
      try client.send(question)
      asker = .socket(client, question: question, isReply: isReply)
      folder = nil
    case .program(let program, let arguments, let input, let isAnswered):
      let folder = try TemporaryFolder()
      let process = try ManagedProcess(
        FetchedPrograms.demand(program), arguments(endpoint), in: namespace,
        environment: FetchedPrograms.environment.merging(["HOME": folder.path]) { $1 }, input: input)
      asker = .program(process, isAnswered: isAnswered)
      self.folder = folder
    }
  }

  /// Whether there was an answer; nil as long as one may come. To be read again and again until then.
  public var isAnswered: Bool? {
    switch asker {
    case .socket(let client, let question, let isReply):
      do throws(Errno) {
        if let reply = try client.receiveNow() { return isReply(reply.bytes) }
        if isTimeToRepeat { try client.send(question) }
        return nil
      } catch {
        return false
      }
    case .program(let process, let isAnswered):
      // Read before the output, so that nothing is missed.
      let hasEnded = process.hasEnded
      if isAnswered(process.lines().joined(separator: "\n")) { return true }
      return hasEnded ? false : nil
    }
  }

  private var isTimeToRepeat: Bool {
    let now = Instant.now
    return repetition.with { next in
      guard now >= next else { return false }
      next = now + .seconds(1)
      return true
    }
  }
}

extension RealService {
  /// Begins to ask it.
  ///
  /// - Throws: `TestFailure` when the client program is missing, and what `UDPClient.send` throws.
  public func beginToAsk(_ endpoint: Endpoint, from namespace: NetworkNamespace) throws -> Asking {
    try Asking(question, to: endpoint, from: namespace)
  }

  /// Asks it, by its own client program where there is one.
  ///
  /// - Parameter limit: when to give up.
  /// - Returns: whether the client got an answer, and it was a right one.
  /// - Throws: as `beginToAsk`.
  public func ask(
    _ endpoint: Endpoint, from namespace: NetworkNamespace, within limit: Nanoseconds = .seconds(5)
  ) throws -> Bool {
    let asking = try beginToAsk(endpoint, from: namespace)
    let end = Instant.now + limit
    while true {
      let isLast = Instant.now >= end
      if let isAnswered = asking.isAnswered { return isAnswered }
      if isLast { return false }
      usleep(2_000)
    }
  }
}
