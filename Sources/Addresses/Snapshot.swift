public import Linux

/// What addresses this host has at one moment, as getifaddrs(3) tells them: the one source of truth of the address plane.
public struct Snapshot: Sendable {
  /// Every address of every interface, each once, in the kernel's order.
  public let addresses: [InterfaceAddress]
  /// Every interface, with or without addresses.
  public let interfaces: [String]

  /// The broadcast address of every IPv4 subnet: as the source of a datagram, nobody.
  public let broadcastAddresses: Set<UInt32>

  /// A snapshot made up from its parts. An address listed twice counts once.
  public init(addresses: [InterfaceAddress], interfaces: [String], broadcastAddresses: Set<UInt32> = []) {
    var seen: Set<InterfaceAddress> = []
    self.addresses = addresses.filter { seen.insert($0).inserted }
    self.interfaces = interfaces
    self.broadcastAddresses = broadcastAddresses
  }

  /// Takes one.
  ///
  /// - Throws: EMFILE, ENOBUFS or ENOMEM; then the last good snapshot stays valid.
  public static func take() throws(Errno) -> Snapshot {
    let table = try InterfaceTable.read()
    return Snapshot(
      addresses: table.addresses, interfaces: table.names, broadcastAddresses: table.broadcastAddresses)
  }
}
