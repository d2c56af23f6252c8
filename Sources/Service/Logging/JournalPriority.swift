package import Logging

extension Logger.Level {
  /// What the journal files a line under that begins with it in angle brackets (sd-daemon(3)): a priority of syslog(3).
  ///
  ///     critical       2  LOG_CRIT
  ///     error          3  LOG_ERR
  ///     warning        4  LOG_WARNING
  ///     notice         5  LOG_NOTICE
  ///     info           6  LOG_INFO
  ///     debug, trace   7  LOG_DEBUG
  package var journalPriority: Int {
    switch self {
    case .critical: 2
    case .error: 3
    case .warning: 4
    case .notice: 5
    case .info: 6
    case .debug, .trace: 7
    }
  }
}
