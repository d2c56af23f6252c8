/// What everybody may know of a process (proc(5), /proc/PID/status).
public struct ProcessStatus: Hashable, Sendable {
  /// Its effective user.
  public let user: UInt32
  /// No descriptor of it has this number or a higher one.
  public let descriptorTableSize: Int32

  /// Looks at a process; nil when there is none.
  public init?(_ process: Int32) {
    guard let text = ProcFile.read("/proc/\(process)/status") else { return nil }
    self.init(text)
  }

  package init?(_ text: String) {
    func values(of key: String) -> [Substring] {
      text.split(separator: "\n").first { $0.hasPrefix("\(key):") }?.split(whereSeparator: \.isWhitespace) ?? []
    }
    // Real, effective, saved and file system's.
    guard let user = values(of: "Uid").dropFirst(2).first.flatMap({ UInt32($0) }),
      let size = values(of: "FDSize").last.flatMap({ Int32($0) })
    else { return nil }
    self.user = user
    descriptorTableSize = size
  }
}
