import Doctor
import Linux
import Testing

/// Text that must be readable; a test that misspells it fails.
func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

extension Host {
  /// The founding scenario's host: docker0 (2) and eth0 (3), and a default route by eth0.
  static func founding() throws -> Host {
    var host = Host()
    host.interfaces = [1: "lo", 2: "docker0", 3: "eth0"]
    host.addresses = [
      Address(try address("172.17.0.1"), "docker0"), Address(try address("192.168.106.242"), "eth0"),
      Address(try address("fd17::1"), "docker0"), Address(try address("fd06::242"), "eth0"),
    ]
    try host.routeTo("172.17.0.0/16", 2)
    try host.routeTo("192.168.106.0/24", 3)
    try host.routeTo("0.0.0.0/0", 3, via: "192.168.106.10")
    try host.routeTo("fd17::/64", 2)
    try host.routeTo("fd06::/64", 3)
    return host
  }

  mutating func routeTo(_ block: String, _ interface: UInt32, via gateway: String? = nil) throws {
    routes.append(
      Route(to: try #require(CIDR(block)), interface: interface, gateway: try gateway.map { try address($0) }))
  }

  /// The kernel's choice in the founding scenario: the address of the interface that leads to the client; nobody that was
  /// given is reached.
  func choices(_ kinds: [ClientKind], _ scope: Scope = .services) throws -> Diagnosis.Choices {
    let sources = [
      2: (v4: try address("172.17.0.1"), v6: try address("fd17::1")),
      3: (v4: try address("192.168.106.242"), v6: try address("fd06::242")),
    ]
    var choices: Diagnosis.Choices = [:]
    for question in Diagnosis.questions(self, kinds, scope) {
      guard let kind = kinds.first(where: { $0.representative == question.destination }) else { continue }
      let source = sources[Int(kind.interface)]
      choices[question] = question.destination.isIPv4 ? source?.v4 : source?.v6
    }
    return choices
  }

  /// What is to be said of this host.
  func diagnosis(_ scope: Scope = .services, given: [IPAddress] = []) throws -> Diagnosis {
    let kinds = ClientKinds.of(self, given: given)
    return Diagnosis(self, kinds, try choices(kinds, scope), scope)
  }

  /// Opens a socket of a program.
  mutating func open(
    _ endpoint: String, _ name: String? = "nc", pid: Int32 = 4711, interface: UInt32 = 0, isIPv6Only: Bool = false,
    _ settings: (inout SocketSettings) -> Void = { _ in }
  ) throws {
    let local = try #require(Endpoint(endpoint))
    var known = SocketSettings()
    settings(&known)
    let entry = UDPSocketEntry(
      local: local, isIPv6: !local.address.isIPv4, isIPv6Only: isIPv6Only, interface: interface, user: 998,
      inode: UInt64(sockets.count + 1))
    let holders = name.map { [SocketHolder(id: pid, name: $0, descriptor: 3)] } ?? []
    sockets.append(
      SurveyedSocket(entry, holders: holders, settings: name == nil ? .hidden(.noHolder) : .read(known)))
  }
}
