import Linux

/// What could not be looked at, and what it would take.
package struct Limits: Hashable, Sendable {
  /// CAP_SYS_ADMIN is missing.
  package var mayNotEnter = false
  /// CAP_SYS_PTRACE is missing.
  package var mayNotTrace = false
  /// CAP_DAC_READ_SEARCH is missing.
  package var mayNotRead = false
  /// Sockets whose settings are hidden.
  package var hiddenSockets = 0
  /// Namespaces that could not be entered in spite of CAP_SYS_ADMIN.
  package var notEntered: [Place] = []

  /// Nothing is in the way.
  package init() {}

  /// Counts what is hidden at each station.
  mutating func count(_ stations: [Survey.Station]) {
    hiddenSockets = stations.reduce(0) { $0 + $1.host.sockets.count { $0.knownSettings == nil } }
  }

  /// What was not looked at, each with the capability that is missing.
  package var sentences: [String] {
    var sentences: [String] = []
    let noun = hiddenSockets == 1 ? "socket" : "sockets"
    if !missingForSockets.isEmpty {
      sentences.append(
        "the settings of \(hiddenSockets) \(noun) of other users (needs \(Self.list(missingForSockets)))")
    } else if hiddenSockets > 0 {
      sentences.append("the settings of \(hiddenSockets) \(noun) of processes that are not seen from here")
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
    let names = missing.map { $0.name.lowercased() }.joined(separator: ",")
    return "run it with sudo, or once: sudo setcap \(names)+ep $(command -v multihomed)"
  }

  /// /proc/PID/fd of another user's process is opened by the one, and read by the other.
  private var missingForSockets: [Capability] {
    if hiddenSockets == 0 { return [] }
    return (mayNotTrace ? [.trace] : []) + (mayNotRead ? [.readAnything] : [])
  }

  private var missingForNamespaces: [Capability] {
    mayNotEnter ? [.systemAdmin] + (mayNotTrace ? [.trace] : []) : []
  }

  private static func list(_ capabilities: [Capability]) -> String {
    capabilities.map(\.name).joined(separator: " and ")
  }
}
