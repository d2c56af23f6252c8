package import Linux

/// An address of the host, a kind of client that asks it, and from where the answer comes.
package struct Pair: Hashable, Sendable {
  /// The address that is asked.
  package let asked: IPAddress
  /// Who asks it.
  package let client: ClientKind
  /// The source of the answer: the kernel's choice, unless the service sees to it.
  package let source: IPAddress

  /// A pair.
  package init(asked: IPAddress, client: ClientKind, source: IPAddress) {
    self.asked = asked
    self.client = client
    self.source = source
  }

  /// Whether the answer comes from another address than the one that was asked.
  package var isWrong: Bool { source != asked }
}
