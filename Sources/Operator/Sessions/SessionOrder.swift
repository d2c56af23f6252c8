import Linux

/// Which sessions are to be listed, as it was typed.
public struct SessionOrder: Sendable {
  /// By what they can be put in order, the usual first.
  public static let orders = ["age", "idle", "recent", "datagrams", "bytes"]
  /// The most that can be put in order.
  public static let greatestLimit = 100_000

  /// What is asked for.
  package let target: String
  let isAll: Bool

  /// Checks it.
  ///
  /// - Throws: what is wrong with it.
  public init(
    relay: String?, client: String?, asked: String?, replied: Bool?, order: String?, limit: String?, isAll: Bool
  ) throws(OperatorFailure) {
    var parameters: [(String, String)] = []
    if let relay {
      guard relay.utf8.allSatisfy({ Self.isPlain($0) }) else { throw .usage("'\(relay)' is no name of a relay") }
      parameters.append(("relay", relay))
    }
    for (name, text) in [("client", client), ("asked", asked)] {
      guard let text else { continue }
      guard let pattern = EndpointPattern(text) else {
        throw .usage(
          "--\(name) '\(text)' is no address, block, or address and port; give 192.0.2.1, 192.0.2.0/24 or [2001:db8::1]:53"
        )
      }
      parameters.append((name, Self.encoded("\(pattern)")))
    }
    if let replied { parameters.append(("replied", "\(replied)")) }
    if let order {
      guard Self.orders.contains(order) else {
        throw .usage("'\(order)' is no order; give one of \(Self.orders.joined(separator: ", "))")
      }
      parameters.append(("order", order))
    }
    let number = try Self.number(limit, isAll: isAll)
    self.isAll = number == 0
    if self.isAll, order != nil { throw .usage("all are listed as they lie; leave --order out, or give --limit") }
    if let number { parameters.append(("limit", "\(number)")) }
    target = "/sessions" + (parameters.isEmpty ? "" : "?") + parameters.map { "\($0)=\($1)" }.joined(separator: "&")
  }

  private static func number(_ limit: String?, isAll: Bool) throws(OperatorFailure) -> Int? {
    guard let limit else { return isAll ? 0 : nil }
    if isAll { throw .usage("--all and --limit contradict each other; give one of them") }
    guard let number = Int(limit), (0...greatestLimit).contains(number) else {
      throw .usage("--limit '\(limit)' is out of range; give 1 to \(greatestLimit), or 0 for all")
    }
    return number
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private static func encoded(_ text: String) -> String {
    text.utf8.map { byte in
      if isPlain(byte) { return String(Unicode.Scalar(byte)) }
      return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }.joined()
  }
}
