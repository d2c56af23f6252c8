import Service

/// A failure that is told to whoever typed the command: lines that say what is wrong and what to do, and an exit
/// status. Every other error is a mistake of ours.
protocol Complaint: Error {
  /// One line.
  var message: String { get }
  /// A line for each thing that is wrong, where several are known.
  var messages: [String] { get }
  /// The status to exit with: 64 usage, 78 configuration, 1 anything else.
  var exitCode: Int32 { get }
}

extension Complaint {
  var messages: [String] { [message] }
}

extension ConfigurationError: Complaint {}

extension ConfigurationFileError: Complaint {
  var message: String { messages.joined(separator: "; ") }
}
