import CMHD

/// The answers that are under way, and how much memory they hold together.
final class Answers {
  /// Of a longer body so much is copied at a time.
  private static let piece = 64 << 10

  private let limit: Int
  var bytes = 0
  /// Called when a connection is to go on that rested: libmicrohttpd (0.9.75) does not ring for that in a loop of ours.
  var wake: () -> Void = {}
  /// Those whose next piece is awaited.
  var awaiting: [ObjectIdentifier: ComingBody] = [:]

  init(limit: Int) { self.limit = limit }

  /// Sends an answer, and closes the connection when it is sent.
  ///
  /// - Returns: false for want of memory.
  func send(_ response: Response, on connection: OpaquePointer) -> Bool {
    let fits = bytes == 0 || bytes + response.body.count <= limit
    let chosen = fits ? response : Response(.serviceUnavailable, text: "too many answers are under way; ask again")
    guard let raw = unsafe make(chosen, connection) else { return false }
    defer { unsafe MHD_destroy_response(raw) }
    var headers = ["Content-Type": chosen.contentType, "Connection": "close", "Cache-Control": "no-store"]
    headers.merge(chosen.headers) { _, new in new }
    for (name, value) in headers { unsafe MHD_add_response_header(raw, name, value) }
    return unsafe MHD_queue_response(connection, chosen.status.rawValue, raw) == .YES
  }

  /// Nothing more is awaited: the server is about to close, and libmicrohttpd bears no connections then that wait.
  func giveUp() { for body in Array(awaiting.values) { body.take(nil) } }

  private func make(_ response: Response, _ connection: OpaquePointer) -> OpaquePointer? {
    if let pieces = response.pieces { return unsafe make(pieces, connection) }
    if response.body.isEmpty { return unsafe MHD_create_response_from_buffer(0, nil, .RESPMEM_PERSISTENT) }
    let body = Body(response.body, of: self)
    let context = unsafe Unmanaged.passRetained(body).toOpaque()
    let size = UInt64(response.body.count)
    let raw = unsafe MHD_create_response_from_callback(
      size, min(Self.piece, response.body.count), { unsafe Body.at($0).copy(from: $1, into: $2, atMost: $3) }, context,
      { context in if let context = unsafe context { unsafe Unmanaged<Body>.fromOpaque(context).release() } })
    if unsafe raw == nil { unsafe Unmanaged<Body>.fromOpaque(context).release() }
    return unsafe raw
  }

  private func make(_ pieces: Pieces, _ connection: OpaquePointer) -> OpaquePointer? {
    let body = unsafe ComingBody(pieces, of: self, on: connection)
    let context = unsafe Unmanaged.passRetained(body).toOpaque()
    let raw = unsafe MHD_create_response_from_callback(
      .max, Self.piece,
      { context, _, target, limit in unsafe ComingBody.at(context).copy(into: target, atMost: limit) },
      context,
      { context in if let context = unsafe context { unsafe Unmanaged<ComingBody>.fromOpaque(context).release() } })
    if unsafe raw == nil { unsafe Unmanaged<ComingBody>.fromOpaque(context).release() }
    return unsafe raw
  }

  /// The body of one answer, as long as somebody reads it.
  private final class Body {
    private let bytes: [UInt8]
    private let answers: Answers

    init(_ bytes: [UInt8], of answers: Answers) {
      self.bytes = bytes
      self.answers = answers
      answers.bytes += bytes.count
    }

    deinit { answers.bytes -= bytes.count }

    static func at(_ context: UnsafeMutableRawPointer?) -> Body {
      guard let context = unsafe context else { preconditionFailure("an answer without its body") }
      return unsafe Unmanaged<Body>.fromOpaque(context).takeUnretainedValue()
    }

    /// Copies the next piece (MHD_ContentReaderCallback).
    func copy(from position: UInt64, into target: UnsafeMutablePointer<CChar>?, atMost limit: Int) -> Int {
      let piece = bytes.dropFirst(Int(position)).prefix(limit)
      unsafe UnsafeMutableRawBufferPointer(start: target, count: limit).copyBytes(from: piece)
      return piece.count
    }
  }
}
