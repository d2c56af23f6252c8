import CLinux
import Glibc

/// What the kernel's choice of a source address depends on.
public struct RouteQuestion: Hashable, Sendable {
  /// Whom the datagram goes to; a link-local address with its scope.
  public let destination: IPAddress
  /// The interface that the socket is bound to (SO_BINDTODEVICE, IP_UNICAST_IF), or 0.
  public var interface: UInt32 = 0
  /// SO_MARK.
  public var mark: UInt32 = 0
  /// The user that the socket belongs to.
  public var user: UInt32 = 0
  /// The port that it sends from; 0 for one that no rule names.
  public var port: UInt16 = 0

  /// A question.
  public init(
    to destination: IPAddress, interface: UInt32 = 0, mark: UInt32 = 0, user: UInt32 = 0, port: UInt16 = 0
  ) {
    self.destination = destination
    self.interface = interface
    self.mark = mark
    self.user = user
    self.port = port
  }

  /// The source address that the kernel gives a datagram whose sender leaves it open (RTM_GETROUTE).
  ///
  /// The same as connecting a UDP socket and asking for its name, but every key of the routing rules can be given without
  /// any privilege: mark, user, interface, protocol and source port (ip-rule(8)). A socket in the service's name would
  /// need CAP_SETUID and CAP_NET_ADMIN, and could not have the service's port.
  ///
  /// - Returns: nil where nothing would be sent: no route, or one that refuses.
  /// - Throws: EMFILE, ENOMEM, ENOBUFS, or EPERM where a sandbox forbids netlink.
  public func source() throws(Errno) -> IPAddress? { try answer()?.source }

  /// The same, and whether the destination is this host itself, as all of a block is behind a route of type *local*.
  ///
  /// - Throws: as above.
  public func answer() throws(Errno) -> (source: IPAddress, isLocal: Bool)? {
    var asked = mh_route_question()
    asked.is_ipv6 = destination.isIPv4 ? 0 : 1
    asked.interface = interface != 0 ? interface : destination.scope
    asked.mark = mark
    asked.user = user
    asked.port = port
    asked.destination = destination.rawBytes
    var answer = mh_route()
    let result = unsafe mh_ask_route(&asked, &answer)
    if [-EMFILE, -ENFILE, -ENOMEM, -ENOBUFS, -EPERM].contains(result) { throw Errno(-result) }
    guard result == 0, answer.has_source == 1 else { return nil }
    guard answer.type == MH_RTN_UNICAST || answer.type == MH_RTN_LOCAL else { return nil }
    let source = IPAddress(answer.source, isIPv6: answer.is_ipv6 == 1)
    return (source.isLinkLocalIPv6 ? source.scoped(answer.interface) : source, answer.type == MH_RTN_LOCAL)
  }
}
