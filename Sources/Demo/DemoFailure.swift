import Linux

/// Why the demo could not be shown; one line that says what to do.
package struct DemoFailure: Error, Hashable {
  /// The line.
  package let message: String

  /// A failure with its message.
  package init(_ message: String) { self.message = message }
}

/// Does something, and on failure says what could not be done.
func attempt<Value>(_ what: String, _ body: () throws(Errno) -> Value) throws(DemoFailure) -> Value {
  do throws(Errno) {
    return try body()
  } catch {
    throw DemoFailure("cannot \(what): \(error)")
  }
}
