import Linux

extension ConfigurationError {
  /// A place cannot be had where something was to be served by HTTP.
  ///
  /// - Parameters:
  ///   - what: was to be served, as in `metrics`.
  ///   - setting: what says where.
  static func cannotServe(
    _ what: String, on place: ListeningSocket.Place, of setting: Setting, _ error: Errno
  ) -> ConfigurationError {
    let start = "cannot serve \(what) on \(place)"
    if error.isForWantOfDescriptors || error == .outOfMemory { return .start(start, error) }
    let reason =
      switch place {
      case .network(let endpoint): reason(endpoint, setting.option, error)
      case .file(let path): reason(path, setting.option, error)
      }
    return .host("\(start): \(reason)")
  }

  private static func reason(_ endpoint: Endpoint, _ option: String, _ error: Errno) -> String {
    switch error {
    case .addressInUse:
      "it is in use by \(holder(.network(endpoint))); give another port to \(option)"
    case .addressNotAvailable:
      "it is no address of this host; give one to \(option) that it has, 127.0.0.1, or 0.0.0.0 or [::] for all"
    case .accessDenied:
      "no right to listen on a port below net.ipv4.ip_unprivileged_port_start; give a higher one to \(option)"
    case .familyNotSupported: "IPv6 is switched off on this host; give an IPv4 address to \(option)"
    default: "\(error)"
    }
  }

  private static func reason(_ path: String, _ option: String, _ error: Errno) -> String {
    let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "/"
    return switch error {
    case .addressInUse: "\(holder(.file(path))) listens there; end that, or give another path to \(option)"
    case .notSocket: "something other than a socket is there; remove it, or give another path to \(option)"
    case .notFound: "there is no folder \(folder); make it, or let systemd (RuntimeDirectory=)"
    case .notFolder: "\(folder) is no folder; give another path to \(option)"
    case .accessDenied, .notPermitted:
      "user \(UserIdentity.effective) has no right to make files in \(folder); give a path in a folder of that user's to "
        + "\(option)"
    default: "\(error)"
    }
  }

  private static func holder(_ place: ListeningSocket.Place) -> String {
    guard let holder = StreamHolder.blocking(place) else { return "another process" }
    let whom = holder.process.map { "\($0.name) (pid \($0.id)" } ?? "another user's process (root can see which"
    return whom + (holder.endpoint.map { ", on \($0))" } ?? ")")
  }
}
