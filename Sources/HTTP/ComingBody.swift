import CMHD

/// The body of one answer that comes in pieces. While the next one is awaited, libmicrohttpd lets its connection rest.
@safe
final class ComingBody {
  private let pieces: Pieces
  private let answers: Answers
  /// Alive as long as its connection rests; not to be touched otherwise.
  private let connection: OpaquePointer
  private var piece: ArraySlice<UInt8> = []
  /// What of the piece counts as under way.
  private var counted = 0
  private var isAsked = false
  private var isResting = false
  private var hasEnded = false

  init(_ pieces: Pieces, of answers: Answers, on connection: OpaquePointer) {
    self.pieces = pieces
    self.answers = answers
    unsafe self.connection = connection
  }

  deinit { answers.bytes -= counted }

  static func at(_ context: UnsafeMutableRawPointer?) -> ComingBody {
    guard let context = unsafe context else { preconditionFailure("an answer without its body") }
    return unsafe Unmanaged<ComingBody>.fromOpaque(context).takeUnretainedValue()
  }

  /// Copies what is there, or asks for more (MHD_ContentReaderCallback).
  func copy(into target: UnsafeMutablePointer<CChar>?, atMost limit: Int) -> Int {
    while piece.isEmpty, !hasEnded {
      if !isAsked {
        isAsked = true
        pieces.ask { [self] in take($0) }
      }
      guard isAsked else { continue }
      isResting = true
      answers.awaiting[ObjectIdentifier(self)] = self
      unsafe MHD_suspend_connection(connection)
      return 0
    }
    // MHD_CONTENT_READER_END_OF_STREAM
    if piece.isEmpty { return -1 }
    let part = piece.prefix(limit)
    unsafe UnsafeMutableRawBufferPointer(start: target, count: limit).copyBytes(from: part)
    piece = piece.dropFirst(part.count)
    return part.count
  }

  /// The next piece has come; nil: there is none any more.
  func take(_ next: [UInt8]?) {
    isAsked = false
    if hasEnded { return }
    answers.bytes += (next?.count ?? 0) - counted
    counted = next?.count ?? 0
    piece = next?[...] ?? []
    hasEnded = next == nil
    guard isResting else { return }
    isResting = false
    answers.awaiting[ObjectIdentifier(self)] = nil
    unsafe MHD_resume_connection(connection)
    answers.wake()
  }
}
