/// Which sockets of a host are looked at.
package enum Scope: Hashable, Sendable {
  /// Those on the wildcard address that are services by the looks of them.
  case services
  /// All but connected ones.
  case everything
  /// Whatever is bound to a port.
  case port(UInt16)

  /// The only port of interest, if there is one.
  var port: UInt16? {
    if case .port(let port) = self { port } else { nil }
  }
}
