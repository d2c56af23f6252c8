import Linux

/// Looks at this host, and asks the kernel: all that a diagnosis is made of. Everything that the kernel is asked here, it
/// is only asked: nothing is changed, and no datagram is sent.
struct Survey {
  /// A network namespace, as it is entered and as it was found.
  struct Station: Sendable {
    let namespace: NetworkNamespace
    var host: Host
  }

  /// Every namespace that could be looked into, ours first.
  private(set) var stations: [Station] = []
  /// What could not be looked at.
  private(set) var limits: Limits

  /// Looks around. Of connected sockets, only those of the port that is ordered count: a relay may have a million.
  ///
  /// - Throws: when not even our own namespace can be read.
  init(_ order: Doctor.Order) throws(DoctorFailure) {
    let namespaces = order.isHereOnly ? [(Place.here, NetworkNamespace.current)] : Namespaces.all()
    limits = .ofThisThread(looksElsewhere: !order.isHereOnly)
    var found: [(station: Station, entries: [UDPSocketEntry])] = []
    for (place, namespace) in namespaces {
      do throws(Errno) {
        var (host, entries) = try Self.read(namespace, place, order.mendedPorts)
        for entry in entries where entry.peer != nil && !entry.local.address.isLoopback {
          host.clientSockets[entry.local.port, default: []].insert(entry.user)
        }
        entries.removeAll { $0.peer != nil && $0.local.port != order.scope.port }
        found.append((Station(namespace: namespace, host: host), entries))
      } catch {
        if place.isHere { throw .host("cannot read the sockets and routes of this host: \(error)") }
        limits.missed(place, error)
      }
    }
    stations = Self.withSockets(found)
  }

  /// Asks the kernel, in a station's namespace.
  ///
  /// - Throws: EMFILE, EPERM where a sandbox forbids netlink, and what entering the namespace throws.
  static func ask(_ questions: Set<RouteQuestion>, in station: Station) throws(Errno) -> Diagnosis.Choices {
    let ask = { @Sendable () throws(Errno) in
      var choices: Diagnosis.Choices = [:]
      for question in questions { choices[question] = try question.source() }
      return choices
    }
    return station.host.place.isHere ? try ask() : try station.namespace.run(ask)
  }

  private static func read(
    _ namespace: NetworkNamespace, _ place: Place, _ mendedPorts: @escaping @Sendable () -> Set<UInt16>?
  ) throws(Errno) -> (Host, [UDPSocketEntry]) {
    let read = { @Sendable () throws(Errno) in
      (try Host.read(place, mendedPorts: mendedPorts()), try UDPSocketTable.read())
    }
    return place.isHere ? try read() : try namespace.run(read)
  }

  /// Finds every socket's processes in one walk through /proc: an inode is unique on the whole host.
  private static func withSockets(_ found: [(station: Station, entries: [UDPSocketEntry])]) -> [Station] {
    let inodes = Set(found.flatMap { $0.entries.map(\.inode) }).subtracting([0])
    let holders = SocketHolder.all(of: inodes)
    return found.map { station, entries in
      var station = station
      station.host.sockets = entries.map { entry in
        let known = holders[entry.inode].map { Array($0.reversed()) } ?? []
        return SurveyedSocket(entry, holders: known, settings: settings(of: entry, known))
      }
      return station
    }
  }

  /// Only of wildcard sockets: one that is bound to an address answers from it, whatever else it asked for.
  private static func settings(of entry: UDPSocketEntry, _ holders: [SocketHolder]) -> SurveyedSocket.Settings {
    guard entry.isWildcard, entry.inode != 0 else { return .read(SocketSettings()) }
    var obstacle = Obstacle.noHolder
    for holder in holders {
      do throws(Errno) {
        return .read(try SocketSettings.read(from: holder, inode: entry.inode))
      } catch {
        obstacle = error == .notPermitted ? .mayNotTrace : .refused(error)
      }
    }
    return .hidden(obstacle)
  }
}
