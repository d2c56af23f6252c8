package import Linux

/// One question, and what became of it as seen on the asker's interface.
package struct Exchange: Hashable, Sendable {
  /// Whom the client asked.
  package let asked: Endpoint
  /// What passed the client's interface on account of it, in order.
  package let packets: [IPPacket]
  /// Whether the client got its answer.
  package let isAnswered: Bool

  /// An exchange in all its parts.
  package init(asked: Endpoint, packets: [IPPacket], isAnswered: Bool) {
    self.asked = asked
    self.packets = packets
    self.isAnswered = isAnswered
  }
}

extension IPPacket {
  /// Whether it is part of a conversation with the service, or an ICMP error about one. Neighbour discovery and the like
  /// are not.
  var concernsTheService: Bool {
    if let udp { return udp.source.port == Scenario.port || udp.destination.port == Scenario.port }
    if let refused { return refused.source.port == Scenario.port || refused.destination.port == Scenario.port }
    return false
  }

  /// Who answers with it, if it is an answer of the service.
  var answerer: Endpoint? { udp.flatMap { $0.source.port == Scenario.port ? $0.source : nil } }
}

/// A client in the container, with a connected socket and a capture of its interface.
final class Client {
  private let asked: Endpoint
  private let socket: Socket
  private let capture: PacketCapture

  /// - Parameters:
  ///   - address: the client's own.
  ///   - asked: whom it will ask.
  init(at address: IPAddress, asking asked: Endpoint, in namespace: NetworkNamespace) throws(DemoFailure) {
    self.asked = asked
    capture = try attempt("capture what passes the container's eth0") { () throws(Errno) in
      try PacketCapture(interface: "eth0", in: namespace)
    }
    socket = try attempt("ask \(asked) from \(address)") { () throws(Errno) in
      try namespace.run { () throws(Errno) in
        let socket = try Socket(udpFor: address)
        try socket.bind(to: Endpoint(address, Scenario.clientPort))
        try socket.connect(to: asked)
        return socket
      }
    }
  }

  /// Asks, and watches until the answer has come from whom it asked, or has been refused by an ICMP error, or five
  /// seconds have passed: address resolution tries for three.
  func ask(_ question: String, while service: EchoService) throws(DemoFailure) -> Exchange {
    try attempt("ask \(asked)") { () throws(Errno) in
      try socket.send(Array(question.utf8))
      let end = Instant.now + .seconds(5)
      var packets: [IPPacket] = []
      while !packets.contains(where: { $0.refused != nil || $0.answerer == asked }) {
        guard try Socket.waitUntilReadable([capture.socket, service.socket], within: end - Instant.now) else { break }
        try service.serve()
        packets += try capture.drain().map(\.packet).filter(\.concernsTheService)
      }
      return Exchange(asked: asked, packets: packets, isAnswered: try hears(question, after: packets))
    }
  }

  /// A capture sees a datagram just before the socket gets it, hence the wait.
  private func hears(_ text: String, after packets: [IPPacket]) throws(Errno) -> Bool {
    let mayCome = packets.contains { $0.answerer == asked }
    guard try socket.waitUntilReadable(within: mayCome ? .seconds(1) : Nanoseconds(0)) else { return false }
    do throws(Errno) {
      return try socket.receive()?.bytes == Array(text.utf8)
    } catch .connectionRefused {
      return false  // Nobody listens there: the trace shows it.
    }
  }
}
