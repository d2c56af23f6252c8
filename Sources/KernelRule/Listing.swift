/// A table named multihomed as it is in the kernel.
package struct Listing: Hashable, Sendable {
  /// What nft printed (`nft --stateless --terse list table`): without counts and without elements.
  package let text: String
  /// The same as a value.
  package let table: RuleTable

  /// Reads what nft printed.
  package init(_ text: String) {
    self.text = text
    var blocks: [RuleTable.Block] = []
    var header: String?
    var lines: [String] = []
    for line in text.split(separator: "\n").map(Self.trimmed) where !line.hasPrefix("table ") {
      if header == nil, line.hasSuffix("{") {
        header = Self.trimmed(line.dropLast())
      } else if line == "}" {
        if let header { blocks.append(RuleTable.Block(header: header, lines: lines)) }
        (header, lines) = (nil, [])
      } else if header != nil {
        lines.append(line)
      } else {
        // Ours has nothing that is not in a block: it is somebody else's.
        blocks.append(RuleTable.Block(header: line, lines: []))
      }
    }
    table = RuleTable(blocks: blocks)
  }

  /// The settings that the table was made with; nil when it is not ours: when it has other sets, chains or counters than a
  /// table of ours, or hooks of another kind. Single rules may still be others; see `isIntact`.
  package var settings: RuleSettings? {
    let ports = table.blocks.compactMap { block in
      block.header.split(separator: "_").dropFirst().first.flatMap {
        block.header.hasPrefix("counter requests4_") ? UInt16($0) : nil
      }
    }
    guard let size = number(after: "size ", in: "map asked4"), let seconds = span(in: "map asked4") else { return nil }
    let settings = RuleSettings(ports: ports, clients: size / 2, timeout: seconds, seed: seed ?? 0)
    return RuleTable(settings).shape == table.shape ? settings : nil
  }

  /// Whether it is word for word the table that its settings make.
  package var isIntact: Bool {
    guard let settings else { return false }
    return RuleTable(settings).sorted == table.sorted
  }

  // MARK: Reading

  private func lines(of header: String) -> [String] { table.blocks.first { $0.header == header }?.lines ?? [] }

  private func number(after word: String, in header: String) -> Int? {
    lines(of: header).first { $0.hasPrefix(word) }.flatMap { Int($0.dropFirst(word.count)) }
  }

  /// The timeout, in seconds: nft prints `1m30s`.
  private func span(in header: String) -> Int? {
    guard let text = lines(of: header).first(where: { $0.hasPrefix("timeout ") })?.dropFirst(8) else { return nil }
    let units: [Character: Int] = ["d": 86_400, "h": 3600, "m": 60, "s": 1]
    var (total, digits) = (0, "")
    for character in text {
      if let unit = units[character], let count = Int(digits) {
        (total, digits) = (total + count * unit, "")
      } else {
        digits.append(character)
      }
    }
    return digits.isEmpty ? total : nil
  }

  private var seed: UInt32? {
    let words = lines(of: "chain remember6").joined(separator: " ").split(separator: " ")
    guard let place = words.firstIndex(of: "seed"), place + 1 < words.count else { return nil }
    return UInt32(words[place + 1].dropFirst(2), radix: 16)
  }

  private static func trimmed(_ line: some StringProtocol) -> String {
    let blank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    let start = line.drop(while: blank)
    return String(start.reversed().drop(while: blank).reversed())
  }
}

extension RuleTable {
  /// What makes a table ours: the names of its blocks, and where its chains hang.
  fileprivate var shape: Set<String> {
    Set(
      blocks.map {
        "\($0.header) \($0.lines.first { $0.hasPrefix("type filter") || $0.hasPrefix("type route") } ?? "")"
      })
  }

  /// Blocks that were added later are listed later.
  fileprivate var sorted: [Block] { blocks.sorted { $0.header < $1.header } }
}
