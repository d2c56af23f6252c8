import EventLoop
import HTTP
import Linux
import Logging

/// Where metrics are served: several places, which a reload may change.
final class MetricsServers {
  /// Whoever may enter the folder of a Unix socket may read: what is to be seen is no secret on this host.
  private static let mode: UInt32 = 0o666

  private let loop: Loop
  private let routes: [String: Handler]
  private let logger: Logger
  private var servers: [ListeningSocket.Place: Server] = [:]

  init(_ loop: Loop, _ routes: [String: Handler], _ logger: Logger) {
    self.loop = loop
    self.routes = routes
    self.logger = logger
  }

  /// What is served next, once it takes the place of what is: those that stay, and new ones.
  struct Prepared {
    fileprivate var servers: [ListeningSocket.Place: Server] = [:]
    /// Those that are in use as long as the process runs whose place this one takes.
    fileprivate var later: [ListeningSocket.Place] = []
  }

  /// Opens what is not served yet. Whoever comes there is answered already; what is not taken up is closed again.
  ///
  /// - Parameter predecessor: still serves them, and will have ended when `change` is called.
  /// - Throws: why a place cannot be had, and what to do about it; then nothing has changed.
  func prepare(
    _ places: [ListeningSocket.Place], besides predecessor: Predecessor? = nil
  ) throws(ConfigurationError) -> Prepared {
    var prepared = Prepared()
    for place in places {
      do throws(Errno) {
        if let server = servers[place] {
          prepared.servers[place] = server
        } else {
          prepared.servers[place] = try open(place)
        }
      } catch {
        guard error == .addressInUse, predecessor?.isRunning == true else {
          throw .cannotServe("metrics", on: place, of: .metrics, error)
        }
        prepared.later.append(place)
      }
    }
    return prepared
  }

  private func open(_ place: ListeningSocket.Place) throws(Errno) -> Server {
    try Server(loop, on: try place.listen(mode: Self.mode), routes: routes)
  }

  /// To relay matters more: what cannot be had now is told, and that is all.
  private func open(later place: ListeningSocket.Place) {
    do throws(Errno) { servers[place] = try open(place) } catch {
      logger.error("\(ConfigurationError.cannotServe("metrics", on: place, of: .metrics, error))")
    }
  }

  /// Goes on with what was prepared.
  func change(to prepared: Prepared) {
    let old = servers
    servers = prepared.servers
    for place in prepared.later { open(later: place) }
    for place in servers.keys.sorted(by: { "\($0)" < "\($1)" }) where old[place] == nil {
      logger.info("metrics are served", metadata: ["on": "\(place)"])
    }
    for (place, server) in old where servers[place] == nil {
      server.close()
      logger.notice("metrics are not served any more", metadata: ["on": "\(place)"])
    }
  }

  /// Ends them all.
  func close() {
    for server in servers.values { server.close() }
    servers = [:]
  }
}

extension ListeningSocket.Place {
  /// - Throws: what `ListeningSocket.init` throws.
  fileprivate func listen(mode: UInt32) throws(Errno) -> ListeningSocket {
    switch self {
    case .network(let endpoint): try ListeningSocket(on: endpoint)
    case .file(let path): try ListeningSocket(at: path, mode: mode)
    }
  }
}
