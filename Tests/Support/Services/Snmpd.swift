import Linux

extension RealService {
  /// Net-SNMP's agent, with those of its modules that do not look at the host. It keeps the address that was
  /// asked for IPv4 only.
  public static let snmpd = RealService(
    name: "snmpd", package: "snmpd", program: "snmpd", port: 161, v4: .answersFromTheAddressAsked,
    v6: .answersByRouting, clientTakesAnySource: true, question: .snmpget
  ) { site in
    try site.folder.write("rocommunity public\nrocommunity6 public\n", to: "snmpd.conf")
    return Launch(
      arguments: [
        "-f", "-Lo", "-C", "-c", "snmpd.conf", "-I", "system_mib,sysORTable,vacm_conf,usmConf,snmpv3mibs",
        "udp:\(site.port)", "udp6:\(site.port)",
      ],
      environment: ["SNMP_PERSISTENT_DIR": site.path])
  }
}

extension Question {
  /// snmpget asks how long the agent has been up.
  fileprivate static let snmpget = Question.program(
    "snmpget",
    arguments: { endpoint in
      let agent = endpoint.address.isIPv4 ? "udp:\(endpoint)" : "udp6:\(endpoint)"
      return ["-r", "0", "-t", "5", "-v", "2c", "-c", "public", "-On", agent, ".1.3.6.1.2.1.1.3.0"]
    }
  ) { $0.contains("Timeticks") }
}
