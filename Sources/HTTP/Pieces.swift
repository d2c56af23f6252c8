/// Where the body of an answer comes from, piece by piece. The next one is asked for when this one has been read.
public final class Pieces: Hashable, @unchecked Sendable {
  /// Gives the next piece, now or later, in the loop of the server; nil at the end. Once.
  public typealias Give = (_ piece: [UInt8]?) -> Void

  private let next: (@escaping Give) -> Void

  /// - Parameter next: called for each piece, and not again before that was given.
  public init(_ next: @escaping (_ give: @escaping Give) -> Void) { self.next = next }

  func ask(_ give: @escaping Give) { next(give) }

  /// Each is only itself.
  public static func == (a: Pieces, b: Pieces) -> Bool { a === b }

  /// Each is only itself.
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
