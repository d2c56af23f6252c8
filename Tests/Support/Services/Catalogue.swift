extension RealService {
  /// All that there are.
  public static let all: [RealService] = [
    netcat, netcatOnBoth, socatListen, socatListenOnBoth, socatReceive, socatReceiveOnBoth, socatOnOneAddress,
    socatOnResolversLoopback, dnsmasq, dnsmasqDynamic, unbound, unboundThreads, unboundAutomatic, snmpd, iperf3,
    openvpn,
    openvpnMultihome, openvpnServer, openvpnServerMultihome,
  ]
}
