import Linux

extension HealthyReason {
  /// In words that follow `healthy: `.
  package var text: String {
    switch self {
    case .asksTheKernel(let option): "asks which address was asked (\(option))"
    case .boundToAddresses(1): "bound to one address"
    case .boundToAddresses(let count): "a socket for each of \(count) addresses"
    case .boundToLoopback: "only this host can ask it"
    case .connected(1): "connected to one client, hears nobody else"
    case .connected(let count): "connected to \(count) clients, hears nobody else"
    case .noPairDiffers: "no client can ask more than one address"
    case .inFront("multihomed", let count): "multihomed listens on \(addresses(count)) in front of it"
    case .inFront(let name, let count): "\(name ?? "another process") has a socket on \(addresses(count))"
    case .mendedByKernelRule: "mended by the kernel rule"
    case .askedByMulticast: "asked by multicast, so no address is expected"
    case .neverAnswers: "only receives, as this port's services do"
    }
  }

  /// In one word, for programs.
  package var code: String {
    switch self {
    case .asksTheKernel: "asks-the-kernel"
    case .boundToAddresses: "bound-to-addresses"
    case .boundToLoopback: "bound-to-loopback"
    case .connected: "connected"
    case .noPairDiffers: "no-pair-differs"
    case .inFront: "in-front"
    case .mendedByKernelRule: "mended-by-kernel-rule"
    case .askedByMulticast: "asked-by-multicast"
    case .neverAnswers: "never-answers"
    }
  }

  private func addresses(_ count: Int) -> String { count == 1 ? "the one address" : "\(count) addresses" }
}

extension Verdict {
  /// What the table says.
  package var text: String {
    switch self {
    case .healthy(let reason): "healthy: \(reason.text)"
    case .faulty(let wrong, let all):
      "FAULTY: answers \(wrong.count) of \(all) kinds of request from the wrong address"
    case .unmended(let wrong, let all, _):
      "FAULTY: ties its socket to the wrong address at \(wrong.count) of \(all) kinds of request, in spite of the kernel "
        + "rule"
    case .caught(let wrong, let all, _):
      "FAULTY: has answered \(wrong) of \(all) questions of the probe from the wrong address"
    case .unknown(.kernelRule, let wrong, let all):
      "unknown: answers \(wrong.count) of \(all) kinds of request from the wrong address, unless the kernel rule mends it"
    case .unknown(.settings, let wrong, let all):
      "unknown: assumed to answer by routing, hence \(wrong.count) of \(all) kinds of request from the wrong address"
    case .kernel: "kernel: answers as the kernel sees fit"
    }
  }

  /// In one word, for programs.
  package var code: String {
    switch self {
    case .healthy: "healthy"
    case .faulty, .unmended, .caught: "faulty"
    case .unknown: "unknown"
    case .kernel: "kernel"
    }
  }

  /// The pairs that are, or may be, wrong.
  package var wrong: [Pair] {
    switch self {
    case .faulty(let wrong, _), .unmended(let wrong, _, _), .unknown(_, let wrong, _): wrong
    case .healthy, .caught, .kernel: []
    }
  }

  /// How many pairs there are, right and wrong; nil where they were not counted.
  package var requests: Int? {
    switch self {
    case .faulty(_, let all), .unmended(_, let all, _), .unknown(_, _, let all): all
    case .healthy, .caught, .kernel: nil
    }
  }
}

extension Obstacle {
  /// Why settings are hidden, in words that follow `cannot be read: `.
  package var text: String {
    switch self {
    case .noHolder: "no process that may be looked into has the socket open"
    case .mayNotTrace: "the process may not be traced"
    case .refused(let errno): "\(errno)"
    }
  }
}

extension Verdict {
  /// One sentence or two that say why it is so; nil for what is healthy.
  package func explanation(bound: String) -> String? {
    switch self {
    case .faulty: byRouting(bound)
    case .unmended(_, _, let habit):
      byRouting(bound) + " The kernel rule is no mend for it, since it "
        + (habit == .tiesSocket ? "connects its socket to whoever asks" : "has a socket for each client")
        + ": that ties it to the address that routing picks, and it does not hear what the client sends next."
    case .caught(_, _, let reason):
      (reason.map { "By what is to be seen it is healthy (\($0.text))" } ?? "Its settings or the kernel rule are hidden")
        + ", but the probe has got answers from other addresses than it asked."
    case .unknown(.kernelRule, _, _):
      byRouting(bound)
        + " The kernel rule may mend that already, which is not to be seen from here: as root, `multihomed "
        + "kernel show` tells."
    case .unknown(.settings(let obstacle), _, _):
      "the settings cannot be read (\(obstacle.text)). A service that does not ask which address was asked, as most do not, "
        + "is answered for by the kernel, which picks the source of each reply by the route to the client."
    case .healthy, .kernel: nil
    }
  }

  private func byRouting(_ bound: String) -> String {
    "It is bound to \(bound) and does not ask which address was asked (no IP_PKTINFO), so the kernel picks the source of "
      + "each reply by the route to the client."
  }

  /// In one word, for programs, why it is so.
  package var reasonCode: String {
    switch self {
    case .healthy(let reason): reason.code
    case .faulty: "answers-by-routing"
    case .unmended: "kernel-rule-no-mend"
    case .caught: "answered-wrongly"
    case .unknown(.settings, _, _): "settings-hidden"
    case .unknown(.kernelRule, _, _): "kernel-rule-hidden"
    case .kernel: "kernel-socket"
    }
  }
}
