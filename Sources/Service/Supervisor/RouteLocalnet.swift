import Linux

/// net.ipv4.conf.*.route_localnet: whether other hosts can reach 127.0.0.0/8 (ip-sysctl).
enum RouteLocalnet {
  private static let folder = "/proc/sys/net/ipv4/conf"

  static var isOn: Bool {
    ProcFile.names(in: folder).contains { ProcFile.read("\(folder)/\($0)/route_localnet")?.first == "1" }
  }
}
