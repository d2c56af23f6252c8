/// Where something stands in a document.
public struct TOMLPlace: Hashable, Comparable, Sendable {
  /// From 1.
  public let line: Int
  /// From 1, in code points.
  public let column: Int

  /// A place.
  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  /// In reading order.
  public static func < (a: TOMLPlace, b: TOMLPlace) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// A value, and where it begins.
public struct TOMLValue: Hashable, Sendable {
  /// What it is.
  public enum Kind: Hashable, Sendable {
    /// Its entries, in reading order.
    case table([TOMLEntry])
    case array([TOMLValue])
    case string(String)
    case integer(Int64)
    case boolean(Bool)
    /// Of no use to us.
    case float
    /// A date, a time, or both; of no use to us.
    case time
  }

  /// What it is.
  public let kind: Kind
  /// Where it begins.
  public let place: TOMLPlace

  /// A value.
  public init(_ kind: Kind, at place: TOMLPlace) {
    self.kind = kind
    self.place = place
  }

  /// What to call it, with its article: `a string`.
  public var description: String {
    switch kind {
    case .table: "a table"
    case .array: "an array"
    case .string: "a string"
    case .integer: "an integer"
    case .boolean: "a boolean"
    case .float: "a float"
    case .time: "a date or time"
    }
  }
}

/// A key of a table, and its value.
public struct TOMLEntry: Hashable, Sendable {
  /// The key.
  public let key: String
  /// Where the key begins.
  public let place: TOMLPlace
  /// The value.
  public let value: TOMLValue

  /// An entry.
  public init(_ key: String, at place: TOMLPlace, _ value: TOMLValue) {
    self.key = key
    self.place = place
    self.value = value
  }
}
