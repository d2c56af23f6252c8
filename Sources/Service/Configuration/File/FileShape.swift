import TOML

/// What kind of value a setting takes in a file.
enum FileShape {
  case string
  case integer
  case boolean
  case integerOrString
  case stringOrStrings
  case arrayOfStrings
  case arrayOfIntegersAndStrings

  init(_ setting: Setting) {
    switch setting {
    case .listen: self = .arrayOfIntegersAndStrings
    case .interface, .address: self = .arrayOfStrings
    case .ipv4Only, .ipv6Only, .loopback: self = .boolean
    case .maxSessions, .responses: self = .integer
    case .workers, .receiveBuffer: self = .integerOrString
    case .metrics: self = .stringOrStrings
    case .backend, .upstream, .sourcePool, .idleTimeout, .unrepliedTimeout, .busyPoll, .drainLimit, .logLevel,
      .logFormat, .sessionLog, .admin:
      self = .string
    }
  }

  /// What to call it, with its article.
  var description: String {
    switch self {
    case .string: "a string"
    case .integer: "an integer"
    case .boolean: "a boolean"
    case .integerOrString: "an integer or a string"
    case .stringOrStrings: "a string or an array of strings"
    case .arrayOfStrings: "an array of strings"
    case .arrayOfIntegersAndStrings: "an array of integers and strings"
    }
  }

  /// A value as the texts that a command line would hold; nil when it is of another kind.
  func texts(_ value: TOMLValue) -> [FileSource.Value]? {
    switch (self, value.kind) {
    case (.arrayOfStrings, .array(let elements)), (.stringOrStrings, .array(let elements)):
      Self.all(elements, of: .string)
    case (.arrayOfIntegersAndStrings, .array(let elements)): Self.all(elements, of: .integerOrString)
    case (.string, .string(let text)), (.integerOrString, .string(let text)), (.stringOrStrings, .string(let text)):
      [.init(text: text, place: value.place)]
    case (.integer, .integer(let number)), (.integerOrString, .integer(let number)):
      [.init(text: "\(number)", place: value.place)]
    case (.boolean, .boolean(let flag)): [.init(text: "\(flag)", place: value.place)]
    default: nil
    }
  }

  private static func all(_ elements: [TOMLValue], of shape: FileShape) -> [FileSource.Value]? {
    var all: [FileSource.Value] = []
    for element in elements {
      guard let texts = shape.texts(element) else { return nil }
      all += texts
    }
    return all
  }
}

extension Setting {
  /// How it stands in a file, for example.
  var exampleInFile: String {
    let value =
      switch self {
      case .listen: "[5678, \"5000-5010\"]"
      case .backend: "\"127.0.0.1:5678\""
      case .interface: "[\"eth*\", \"!eth1\"]"
      case .address: "[\"192.0.2.0/24\"]"
      case .ipv4Only, .ipv6Only, .loopback: "true"
      case .upstream: "\"auto\""
      case .sourcePool: "\"127.64.0.0/10\""
      case .idleTimeout: "\"60s\""
      case .unrepliedTimeout: "\"30s\""
      case .maxSessions: "1048576"
      case .responses: "0"
      case .workers: "1"
      case .busyPoll: "\"50us\""
      case .drainLimit: "\"10s\""
      case .logLevel: "\"info\""
      case .logFormat: "\"text\""
      case .sessionLog: "\"/var/log/multihomed/sessions.log\""
      case .metrics: "\"127.0.0.1:9478\""
      case .receiveBuffer: "\"4MiB\""
      case .admin: "\"/run/multihomed/admin.sock\""
      }
    return "\(key) = \(value)"
  }
}
