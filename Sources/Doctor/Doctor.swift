import JSON
import Linux

/// Says which UDP services of this host answer from the wrong address.
public enum Doctor {
  /// What was found, and what became of it.
  public struct Outcome: Sendable {
    /// The report, to be shown whatever has failed.
    public let lines: [String]
    /// Why this host's services could not all be asked, where they were to be.
    public let failure: DoctorFailure?
    /// The status to exit with: 0 when every service is healthy, 1 when one is faulty, or may be.
    public let exitCode: Int32
  }

  private typealias Visit = (station: Survey.Station, diagnosis: Diagnosis)

  /// Looks. Where it probes, it starts `ip`, which ends with the calling thread.
  ///
  /// - Throws: when it cannot look.
  public static func run(_ order: Order) throws(DoctorFailure) -> Outcome {
    let survey = try Survey(order)
    var limits = survey.limits
    var visits = try diagnose(survey.stations, order, &limits)
    var round = ProbeRound(order.scope)
    if order.probes {
      for index in visits.indices { round.ask(visits[index].station, &visits[index].diagnosis, &limits) }
    }
    let diagnoses = visits.map(\.diagnosis)
    limits.count(diagnoses)
    let report = Report(diagnoses, limits: limits, scope: order.scope, asker: .ourselves)
    return Outcome(
      lines: order.isJSON ? [report.json.text] : report.text, failure: round.failure, exitCode: report.isHealthy ? 0 : 1
    )
  }

  private static func diagnose(
    _ stations: [Survey.Station], _ order: Order, _ limits: inout Limits
  ) throws(DoctorFailure) -> [Visit] {
    var visits: [Visit] = []
    for station in stations {
      let place = station.host.place
      do throws(Errno) {
        if let diagnosis = try diagnose(station, order) {
          visits.append((station, diagnosis))
        } else {
          limits.tooLarge.append(place)
        }
      } catch {
        if place.isHere { throw .host("cannot ask the kernel for its routes: \(error)") }
        limits.missed(place, error)
      }
    }
    return visits
  }

  /// nil for another namespace in which there is too much.
  private static func diagnose(_ station: Survey.Station, _ order: Order) throws(Errno) -> Diagnosis? {
    let host = station.host
    let isHere = host.place.isHere
    if !isHere, Budget.routesExceed(host) { return nil }
    // The number of an interface means another one elsewhere.
    let kinds = ClientKinds.of(host, given: order.clients.filter { isHere || $0.scope == 0 })
    if !isHere, Budget.pairsExceed(host, kinds, order.scope) { return nil }
    let questions = Diagnosis.questions(host, kinds, order.scope)
    return Diagnosis(host, kinds, try Survey.ask(questions, in: station), order.scope)
  }
}
