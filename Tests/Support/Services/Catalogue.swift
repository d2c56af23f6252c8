extension RealService {
  /// All that there are.
  public static let all: [RealService] = everyday + nameServers + tunnels + games

  /// Those that can be started here.
  public static let available = all.filter(\.isAvailable)
  /// Why the others cannot, a reason each.
  public static let obstacles = Set(all.compactMap(\.obstacle)).sorted()

  private static let everyday = [
    netcat, netcatOnBoth, socatListen, socatListenOnBoth, socatReceive, socatReceiveOnBoth, socatOnOneAddress,
    socatOnResolversLoopback, xinetd, snmpd, freeRADIUS, chronyd, ntpd, tftpd, atftpd, iperf3, memcached, coap,
    kamailio,
    coturn, coturnOnWildcard,
  ]
  private static let nameServers = [
    dnsmasq, dnsmasqDynamic, unbound, unboundThreads, unboundAutomatic, bind, nsd, nsdProcesses, knot, powerDNS,
  ]
  private static let tunnels = [openvpn, openvpnMultihome, openvpnServer, openvpnServerMultihome, xl2tpd]
  private static let games = [teeworlds]
}
