// A room of multihomed's own package, so that it reaches the core through `package` access: no compiler flag and nothing
// public for the sake of benchmarks. Only the package in Benchmarks builds it.

import Relay

/// Something that the core of a relay does all day, to be timed or counted.
public struct Workload: Sendable {
  /// What is done; unique.
  public let name: String
  /// Makes everything that is there before the work begins.
  public let begin: @Sendable () throws -> any Work

  init(_ name: String, _ begin: @escaping @Sendable () throws -> any Work) {
    self.name = name
    self.begin = begin
  }

  /// How many sessions there are beside those at work: few, and so many that no cache holds them.
  private static let fewSessions = 10
  private static let manySessions = 100_000

  /// All of them.
  public static let all: [Workload] =
    [
      Workload("look-up, hit") { try LookUp(.hit, sessions: manySessions) },
      Workload("look-up, miss") { try LookUp(.miss, sessions: manySessions) },
      Workload("insert") { try Insertion(sessions: manySessions) },
      Workload("expire") { try Expiry(sessions: manySessions) },
      // Train grouping: eight trains of eight, their datagrams in turn.
      Workload("64 to backend, 8 clients in turn") { try Batches(.toBackend, clients: 8, idle: fewSessions) },
    ] + [fewSessions, manySessions].flatMap(batches)

  private static func batches(beside idle: Int) -> [Workload] {
    [
      Workload("64 to backend, 64 clients, beside \(idle)") { try Batches(.toBackend, clients: 64, idle: idle) },
      Workload("64 to backend, 1 client, beside \(idle)") { try Batches(.toBackend, clients: 1, idle: idle) },
      Workload("64 to client, 64 clients, beside \(idle)") { try Batches(.toClient, clients: 64, idle: idle) },
      Workload("64 to client, 1 client, beside \(idle)") { try Batches(.toClient, clients: 1, idle: idle) },
    ]
  }
}

/// A workload that has begun.
public protocol Work: AnyObject {
  /// Makes ready for one `run`; not to be measured.
  ///
  /// - Parameter operations: how many it will be asked for, up to 10,000.
  func prepare(_ operations: Int)

  /// Does so many operations: the part to be measured.
  func run(_ operations: Int)
}
