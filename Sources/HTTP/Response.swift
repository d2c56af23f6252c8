/// What a client is answered.
public struct Response: Hashable, Sendable {
  /// Those statuses of RFC 9110, section 15, that we give.
  public enum Status: UInt32, Sendable {
    case ok = 200
    case badRequest = 400
    case forbidden = 403
    case notFound = 404
    case methodNotAllowed = 405
    case contentTooLarge = 413
    case internalServerError = 500
    case serviceUnavailable = 503
  }

  /// How it went.
  public let status: Status
  /// The media type of the body (RFC 9110, section 8.3).
  public let contentType: String
  /// The body, sent piece by piece. It may be large, and is held as long as the client takes to read it.
  public let body: [UInt8]
  /// Instead of a body that is there: where one comes from.
  let pieces: Pieces?
  /// Beside those that every answer has.
  let headers: [String: String]

  /// An answer with a body.
  public init(_ status: Status = .ok, contentType: String, body: [UInt8]) {
    self.init(status, contentType: contentType, body: body, headers: [:])
  }

  /// An answer with a body that comes in pieces, of whatever length: only one is held at a time.
  public init(_ status: Status = .ok, contentType: String, pieces: Pieces) {
    self.init(status, contentType: contentType, body: [], pieces: pieces, headers: [:])
  }

  /// An answer in plain words.
  public init(_ status: Status = .ok, text: String) { self.init(status, text: text, headers: [:]) }

  init(_ status: Status, text: String, headers: [String: String]) {
    self.init(status, contentType: "text/plain; charset=utf-8", body: Array((text + "\n").utf8), headers: headers)
  }

  private init(
    _ status: Status, contentType: String, body: [UInt8], pieces: Pieces? = nil, headers: [String: String]
  ) {
    self.status = status
    self.contentType = contentType
    self.body = body
    self.pieces = pieces
    self.headers = headers
  }
}
