/// What a client asks for, once its headers have come as a whole. Only GET and HEAD come so far, PUT where that is obeyed, and nothing with a body.
public struct Request: Hashable, Sendable {
  /// The path, as in `/metrics`: with `%41` written out, without the query.
  public let path: String
  /// What stands behind the `?`, written out; a name without `=` has an empty value, of a name that comes twice the last one
  /// counts.
  public let query: [String: String]

  /// A request in all its parts.
  public init(path: String, query: [String: String] = [:]) {
    self.path = path
    self.query = query
  }
}

/// Answers a request. It is called in the loop of the server, which waits for it; it must not close the server.
public typealias Handler = (Request) -> Response
