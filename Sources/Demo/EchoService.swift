import Linux

/// A UDP service as there are many: one socket, recvfrom(2), sendto(2), and no idea of how many addresses the host has.
struct EchoService {
  /// Its only socket.
  let socket: Socket

  /// Binds it in a namespace.
  init(on endpoint: Endpoint, in namespace: NetworkNamespace) throws(DemoFailure) {
    socket = try attempt("bind the service to \(endpoint)") { () throws(Errno) in
      try namespace.run { () throws(Errno) in
        let socket = try Socket(udpFor: endpoint.address)
        try socket.bind(to: endpoint)
        return socket
      }
    }
  }

  /// Answers everybody who waits.
  func serve() throws(Errno) {
    while let (bytes, from) = try socket.receive() { try socket.send(bytes, to: from) }
  }
}
