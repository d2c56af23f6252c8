import Glibc
public import Linux

/// Something that did not come to pass in time, or failed beside what a test is about.
public struct TestFailure: Error, CustomStringConvertible {
  /// What was expected and what was there instead.
  public let description: String

  /// A failure, and where it was noticed.
  public init(_ what: String, file: StaticString = #fileID, line: UInt = #line) {
    description = "\(file):\(line): \(what)"
  }
}

/// Waits until a condition holds, looking every 2 ms.
///
/// - Parameter what: what is waited for, for the message.
/// - Throws: `TestFailure` when it does not come to hold in time, and what the condition throws.
public func eventually(
  _ what: String = "the condition", within limit: Nanoseconds = .seconds(10), file: StaticString = #fileID,
  line: UInt = #line, _ condition: () throws -> Bool
) throws {
  let met: Void? = try eventually(what, within: limit, file: file, line: line) { try condition() ? () : nil }
  _ = met
}

/// Waits until there is a value, looking every 2 ms, and returns it.
///
/// - Throws: as above.
@discardableResult
public func eventually<Value>(
  _ what: String = "a value", within limit: Nanoseconds = .seconds(10), file: StaticString = #fileID,
  line: UInt = #line, _ value: () throws -> Value?
) throws -> Value {
  let end = Instant.now + limit
  while true {
    // Read before the look: a condition that holds at the last moment counts.
    let isLast = Instant.now >= end
    if let value = try value() { return value }
    if isLast {
      throw TestFailure("\(what): not within \(limit.count / 1_000_000) ms", file: file, line: line)
    }
    usleep(2_000)
  }
}
