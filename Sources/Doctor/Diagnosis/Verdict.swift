/// Why a service answers from the address that was asked.
package enum HealthyReason: Hashable, Sendable {
  /// It asks the kernel which address was asked, by this option.
  case asksTheKernel(option: String)
  /// It has one socket for each of so many addresses.
  case boundToAddresses(Int)
  /// It is bound to addresses of the loopback interface alone, where no other host can ask it.
  case boundToLoopback
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

/// What keeps a verdict from being certain.
package enum Doubt: Hashable, Sendable {
  /// The settings of a socket are hidden: it may know which address was asked.
  case settings(Obstacle)
  /// The kernel rule is not to be seen: it may mend the replies.
  case kernelRule
}

/// What is to be said of a service.
package enum Verdict: Hashable, Sendable {
  /// It answers from the address that was asked.
  case healthy(HealthyReason)
  /// It answers some clients from another address. Of so many pairs, these.
  case faulty([Pair], of: Int)
  /// It does so in spite of a kernel rule of ours, because of what it does with its socket.
  case unmended([Pair], of: Int, Habit)
  /// It was asked, and so many of the answers came from another address, which was not to be foretold.
  case caught(Int, of: Int, HealthyReason?)
  /// It does so if the doubt is unfounded.
  case unknown(Doubt, [Pair], of: Int)
  /// The kernel's own socket, which answers as the kernel sees fit.
  case kernel

  /// Whether nothing has to be done.
  package var isHealthy: Bool {
    switch self {
    case .healthy, .kernel: true
    case .faulty, .unmended, .caught, .unknown: false
    }
  }

  /// Whether there is a doubt.
  var isUnknown: Bool {
    if case .unknown = self { true } else { false }
  }
}
