import Linux

/// What could not be looked at, and what it would take.
package struct Limits: Hashable, Sendable {
  /// CAP_SYS_ADMIN is missing.
  package var mayNotEnter = false
  /// CAP_SYS_PTRACE is missing.
  package var mayNotTrace = false
  /// CAP_DAC_READ_SEARCH is missing.
  package var mayNotRead = false
  /// Sockets of which no process is seen that has them open.
  package var socketsWithoutHolder = 0
  /// Sockets whose processes may not be traced.
  package var untraceableSockets = 0
  /// Namespaces that could not be entered in spite of CAP_SYS_ADMIN.
  package var notEntered: [Place] = []

  /// Nothing is in the way.
  package init() {}

  /// Counts what is hidden at each station.
  mutating func count(_ stations: [Survey.Station]) {
    for socket in stations.flatMap(\.host.sockets) {
      guard case .hidden(let obstacle) = socket.settings else { continue }
      if obstacle == .noHolder { socketsWithoutHolder += 1 } else { untraceableSockets += 1 }
    }
  }

  /// What was not looked at, each with the capability that is missing.
  package var sentences: [String] {
    var sentences: [String] = []
    let hidden = socketsWithoutHolder + untraceableSockets
    if hidden > 0 {
      sentences.append("the settings of \(hidden) socket\(hidden == 1 ? "" : "s") (\(whyHidden))")
    }
    if mayNotEnter {
      sentences.append("other network namespaces, as containers have them (needs \(Self.list(missingForNamespaces)))")
    }
    if !notEntered.isEmpty {
      sentences.append("\(notEntered.map(\.title).joined(separator: ", ")), which could not be entered")
    }
    return sentences
  }

  /// How to see all of it; nil where no capability is missing.
  package var remedy: String? {
    var seen: Set<Capability> = []
    let missing = (missingForSockets + missingForNamespaces).filter { seen.insert($0).inserted }
    if missing.isEmpty { return nil }
    return "run it with sudo, or once: sudo \(Capability.setcap(missing))"
  }

  private var whyHidden: String {
    if !missingForSockets.isEmpty { return "needs \(Self.list(missingForSockets))" }
    if socketsWithoutHolder == 0 { return "a security module forbids it: see sysctl kernel.yama.ptrace_scope" }
    return "their processes are not seen from here: run it on the host, not in a container"
  }

  /// /proc/PID/fd of another user's process is opened by the one, and read by the other.
  private var missingForSockets: [Capability] {
    if socketsWithoutHolder + untraceableSockets == 0 { return [] }
    return (mayNotTrace ? [.trace] : []) + (mayNotRead && socketsWithoutHolder > 0 ? [.readAnything] : [])
  }

  private var missingForNamespaces: [Capability] {
    mayNotEnter ? [.systemAdmin] + (mayNotTrace ? [.trace] : []) : []
  }

  private static func list(_ capabilities: [Capability]) -> String {
    capabilities.map(\.name).joined(separator: " and ")
  }
}
