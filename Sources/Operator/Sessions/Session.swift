package import JSON
import Linux

/// One session, as a process tells of it.
package struct Session: Hashable, Sendable {
  /// What tells it from others.
  struct Key: Hashable, Sendable {
    let relay: String
    let client: String
    let asked: String
  }

  let key: Key
  let age: Double
  let idle: Double
  let toBackend: Status.Flow
  let toClient: Status.Flow
  let isReplied: Bool
  let upstream: String

  /// Reads it; nil where it is none.
  package init?(_ json: JSONValue) {
    guard let client = json["client"]?.string, let asked = json["asked"]?.string else { return nil }
    key = Key(relay: json.text("relay"), client: client.printable, asked: asked.printable)
    age = json["age"]?.double ?? 0
    idle = json["idle"]?.double ?? 0
    toBackend = Status.Flow(json["to_backend"])
    toClient = Status.Flow(json["to_client"])
    isReplied = json["replied"]?.bool ?? false
    upstream =
      switch json["upstream"] {
      case .string(let address)?: address.printable
      case .number(let port)?: "port \(port)"
      default: "-"
      }
  }

  /// What the columns are called.
  static let head = [
    "RELAY", "CLIENT", "ASKED", "AGE", "IDLE", "TO BACKEND", "BYTES", "TO CLIENT", "BYTES", "REPLIED", "UPSTREAM",
  ]
  /// The columns that hold numbers.
  static let numbers: Set<Int> = [3, 4, 5, 6, 7, 8]

  var columns: [String] {
    [
      key.relay, key.client, key.asked, Quantity.brief(seconds: age), Quantity.brief(seconds: idle),
      "\(toBackend.datagrams)", "\(toBackend.bytes)", "\(toClient.datagrams)", "\(toClient.bytes)",
      isReplied ? "yes" : "no", upstream,
    ]
  }
}
