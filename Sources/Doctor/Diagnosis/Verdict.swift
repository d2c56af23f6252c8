package import Linux

/// A request that is answered from another address than it asked.
package struct WrongPair: Hashable, Sendable {
  /// The address that is asked.
  package let asked: IPAddress
  /// Who asks it.
  package let client: ClientKind
  /// The address that the kernel chooses for the answer.
  package let source: IPAddress

  /// A pair.
  package init(asked: IPAddress, client: ClientKind, source: IPAddress) {
    self.asked = asked
    self.client = client
    self.source = source
  }
}

/// Why a service answers from the address that was asked.
package enum HealthyReason: Hashable, Sendable {
  /// It asks the kernel which address was asked, by this option.
  case asksTheKernel(option: String)
  /// It has one socket for each of so many addresses.
  case boundToAddresses(Int)
  /// It has so many sockets, each connected to one client, and hears nobody else.
  case connected(Int)
  /// Whoever can ask it is answered from the one address that it can ask.
  case noPairDiffers
  /// So many addresses are taken by sockets that are bound to them, of this program, and what is left is answered right.
  case inFront(name: String?, count: Int)
  /// A kernel rule of ours rewrites the source of its replies.
  case mendedByKernelRule
  /// It is asked at a multicast group, so that no address of ours is expected in the answer.
  case askedByMulticast
  /// By its port it is told and never asked, as a syslog server is.
  case neverAnswers
}

/// What is to be said of a service.
package enum Verdict: Hashable, Sendable {
  /// It answers from the address that was asked.
  case healthy(HealthyReason)
  /// It answers some clients from another address. Of so many pairs of address and kind of client, these.
  case faulty([WrongPair], of: Int)
  /// Its settings are hidden: if it leaves the source to the kernel, as most do, these pairs are wrong.
  case unknown(Obstacle, [WrongPair], of: Int)
  /// The kernel's own socket, which answers as the kernel sees fit.
  case kernel

  /// Whether nothing has to be done.
  package var isHealthy: Bool {
    switch self {
    case .healthy, .kernel: true
    case .faulty, .unknown: false
    }
  }
}
