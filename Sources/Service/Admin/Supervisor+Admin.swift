import HTTP
import Linux
import Logging

/// The process as it can be asked about itself.
extension Supervisor {
  /// Opens the admin socket, unless it is open already, and answers by it.
  func openAdmin(_ given: AdminSocket?) throws(ConfigurationError) {
    var opened = given
    if opened == nil { opened = try AdminSocket.open(configuration) }
    guard let socket = opened else {
      if configuration.admin != .none { logger.debug("no folder for an admin socket; name one by --admin") }
      return
    }
    do throws(Errno) {
      admin = try AdminDesk(loop, on: socket, adminSubject, routes: observation.routes)
      logger.debug("can be asked about itself", metadata: ["admin": "\(socket.place)"])
    } catch { throw .start("cannot serve the admin socket", error) }
  }

  /// Opens it when the process whose place this one has taken has left it. What goes wrong is then no reason to end, for
  /// there is nobody any more who would go on.
  func openAdminLate() {
    do throws(ConfigurationError) { try openAdmin(nil) } catch {
      logger.error("there is no admin socket: \(error.message)")
    }
  }

  private var adminSubject: AdminDesk.Subject {
    AdminDesk.Subject(
      crew: crew, names: names, limits: limits, logControl: logControl, logger: logger,
      roster: { [unowned self] in keeper.roster }, facts: { [unowned self] in facts })
  }

  private var facts: StatusFacts {
    StatusFacts(
      started: start.wall, uptime: .now - start.instant, file: configuration.file, logLevel: logControl.level.rawValue,
      isDraining: drain != nil, reload: lastReload, addressChanges: keeper.addressChanges)
  }

  /// Notes what came of a reload.
  func noteReload(_ errors: [String]) {
    lastReload = StatusFacts.Reload(time: .now, errors: errors)
    observation.reloads.note(isSuccessful: errors.isEmpty)
  }

  /// When a process began, by both clocks.
  struct Start {
    let wall = WallTime.now
    let instant = Instant.now
  }
}
