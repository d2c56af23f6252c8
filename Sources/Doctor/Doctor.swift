import Linux

/// Says which UDP services of this host answer from the wrong address.
public enum Doctor {
  /// Looks, and prints what was found on standard output. Where it probes, it starts `ip`, which ends with the calling
  /// thread.
  ///
  /// - Returns: the status to exit with: 0 when every service is healthy, 1 when one is faulty, or may be.
  /// - Throws: when it cannot look, or not probe.
  public static func run(_ order: Order) throws(DoctorFailure) -> Int32 {
    let survey = try Survey(order)
    var limits = survey.limits
    var diagnoses: [Diagnosis] = []
    for station in survey.stations {
      var diagnosis: Diagnosis
      do throws(Errno) {
        diagnosis = try diagnose(station, order)
      } catch {
        if station.host.place.isHere { throw .host("cannot ask the kernel for its routes: \(error)") }
        limits.missed(station.host.place, error)
        continue
      }
      if order.probes { diagnosis.probes = try probe(station, diagnosis, order) }
      diagnoses.append(diagnosis)
    }
    limits.count(diagnoses)
    let report = Report(diagnoses, limits: limits, scope: order.scope, asker: .ourselves)
    try show(order.isJSON ? report.json.text : report.text.joined(separator: "\n"))
    return report.isHealthy ? 0 : 1
  }

  private static func show(_ text: String) throws(DoctorFailure) {
    do throws(Errno) {
      try StandardOutput.write(whole: text)
    } catch .brokenPipe {
      // The reader has seen enough, as head does.
    } catch {
      throw .host("cannot write the report: \(error)")
    }
  }

  private static func diagnose(_ station: Survey.Station, _ order: Order) throws(Errno) -> Diagnosis {
    let host = station.host
    // The number of an interface means another one elsewhere.
    let clients = order.clients.filter { host.place.isHere || $0.scope == 0 }
    let kinds = ClientKinds.of(host, given: clients)
    let questions = Diagnosis.questions(host, kinds, order.scope)
    return Diagnosis(host, kinds, try Survey.ask(questions, in: station), order.scope)
  }

  /// Asks whom the diagnosis blames; with a port, whoever is bound to it.
  private static func probe(
    _ station: Survey.Station, _ diagnosis: Diagnosis, _ order: Order
  ) throws(DoctorFailure) -> [ProbeResult] {
    let services = diagnosis.findings.filter { finding in
      !finding.verdict.isHealthy || (order.scope.port != nil && !finding.service.isKernel)
    }.map(\.service)
    if services.isEmpty { return [] }
    let probe = try Probe(station)
    var results: [ProbeResult] = []
    for service in services { results.append(try probe.ask(service)) }
    return results
  }
}
