import Linux

extension RelayConfiguration {
  /// Asks the kernel whether a source pool outside of 127.0.0.0/8 leads to this host, and whether a wildcard service would
  /// answer it from the backend's address.
  ///
  /// - Returns: what someone should be told, though it may be right.
  /// - Throws: that it does not lead here: whatever is sent from there gets no answer.
  func checkSourcePoolRoute() throws(ConfigurationError) -> String? {
    guard let pool = sourcePool, !pool.base.isLoopback else { return nil }
    let remedy = "ip route add local \(pool) dev lo src \(backend.address)"
    let found: (source: IPAddress, isLocal: Bool)?
    do throws(Errno) { found = try RouteQuestion(to: IPAddress(v4: pool.base.v4 + 1)).answer() } catch {
      // The kernel could not be asked: nothing is known to be wrong.
      return nil
    }
    guard let answer = found else {
      throw .host("--source-pool \(pool) is not routed to this host itself, so that no reply would come: \(remedy)")
    }
    guard answer.isLocal else {
      throw .host("--source-pool \(pool) is routed to other hosts, to which the service would reply: \(remedy)")
    }
    if answer.source == backend.address { return nil }
    return
      "the route to source pool \(pool) has no source \(backend.address): a service that is bound to the wildcard replies "
      + "from another address, and is not heard; a service that is bound to \(backend.address) is: \(remedy)"
  }
}
