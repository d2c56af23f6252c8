import Linux

/// Who runs the doctor, and so most likely what it suggests.
package struct Asker: Hashable, Sendable {
  /// The effective user.
  let user: UInt32
  /// CAP_SETUID: whether it may act as others.
  let mayBeOthers: Bool
  /// The lowest port that it may bind.
  let lowestPort: UInt16

  /// An asker in all its parts.
  package init(user: UInt32, mayBeOthers: Bool, lowestPort: UInt16) {
    self.user = user
    self.mayBeOthers = mayBeOthers
    self.lowestPort = lowestPort
  }

  /// One who may do everything.
  package static let root = Asker(user: 0, mayBeOthers: true, lowestPort: 0)

  /// This process.
  static var ourselves: Asker {
    Asker(
      user: UserIdentity.effective, mayBeOthers: Capability.setUser.isEffective,
      lowestPort: Capability.bindService.isEffective ? 0 : PortRights.lowestFree)
  }

  /// Whether it could adopt a service with no more rights than it has. That its socket can be shared was seen when its
  /// settings were read; what is left are the listeners, in its user's name and on its port.
  func mayAdopt(_ service: Service) -> Bool {
    (service.user == user || mayBeOthers) && service.port >= lowestPort
  }
}
