import Linux

extension Service {
  /// `nc (pid 4711)`, `nginx (pids 12, 13, …)`, `? (user 998)`, `kernel`
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
  /// `172.17.0.0/16 (docker0)`, `anywhere else (eth0)`, `203.0.113.9 (--client)`
  func text(on host: Host) -> String {
    let suffix = host.interfaces[interface].map { " (\($0))" } ?? ""
    let isOne = block.prefixLength == block.base.bitWidth
    let name = isOne ? host.text(block.base) : "\(block.base.scoped(0))/\(block.prefixLength)"
    switch origin {
    case .connected, .routed: return name + (others > 0 ? " and \(others) more" : "") + suffix
    case .defaultRoute: return "anywhere else" + suffix
    case .given: return "\(host.text(representative)) (--client)"
    }
  }
}

extension Place {
  /// `container 3f2a91c0bb12 (docker, pid 4711 nginx)`, `namespace blue (pid 12 nc)`
  package var title: String {
    let inside = process.map { "pid \($0) \(processName ?? "?")" }
    switch name {
    case .here: return "this host"
    case .container(let identifier, let engine):
      return "container \(identifier.printable)" + Self.parentheses([engine, inside])
    case .named(let name): return "namespace \(name.printable)" + Self.parentheses([inside])
    case .anonymous: return "the namespace of " + (inside ?? "nobody")
    }
  }

  /// ` in namespace blue (pid 12 nc)`, to stand behind something; empty for our own.
  var suffix: String { isHere ? "" : " in \(title)" }

  private static func parentheses(_ parts: [String?]) -> String {
    let known = parts.compactMap(\.self)
    return known.isEmpty ? "" : " (\(known.joined(separator: ", ")))"
  }
}

/// `1 socket`, `2 sockets`
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
