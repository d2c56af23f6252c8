package import Linux

/// What a service answered when it was really asked.
package struct ProbeResult: Hashable, Sendable {
  /// One address that was asked, and what passed the client's interface on account of it.
  package struct Exchange: Hashable, Sendable {
    /// The address and port that was asked.
    package let asked: Endpoint
    /// What passed, in order.
    package let packets: [IPPacket]
    /// The port that was asked from, by which answers are known.
    package let clientPort: UInt16

    /// An exchange in all its parts.
    package init(asked: Endpoint, clientPort: UInt16, packets: [IPPacket]) {
      self.asked = asked
      self.clientPort = clientPort
      self.packets = packets
    }

    /// The address that answered first, whatever its port: TFTP answers from another one.
    package var answerer: IPAddress? { packets.first(where: isAnswer)?.source }

    /// Whether this is what the client was waiting for.
    func isAnswer(_ packet: IPPacket) -> Bool { packet.udp?.destination.port == clientPort }

    /// Whether the answer came from another address than the one that was asked; nil where there was none.
    package var isWrong: Bool? { answerer.map { $0 != asked.address } }
  }

  /// The service.
  package let service: Service
  /// What it was asked, in words.
  package let question: String
  /// An exchange for each address.
  package let exchanges: [Exchange]

  /// The verdict that takes the place of another one; nil where the answers do not speak against it.
  func overriding(_ verdict: Verdict) -> Verdict? {
    let answers = exchanges.compactMap(\.isWrong)
    let wrong = answers.count { $0 }
    if wrong == 0 { return nil }
    switch verdict {
    case .healthy(let reason): return .caught(wrong, of: answers.count, reason)
    case .unknown: return .caught(wrong, of: answers.count, nil)
    case .faulty, .unmended, .caught, .kernel: return nil
    }
  }

  /// A result in all its parts.
  package init(service: Service, question: String, exchanges: [Exchange]) {
    self.service = service
    self.question = question
    self.exchanges = exchanges
  }
}
