package import Linux

/// What could not be looked at, and what it would take.
package struct Limits: Hashable, Sendable {
  /// The capabilities that we lack, of those that there is a use for.
  private let missing: Set<Capability>
  /// Whether other network namespaces are to be looked into.
  private let looksElsewhere: Bool
  /// Sockets of which no process is seen that has them open.
  package var socketsWithoutHolder = 0
  /// Sockets whose processes may not be traced.
  package var untraceableSockets = 0
  /// Why other sockets could not be read.
  package var refusals: [Errno: Int] = [:]
  /// Services of which it is not seen whether the kernel rule mends them.
  package var servicesUnderHiddenRule = 0
  /// Namespaces that could not be looked into although no capability is missing.
  package var notEntered: [Place] = []

  /// Namespaces in which there is more than is looked at (`Budget`).
  package var tooLarge: [Place] = []
  /// Services that were to be asked, and were too many.
  package var servicesNotAsked = 0
  /// Why services could not be asked, and where.
  private var probeFailures: [ProbeFailure] = []

  private struct ProbeFailure: Hashable {
    let message: String
    var places: [Place]
  }

  /// Nothing is hidden so far.
  package init(missing: Set<Capability> = [], looksElsewhere: Bool = true) {
    self.missing = missing
    self.looksElsewhere = looksElsewhere
  }

  /// Those of the calling thread.
  static func ofThisThread(looksElsewhere: Bool) -> Limits {
    let wanted: [Capability] = [.systemAdmin, .trace, .readAnything, .networkAdmin]
    return Limits(missing: Set(wanted.filter { !$0.isEffective }), looksElsewhere: looksElsewhere)
  }

  /// Notes that a namespace was not looked into.
  mutating func missed(_ place: Place, _ error: Errno) {
    // It has gone with its last process.
    if error == .notFound || error == .noProcess { return }
    let isForbidden = error == .notPermitted || error == .accessDenied
    if !isForbidden || missingForNamespaces.isEmpty { notEntered.append(place) }
  }

  /// Notes that the services of a namespace could not all be asked.
  package mutating func probeFailed(_ place: Place, _ message: String) {
    if let index = probeFailures.firstIndex(where: { $0.message == message }) {
      probeFailures[index].places.append(place)
    } else {
      probeFailures.append(ProbeFailure(message: message, places: [place]))
    }
  }

  /// Counts what is hidden of the services that are shown.
  package mutating func count(_ diagnoses: [Diagnosis]) {
    for diagnosis in diagnoses {
      for socket in diagnosis.findings.flatMap(\.service.sockets) { count(socket) }
      if diagnosis.host.mendedPorts != nil { continue }
      servicesUnderHiddenRule += diagnosis.findings.count { $0.verdict.isUnknown }
    }
  }

  private mutating func count(_ socket: SurveyedSocket) {
    guard case .hidden(let obstacle) = socket.settings else { return }
    switch obstacle {
    case .noHolder: socketsWithoutHolder += 1
    case .mayNotTrace: untraceableSockets += 1
    case .refused(let errno): refusals[errno, default: 0] += 1
    }
  }
}

/// What to do to see more.
package struct Remedy: Hashable, Sendable {
  /// In words.
  let words: String
  /// What to type, where there is something beside what the words say.
  var command: String?

  /// All of it in one line.
  package var text: String { words + (command.map { " \($0)" } ?? "") }
}

// MARK: In words

extension Limits {
  /// What was not looked at, each with the capability that is missing.
  package var sentences: [String] {
    var sentences: [String] = []
    let hidden = socketsWithoutHolder + untraceableSockets
    if hidden > 0 { sentences.append("the settings of \(counted(hidden, "socket")) (\(whyHidden))") }
    for (errno, count) in refusals.sorted(by: { $0.key.number < $1.key.number }) {
      sentences.append("the settings of \(counted(count, "socket")) (\(errno))")
    }
    if servicesUnderHiddenRule > 0 { sentences.append(hiddenRule) }
    if !missingForNamespaces.isEmpty {
      sentences.append("other network namespaces, as containers have them (needs \(Self.list(missingForNamespaces)))")
    }
    if !notEntered.isEmpty {
      sentences.append("\(Self.titles(notEntered)), which could not be entered")
    }
    return sentences + largeNamespaces + probes
  }

  private var largeNamespaces: [String] {
    guard let first = tooLarge.first else { return [] }
    return [
      "\(Self.titles(tooLarge)), in which there are more routes, addresses and sockets than are looked at from elsewhere: "
        + "look from within, as with `\(first.prefix)multihomed doctor --here`"
    ]
  }

  private var probes: [String] {
    let failures = probeFailures.map { "what services of \(Self.titles($0.places)) answer (\($0.message))" }
    if servicesNotAsked == 0 { return failures }
    return failures + [
      "what \(counted(servicesNotAsked, "further service")) would answer (--probe asks 64 at most, and 16 of another "
        + "namespace; give the PORT of one)"
    ]
  }

  /// Some by name: anybody may have a thousand.
  private static func titles(_ places: [Place]) -> String {
    let shown = places.prefix(5).map(\.title).joined(separator: ", ")
    return places.count > 5 ? "\(shown) and \(places.count - 5) more" : shown
  }

  /// How to see all of it; nil where no capability is missing.
  package var remedy: Remedy? {
    var seen: Set<Capability> = []
    let grantable = (missingForSockets + missingForNamespaces).filter { seen.insert($0).inserted }
    // What a file gives does not reach nft.
    let needsRoot = servicesUnderHiddenRule > 0 && missing.contains(.networkAdmin)
    if grantable.isEmpty { return needsRoot ? Remedy(words: "run it with sudo") : nil }
    let most = needsRoot ? ", for all but the kernel rule," : ""
    return Remedy(
      words: "run it with sudo, or\(most) once (\(SetcapHint.caution)):",
      command: "sudo \(Capability.setcap(grantable).command)")
  }

  private var hiddenRule: String {
    let why =
      missing.contains(.networkAdmin)
      ? "needs root: CAP_NET_ADMIN, for nft, too" : "nft does not list it: `multihomed kernel show` says why"
    return "the kernel rule, which may mend \(counted(servicesUnderHiddenRule, "service")) (\(why))"
  }

  private var whyHidden: String {
    if !missingForSockets.isEmpty { return "needs \(Self.list(missingForSockets))" }
    if socketsWithoutHolder == 0 { return "a security module forbids it: see sysctl kernel.yama.ptrace_scope" }
    return "their processes are not seen from here: run it on the host, not in a container"
  }

  /// /proc/PID/fd of another user's process is opened by the one, and read by the other.
  private var missingForSockets: [Capability] {
    if socketsWithoutHolder + untraceableSockets == 0 { return [] }
    return lacking([.trace] + (socketsWithoutHolder > 0 ? [.readAnything] : []))
  }

  /// They are found by the processes within them, and entered.
  private var missingForNamespaces: [Capability] { looksElsewhere ? lacking([.systemAdmin, .trace]) : [] }

  private func lacking(_ capabilities: [Capability]) -> [Capability] { capabilities.filter { missing.contains($0) } }

  private static func list(_ capabilities: [Capability]) -> String {
    capabilities.map(\.name).joined(separator: " and ")
  }
}
