package import Linux

/// Reading where HTTP is served.
extension ListeningSocket.Place {
  private static let prefix = "unix:"

  /// Reads `ADDRESS:PORT` (an IPv6 address in brackets) or `unix:/PATH`.
  package init(parsing text: String) throws(ConfigurationError) {
    if text.hasPrefix(Self.prefix) {
      self = .file(try Self.path(String(text.dropFirst(Self.prefix.count))))
    } else if text.hasPrefix("/") {
      throw .usage("'\(text)' is a path; write it as unix:\(text)")
    } else {
      self = .network(try Self.endpoint(text))
    }
  }

  private static func path(_ path: String) throws(ConfigurationError) -> String {
    guard path.hasPrefix("/") else {
      throw .usage("'\(path)' is no whole path; give one that begins with /, as in unix:/run/multihomed/metrics.sock")
    }
    guard path.utf8.count <= UnixAddress.longestPath else {
      throw .usage("the path \(path) is longer than \(UnixAddress.longestPath) bytes; give a shorter one")
    }
    return path
  }

  private static func endpoint(_ text: String) throws(ConfigurationError) -> Endpoint {
    if let port = UInt16(port: text.hasPrefix(":") ? String(text.dropFirst()) : text) {
      throw .usage(
        "'\(text)' lacks its address; give 127.0.0.1:\(port) for this host alone, 0.0.0.0:\(port) or [::]:\(port) for "
          + "others, too")
    }
    // An address alone, of whichever family.
    if let address = IPAddress(bracketed: text[...]) ?? IPAddress(text) {
      throw .usage("'\(text)' lacks its port; give \(Endpoint(address, 9478))")
    }
    guard let colon = text.lastIndex(of: ":") else {
      throw .usage("'\(text)' is neither an address and port nor a path; give 127.0.0.1:9478 or unix:/PATH")
    }
    let ports = try PortRange.parse(text[text.index(after: colon)...])
    guard ports.count == 1 else { throw .usage("'\(text)' names several ports; give one") }
    let endpoint = Endpoint(try IPAddress(beforePort: text[..<colon]), ports.lowerBound)
    try check(endpoint)
    return endpoint
  }

  private static func check(_ endpoint: Endpoint) throws(ConfigurationError) {
    if endpoint.address.isMulticast || endpoint.address.isBroadcast {
      throw .usage(
        "\(endpoint) is not an address of one host; give one of this host's, as in 127.0.0.1:\(endpoint.port)")
    }
    if endpoint.address.lacksScope {
      throw .usage("\(endpoint) lacks its interface; write it as [\(endpoint.address)%eth0]:\(endpoint.port)")
    }
  }
}

extension ProcessConfiguration {
  /// Checks where metrics are to be served, as far as that can be done without looking at the host.
  func checkMetrics() throws(ConfigurationError) {
    for (number, place) in metrics.enumerated() where metrics[..<number].contains(place) {
      throw .usage("--metrics \(place) is given twice; give it once")
    }
  }
}
