import EventLoop
import HTTP
import JSON
import Linux
import Logging
import Relay

/// Answers whoever asks this process about itself by its admin socket.
final class AdminDesk {
  /// Lists of sessions under way at once.
  private static let mostListings = 4

  /// Everything that it tells of, or changes.
  struct Subject {
    let crew: WorkerCrew
    let names: RelayNames
    let limits: HostLimits
    let logControl: LogControl
    let logger: Logger
    /// What may be served now.
    let roster: () -> ListenerRoster
    let facts: () -> StatusFacts
  }

  private let subject: Subject
  private let socket: AdminSocket
  private let reader: SessionReader
  private let listings = Listings()
  private var server: Server?

  /// Begins to serve.
  ///
  /// - Parameter routes: what is answered beside.
  /// - Throws: EMFILE, ENOMEM.
  init(_ loop: Loop, on socket: AdminSocket, _ subject: Subject, routes: [String: Handler] = [:]) throws(Errno) {
    self.subject = subject
    self.socket = socket
    reader = try SessionReader(loop, subject.crew)
    let own: [String: Handler] = [
      "/status": { [unowned self] _ in status() }, "/sessions": { [unowned self] in sessions($0) },
    ]
    server = try Server(
      loop, on: socket.listening, Self.bounds, routes: routes.merging(own) { $1 },
      changes: ["/log-level": { [unowned self] in changeLogLevel($0) }])
  }

  /// Those who ask are root's and our own. A million sessions take a while to be read.
  private static var bounds: Limits {
    var limits = Limits()
    limits.connections = 16
    limits.patience = .seconds(30)
    limits.lifetime = .seconds(600)
    limits.bytesUnderWay = 64 << 20
    return limits
  }

  /// Where it is.
  var place: String { socket.place }

  /// Nobody is answered any more.
  func close() {
    server?.close()
    server = nil
  }

  // MARK: Answers

  private func status() -> Response {
    let report = StatusReport(
      facts: subject.facts(), crew: subject.crew, roster: subject.roster(), limits: subject.limits)
    return json(.ok, report.json)
  }

  private func sessions(_ request: Request) -> Response {
    do throws(AdminRefusal) {
      let query = try SessionQuery(request.query)
      let relays = try relays(named: query.relay)
      if listings.count >= Self.mostListings { throw .busy("too many lists are under way; ask again") }
      listings.count += 1
      let listing = SessionListing(query, of: relays, reader, subject.names) { [listings] in listings.count -= 1 }
      return Response(contentType: Self.jsonType, pieces: listing.pieces)
    } catch { return refuse(error) }
  }

  private func relays(named name: String?) throws(AdminRefusal) -> [RelayID] {
    let all = subject.crew.relays.sorted { $0.key < $1.key }
    guard let name else { return all.map(\.key) }
    let found = all.filter { $0.value.configuration.name == name }.map(\.key)
    if found.isEmpty {
      let names = all.map(\.value.configuration.name).joined(separator: ", ")
      throw .notFound("there is no relay '\(name)'; there is \(names)")
    }
    return found
  }

  private func changeLogLevel(_ request: Request) -> Response {
    guard request.query.count == 1, let text = request.query["level"], let level = Logger.Level(rawValue: text) else {
      let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
      return refuse(.badRequest("give level, one of \(levels)"))
    }
    let before = subject.logControl.level
    subject.logControl.change(to: level)
    // Whoever changes it wants to see that it has changed, whatever it is.
    var logger = subject.logger
    logger.logLevel = .notice
    logger.notice("log level changed", metadata: ["level": "\(level)", "before": "\(before)"])
    return json(.ok, .members(["log_level": .string(level.rawValue), "before": .string(before.rawValue)]))
  }

  // MARK: Form

  private static let jsonType = "application/json"

  private func refuse(_ refusal: AdminRefusal) -> Response {
    let status: Response.Status =
      switch refusal {
      case .badRequest: .badRequest
      case .notFound: .notFound
      case .busy: .serviceUnavailable
      }
    return json(status, .members(["error": .string(refusal.message)]))
  }

  private func json(_ status: Response.Status, _ value: JSONValue) -> Response {
    Response(status, contentType: Self.jsonType, body: Array((value.text + "\n").utf8))
  }

  /// How many lists are under way; outlives the desk.
  private final class Listings { var count = 0 }
}
