import Glibc
public import Linux

extension NetworkNamespace {
  /// Gives `ip` many commands at once (ip(8), -batch), each without the leading `ip`, run inside this namespace.
  ///
  /// - Parameter force: go on after a command that fails, and do not mind.
  /// - Throws: `TestFailure` with what `ip` said.
  public func ip(_ commands: [String], force: Bool = false, file: StaticString = #fileID, line: UInt = #line) throws {
    let input = commands.joined(separator: "\n") + "\n"
    let arguments = (force ? ["-force"] : []) + ["-batch", "-"]
    let process = try ManagedProcess("ip", arguments, in: self, input: input)
    let exit = try process.waitForExit(within: .seconds(60), file: file, line: line)
    if !force, exit != .status(0) { throw process.failure("failed", file, line) }
  }

  /// Adds addresses, each with its prefix length (`10.0.0.1/24`), to an interface.
  ///
  /// - Parameter awaitsDuplicates: whether IPv6 addresses go through duplicate address detection first (about 1.5 s).
  public func add(_ addresses: [String], to interface: String, awaitsDuplicates: Bool = false) throws {
    try ip(
      addresses.map { address in
        let flag = address.contains(":") && !awaitsDuplicates ? " nodad" : ""
        return "address add \(address) dev \(interface)\(flag)"
      })
  }

  /// Removes addresses from an interface; those that are not there do not matter.
  public func remove(_ addresses: [String], from interface: String) throws {
    try ip(addresses.map { "address del \($0) dev \(interface)" }, force: true)
  }

  /// Writes a kernel setting of this namespace (sysctl(8)): `net/ipv4/ip_forward`.
  ///
  /// - Throws: ENOENT, EACCES.
  public func set(_ setting: String, to value: String) throws(Errno) {
    try run { () throws(Errno) in
      let descriptor = unsafe open("/proc/sys/\(setting)", O_WRONLY | O_CLOEXEC)
      if descriptor < 0 { throw Errno(errno) }
      defer { close(descriptor) }
      if unsafe write(descriptor, value, value.utf8.count) < 0 { throw Errno(errno) }
    }
  }

  /// The addresses of this namespace as the program in it would see them.
  public func addresses() throws(Errno) -> [InterfaceAddress] {
    try run { () throws(Errno) in try InterfaceTable.read().addresses }
  }

  /// The link-local IPv6 address of an interface, with its scope, as soon as it can be bound.
  public func linkLocal(of interface: String) throws -> IPAddress {
    try eventually("a link-local address on \(interface)") {
      let address = try addresses().first { $0.interface == interface && $0.address.isLinkLocalIPv6 }?.address
      return try address.flatMap { try canBind($0) ? $0 : nil }
    }
  }

  /// Whether a UDP socket can be bound to the address now: it is there, and duplicate address detection is over.
  public func canBind(_ address: IPAddress) throws -> Bool {
    try run { () throws(Errno) in
      do throws(Errno) {
        try Socket(udpFor: address).bind(to: Endpoint(address, 0))
        return true
      } catch {
        if error == .addressNotAvailable { return false }
        throw error
      }
    }
  }
}
