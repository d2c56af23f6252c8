import Linux

/// Why nothing could be said; one line that says what to do, and the status to exit with.
public struct DoctorFailure: Error, Hashable, Sendable {
  /// The line.
  public let message: String
  /// 64 for a mistake on the command line, otherwise 1.
  public let exitCode: Int32

  /// Something on the command line is wrong.
  static func usage(_ message: String) -> DoctorFailure { DoctorFailure(message: message, exitCode: 64) }

  /// Something of the host's is in the way.
  static func host(_ message: String) -> DoctorFailure { DoctorFailure(message: message, exitCode: 1) }
}

/// Does something, and on failure says what could not be done.
func attempt<Value>(_ what: String, _ body: () throws(Errno) -> Value) throws(DoctorFailure) -> Value {
  do throws(Errno) {
    return try body()
  } catch {
    throw .host("cannot \(what): \(error)")
  }
}
