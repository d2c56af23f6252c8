import Linux

extension Doctor {
  /// What is to be looked at, and how it is to be told.
  public struct Order: Sendable {
    /// The only port of interest; nil for all.
    private var port: UInt16?
    /// Clients to look at beside those that the routes tell of, each once.
    private(set) var clients: [IPAddress] = []
    /// Whether sockets are judged, too, that are no services by the looks of them.
    public var showsAll = false
    /// Whether to answer in JSON.
    public var isJSON = false
    /// Whether to ask the services themselves, too.
    public var probes = false
    /// Whether to leave other network namespaces alone.
    public var isHereOnly = false
    /// The ports that a kernel rule of ours mends, nil where that cannot be seen; called inside each network namespace, on a
    /// thread of its own.
    public var mendedPorts: @Sendable () -> Set<UInt16>? = { [] }

    /// Reads what was typed, and leaves the rest as it is without options.
    ///
    /// - Throws: a usage error that names the argument.
    public init(port: String?, clients: [String]) throws(DoctorFailure) {
      self.port = try port.map { text throws(DoctorFailure) in
        guard let port = UInt16(port: text) else {
          throw .usage("'\(text)' is not a port; give a number from 1 to 65535, or none for every port")
        }
        return port
      }
      for text in clients {
        let client = try Self.client(text)
        if !self.clients.contains(client) { self.clients.append(client) }
      }
    }

    /// Which sockets are to be looked at. Of a port, nothing is left out anyway.
    var scope: Scope { port.map { .port($0) } ?? (showsAll ? .everything : .services) }

    private static func client(_ text: String) throws(DoctorFailure) -> IPAddress {
      guard let address = IPAddress(text) else {
        throw .usage("--client: '\(text)' is not an address; give 192.0.2.1, 2001:db8::1 or fe80::1%eth0")
      }
      if address.isWildcard || address.isMulticast || address.isLoopback || (address.isIPv4 && address.v4 == .max) {
        throw .usage("--client \(text) is no client's address; give one that asks from another host")
      }
      if address.isLinkLocalIPv6, address.scope == 0 {
        throw .usage("--client \(text) lacks its interface; write it as \(text)%eth0")
      }
      return address
    }
  }
}
