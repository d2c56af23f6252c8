/// What the table has counted. The kernel counts what passes its hooks: a train (GSO, GRO) is one.
package struct RuleTally: Hashable, Sendable {
  /// The counts of one port and family, in the order of a datagram's life.
  package struct Counts: Hashable, Sendable {
    /// Requests that the service got.
    package var requests = 0
    /// Of them, to a broadcast or multicast address: nothing to remember.
    package var elsewhere = 0
    /// Of them, not remembered for lack of room.
    package var forgotten = 0
    /// Datagrams that the service sent from its port.
    package var replies = 0
    /// Of them, to somebody who asked an address that has left this host: they left as the kernel sent them.
    package var gone = 0
    /// Of them, to somebody who is not remembered: they left as the kernel sent them.
    package var unmended = 0

    /// Requests whose client is remembered.
    package var remembered: Int { requests - elsewhere - forgotten }
    /// Replies that left from the address that was asked.
    package var mended: Int { replies - gone - unmended }
  }

  /// Which port, and which family: `ipv4` or `ipv6`.
  package struct Key: Hashable, Sendable {
    package let port: UInt16
    package let family: String

    package init(_ port: UInt16, _ family: String) {
      self.port = port
      self.family = family
    }
  }

  /// By port and family.
  package var counts: [Key: Counts] = [:]
  /// How many clients are remembered now, by family.
  package var clients: [String: Int] = [:]

  /// What makes nft print all of it, each a run of its own: nft 1.0.6 does not find the other sets after it has listed one.
  static let scripts =
    (["list counters table inet \(RuleTable.name)"]
    + AddressForm.allCases.map { "list map inet \(RuleTable.name) asked\($0.suffix)" }).map { $0 + "\n" }

  /// Reads what nft printed.
  package init(_ lines: [String]) {
    var block: Substring = ""
    for line in lines {
      let words = line.split { " \t=,{}".contains($0) }
      if line.hasSuffix("{"), words.count == 2 { block = words[1] }
      if block.hasPrefix("asked") {
        count(words.count { $0 == "expires" }, in: block)
      } else {
        read(words, in: block)
      }
    }
  }

  private mutating func count(_ clients: Int, in block: Substring) {
    self.clients[block == "asked4" ? "ipv4" : "ipv6", default: 0] += clients
  }

  /// `packets 3 bytes 90` in a counter named requests4_5678.
  private mutating func read(_ words: [Substring], in block: Substring) {
    guard words.count > 1, words[0] == "packets", let packets = Int(words[1]), let line = block.lastIndex(of: "_"),
      let port = UInt16(block[block.index(after: line)...])
    else { return }
    let name = block[..<line]
    set(String(name.dropLast()), Key(port, name.hasSuffix("4") ? "ipv4" : "ipv6"), packets)
  }

  private mutating func set(_ name: String, _ key: Key, _ value: Int) {
    let members: [String: WritableKeyPath<Counts, Int>] = [
      "requests": \.requests, "elsewhere": \.elsewhere, "forgotten": \.forgotten, "replies": \.replies, "gone": \.gone,
      "unmended": \.unmended,
    ]
    if let member = members[name] { counts[key, default: Counts()][keyPath: member] = value }
  }
}
