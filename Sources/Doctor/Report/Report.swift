import Linux

/// Everything that was found, ready to be told.
package struct Report: Sendable {
  /// A diagnosis for each network namespace, ours first.
  package let diagnoses: [Diagnosis]
  /// What was not looked at.
  package let limits: Limits
  /// The only port of interest; nil for all.
  package let port: UInt16?

  /// A report in all its parts.
  package init(_ diagnoses: [Diagnosis], limits: Limits = Limits(), port: UInt16? = nil) {
    self.diagnoses = diagnoses
    self.limits = limits
    self.port = port
  }

  /// Whether nothing has to be done anywhere.
  package var isHealthy: Bool { diagnoses.allSatisfy(\.isHealthy) }
}

extension Service {
  /// `nc (pid 4711)`, `nginx (pids 12, 13, …)`, `user 998's`, `kernel`
  package var title: String {
    if isKernel { return "kernel" }
    guard let name else { return "? (user \(user))" }
    let shown = processes.prefix(3).map(String.init).joined(separator: ", ")
    let more = processes.count > 3 ? ", …" : ""
    return "\(name) (pid\(processes.count == 1 ? "" : "s") \(shown)\(more))"
  }

  /// `0.0.0.0`, `0.0.0.0, ::`, `0.0.0.0%eth0`, `192.0.2.1`, `4 addresses`
  func boundText(on host: Host) -> String {
    let addresses = boundTo
    let exact = addresses.filter { !$0.isWildcard }
    let shown = exact.count > 1 ? addresses.filter(\.isWildcard) : addresses
    let device = interface == 0 ? "" : "%\(host.interfaces[interface] ?? String(interface))"
    let texts = shown.map { $0.scope == 0 ? "\($0)\(device)" : host.text($0) }
    return (texts + (exact.count > 1 ? ["\(exact.count) addresses"] : [])).joined(separator: ", ")
  }
}

extension ClientKind {
  /// `172.17.0.0/16 (docker0)`, `anywhere else (eth0)`
  func text(on host: Host) -> String {
    let name = host.interfaces[interface]
    let suffix = name.map { " (\($0))" } ?? ""
    let block =
      block.prefixLength == block.base.bitWidth
      ? host.text(self.block.base) : "\(self.block.base.scoped(0))/\(self.block.prefixLength)"
    switch origin {
    case .connected: return block + suffix
    case .routed: return block + (others > 0 ? " and \(others) more" : "") + suffix
    case .defaultRoute: return "anywhere else" + suffix
    case .given: return "\(host.text(representative)) (--client)"
    }
  }
}
