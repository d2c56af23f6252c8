import Linux

/// How much of another network namespace is looked at. An ordinary user may have one of their own, with whatever they like in
/// it, and the doctor has to come to its end all the same.
package enum Budget {
  /// The Internet's routes of both families are less than 1,500,000.
  package static let mostRoutes = 2_000_000
  /// Pairs of an address and a kind of client, of all sockets together: each takes a microsecond, and a few hundred bytes of
  /// the JSON report.
  package static let mostPairs = 250_000

  /// Whether there are too many routes to be sorted.
  package static func routesExceed(_ host: Host) -> Bool { host.routes.count > mostRoutes }

  /// Whether there are too many pairs to be asked for.
  package static func pairsExceed(_ host: Host, _ kinds: [ClientKind], _ scope: Scope) -> Bool {
    let sockets = Selection(host, scope).services.reduce(0) { $0 + $1.sockets.count(where: \.isWildcard) }
    let pairs = sockets.multipliedReportingOverflow(by: kinds.count * max(1, host.addresses.count))
    return pairs.overflow || pairs.partialValue > mostPairs
  }
}
