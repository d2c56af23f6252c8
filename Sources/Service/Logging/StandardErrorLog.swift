import Linux
public import Logging

/// Writes each entry of the log as one line to standard error, in one write(2).
struct StandardErrorLog: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  let format: LogFormat
  /// Whether a line bears its time: not in text for the journal, which shows its own.
  let isTimed: Bool

  subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
    if let given = event.metadata { all.merge(given) { $1 } }
    if let error = event.error { all["error"] = "\(error)" }
    let line = LogLine(
      time: isTimed ? .now : nil, level: event.level, message: event.message.description, metadata: all)
    StandardError.write(line.bytes(format))
  }
}

extension Logger {
  /// A logger that writes lines to standard error, as the configuration says.
  ///
  /// - Parameter journalStream: The value of `$JOURNAL_STREAM`, nil when it is not set.
  public init(_ configuration: ProcessConfiguration, journalStream: String?) {
    let isTimed = configuration.logFormat == .json || !StandardError.isJournal(journalStream)
    let handler = StandardErrorLog(
      logLevel: configuration.logLevel, format: configuration.logFormat, isTimed: isTimed)
    self.init(label: "multihomed") { _ in handler }
  }
}
