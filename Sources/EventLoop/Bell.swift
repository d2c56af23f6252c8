public import Linux

/// Does something whenever a descriptor is readable, for what happens seldom; the data plane has subclasses of its own.
public final class Bell: Readiness {
  private let rung: (Bell) -> Void

  /// Begins to listen.
  ///
  /// - Parameter rung: called as often as the descriptor is readable; it must read, or close the bell.
  /// - Throws: EEXIST when the descriptor is polled already, ENOMEM.
  public init(_ loop: Loop, _ socket: Socket, _ rung: @escaping (Bell) -> Void) throws(Errno) {
    self.rung = rung
    try super.init(loop, socket)
    start()
  }

  override public func becameReadable() { rung(self) }
}
