public import Linux

/// The kernel's tables of UDP sockets (proc(5)). Read without the parsers of `Linux`: an instrument must not share the
/// faults of what it measures.
public enum SocketTable {
  /// The address to which the socket of a line of `net/udp` or `net/udp6` is bound, when it has this port. Without scope.
  ///
  /// `sl local_address …`, with `0100007F:162E` as 127.0.0.1:5678: words of 32 bits in the host's order.
  public static func address(_ line: Substring, _ port: UInt16, isIPv4: Bool) -> IPAddress? {
    let fields = line.split(separator: " ")
    guard fields.count > 1 else { return nil }
    let local = fields[1].split(separator: ":")
    guard local.count == 2, UInt16(local[1], radix: 16) == port else { return nil }
    let digits = Array(local[0])
    let words = stride(from: 0, to: digits.count, by: 8).compactMap {
      UInt32(String(digits[$0..<min($0 + 8, digits.count)]), radix: 16)?.byteSwapped
    }
    if isIPv4 { return words.first.map { IPAddress(v4: $0) } }
    guard words.count == 4 else { return nil }
    return IPAddress(v6: UInt64(words[0]) << 32 | UInt64(words[1]), UInt64(words[2]) << 32 | UInt64(words[3]))
  }
}

extension NetworkNamespace {
  /// The addresses on which there is a UDP socket at this port, one for each socket. Scopes are not told.
  public func socketAddresses(at port: UInt16) throws(Errno) -> [IPAddress] {
    try sockets(at: port).map(\.address)
  }

  /// The users to whom the UDP sockets at this port belong, one for each socket.
  public func socketOwners(at port: UInt16) throws(Errno) -> [UInt32] {
    // `sl local_address rem_address st tx:rx tr:when retrnsmt uid …`
    try sockets(at: port).compactMap { UInt32($0.line.split(separator: " ")[7]) }
  }

  private func sockets(at port: UInt16) throws(Errno) -> [(address: IPAddress, line: Substring)] {
    try run { () throws(Errno) in
      [("udp", true), ("udp6", false)].flatMap { table, isIPv4 in
        let lines = ProcFile.read("/proc/thread-self/net/\(table)")?.split(separator: "\n") ?? []
        return lines.compactMap { line in
          SocketTable.address(line, port, isIPv4: isIPv4).map { (address: $0, line: line) }
        }
      }
    }
  }

  /// Waits until a program has bound a UDP port. By looking only: who tried to bind it would be in the program's way.
  public func waitForService(on port: UInt16) throws {
    try eventually("a service on port \(port)") { try !socketAddresses(at: port).isEmpty }
  }
}
