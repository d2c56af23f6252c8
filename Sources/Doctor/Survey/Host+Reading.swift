import Addresses
import Linux

extension Host {
  /// Reads the calling thread's namespace, but for its sockets.
  ///
  /// - Throws: EMFILE, ENOMEM, EPERM where a sandbox forbids netlink.
  static func read(_ place: Place, mendedPorts: Set<UInt16>?) throws(Errno) -> Host {
    let snapshot = try Snapshot.take()
    let filter = AddressFilter()
    var host = Host()
    host.place = place
    var seen = IPv6Readiness.unusableAddresses()
    host.addresses = snapshot.addresses.filter { filter.isEligible($0) && seen.insert($0.address).inserted }
      .map { Address($0.address, $0.interface) }
    for name in snapshot.interfaces {
      if let index = InterfaceIndex.named(name) { host.interfaces[index] = name }
    }
    host.routes = try RouteTable.read()
    host.ruleDestinations = try RouteTable.ruleDestinations()
    host.ephemeralPorts = ephemeralPorts ?? host.ephemeralPorts
    host.reservedPorts = PortList.read(setting("ip_local_reserved_ports"))
    host.mendedPorts = mendedPorts
    return host
  }

  /// `32768	60999`
  private static var ephemeralPorts: ClosedRange<UInt16>? {
    let numbers = setting("ip_local_port_range").split(whereSeparator: \.isWhitespace).compactMap { UInt16($0) }
    guard numbers.count == 2, numbers[0] <= numbers[1] else { return nil }
    return numbers[0]...numbers[1]
  }

  /// A setting of the calling thread's namespace (ip-sysctl).
  private static func setting(_ name: String) -> String { ProcFile.read("/proc/sys/net/ipv4/\(name)") ?? "" }
}
