import Linux
import Logging

/// What is logged, and how; may change while the process runs, for every logger at once.
final class LogControl: Sendable {
  private struct State {
    var level: Logger.Level
    var format: LogFormat
  }

  private let state: Guarded<State>
  private let isJournal: Bool

  /// - Parameter journalStream: The value of `$JOURNAL_STREAM`, nil when it is not set.
  init(_ configuration: ProcessConfiguration, journalStream: String?) {
    state = Guarded(State(level: configuration.logLevel, format: configuration.logFormat))
    isJournal = StandardError.isJournal(journalStream)
  }

  /// Takes over what another configuration says.
  func change(to configuration: ProcessConfiguration) {
    state.withLock { $0 = State(level: configuration.logLevel, format: configuration.logFormat) }
  }

  /// Changes the level alone, until another configuration is taken over.
  func change(to level: Logger.Level) { state.withLock { $0.level = level } }

  var level: Logger.Level { state.withLock { $0.level } }

  /// How a line is written, and whether as text for the journal: that one has its own time beside each line, and files it
  /// under the priority that the line begins with. JSON is for another reader, whoever hands it on.
  var format: (format: LogFormat, isForJournal: Bool) {
    let format = state.withLock { $0.format }
    return (format, format == .text && isJournal)
  }
}

/// Writes each entry of the log as one line to standard error, in one write(2).
struct StandardErrorLog: LogHandler {
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  private let control: LogControl
  private var ownLevel: Logger.Level?

  init(_ control: LogControl) { self.control = control }

  /// The process's level, unless this logger was given its own.
  var logLevel: Logger.Level {
    get { ownLevel ?? control.level }
    set { ownLevel = newValue }
  }

  subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
    if let given = event.metadata { all.merge(given) { $1 } }
    if let error = event.error { all["error"] = "\(error)" }
    let (format, isForJournal) = control.format
    let line = LogLine(
      time: isForJournal ? nil : .now, level: event.level, message: event.message.description, metadata: all)
    StandardError.write(line.bytes(format, isForJournal: isForJournal))
  }
}

extension Logger {
  /// A logger that writes lines to standard error.
  init(_ control: LogControl) { self.init(label: "multihomed") { _ in StandardErrorLog(control) } }
}
