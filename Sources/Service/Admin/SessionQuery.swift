import Linux
package import Relay

/// Which sessions somebody wants to be listed, and how.
package struct SessionQuery: Sendable {
  /// How many are listed when nobody says otherwise.
  package static let usualLimit = 100
  /// Some 30 MB while they are sorted; whoever wants more wants all.
  package static let greatestLimit = 100_000

  /// The relay's name; nil for every relay.
  package var relay: String?
  /// Which of its sessions.
  package var filter = SessionFilter()
  /// In what order.
  package var order = SessionOrder.age
  /// How many; 0 for all, in the order of the table.
  package var limit = usualLimit

  /// Reads the parameters of a request: `relay`, `client`, `asked`, `replied`, `order`, `limit`.
  ///
  /// - Throws: what is wrong with one of them, on a line.
  package init(_ parameters: [String: String]) throws(AdminRefusal) {
    for (name, text) in parameters.sorted(by: { $0.key < $1.key }) {
      switch name {
      case "relay": relay = text
      case "client": filter.client = try Self.pattern(name, text)
      case "asked": filter.asked = try Self.pattern(name, text)
      case "replied": filter.isReplied = try Self.choice(name, text, ["true": true, "false": false])
      case "order":
        let orders = Dictionary(uniqueKeysWithValues: SessionOrder.allCases.map { ($0.rawValue, $0) })
        order = try Self.choice(name, text, orders)
      case "limit":
        guard let number = Int(text), (0...Self.greatestLimit).contains(number) else {
          throw .badRequest("limit '\(text)' is no number from 0, for all, to \(Self.greatestLimit)")
        }
        limit = number
      default:
        throw .badRequest("there is no parameter '\(name)'; give relay, client, asked, replied, order or limit")
      }
    }
  }

  private static func pattern(_ name: String, _ text: String) throws(AdminRefusal) -> EndpointPattern {
    guard let pattern = EndpointPattern(text) else {
      throw .badRequest(
        "\(name) '\(text)' is no address, block, or address and port; give 192.0.2.1, 192.0.2.0/24 or [2001:db8::1]:53")
    }
    return pattern
  }

  private static func choice<Value>(
    _ name: String, _ text: String, _ values: [String: Value]
  ) throws(AdminRefusal) -> Value {
    guard let value = values[text] else {
      throw .badRequest("\(name) '\(text)' is not one of \(values.keys.sorted().joined(separator: ", "))")
    }
    return value
  }
}

/// Why a request is not answered with what it asked for.
package enum AdminRefusal: Error, Hashable, Sendable {
  /// The request makes no sense (400): why, and what would.
  case badRequest(String)
  /// There is no such thing (404): what.
  case notFound(String)
  /// As much as there may be at once is under way (503).
  case busy(String)

  /// On a line.
  package var message: String {
    switch self {
    case .badRequest(let message), .notFound(let message), .busy(let message): message.printable
    }
  }
}
