public import Linux

/// Says which UDP services of this host answer from the wrong address.
public enum Doctor {
  /// What is to be looked at, and how it is to be told.
  public struct Order: Sendable {
    /// The only port of interest; nil for all.
    public var port: UInt16?
    /// Clients to look at beside those that the routes tell of.
    public var clients: [IPAddress] = []
    /// Whether to answer in JSON.
    public var isJSON = false
    /// Whether to ask the services themselves, too.
    public var probes = false
    /// Whether to leave other network namespaces alone.
    public var isHereOnly = false
    /// The ports that a kernel rule of ours mends; called inside each network namespace, on a thread of its own.
    public var mendedPorts: @Sendable () -> Set<UInt16> = { [] }

    /// Everything, as a table.
    public init() {}

    /// Reads an order as it was typed.
    ///
    /// - Throws: a usage error that names the argument.
    public init(port: String?, clients: [String], isJSON: Bool, probes: Bool, isHereOnly: Bool) throws(DoctorFailure) {
      if let port {
        guard let number = UInt16(port), number > 0 else {
          throw .usage("'\(port)' is not a port; give a number from 1 to 65535, or none for every port")
        }
        self.port = number
      }
      for client in clients { self.clients.append(try Self.client(client)) }
      self.isJSON = isJSON
      self.probes = probes
      self.isHereOnly = isHereOnly
    }

    private static func client(_ text: String) throws(DoctorFailure) -> IPAddress {
      guard let address = IPAddress(text) else {
        throw .usage("--client: '\(text)' is not an address; give 192.0.2.1, 2001:db8::1 or fe80::1%eth0")
      }
      if address.isWildcard || address.isMulticast || address.isLoopback || (address.isIPv4 && address.v4 == .max) {
        throw .usage("--client \(text) is no client's address; give one that asks from another host")
      }
      if address.isLinkLocalIPv6, address.scope == 0 {
        throw .usage("--client \(text) lacks its interface; write it as \(text)%eth0")
      }
      return address
    }
  }

  /// Looks, and prints what was found on standard output. Where it probes, it starts `ip`, which ends with the calling
  /// thread.
  ///
  /// - Returns: the status to exit with: 0 when every service is healthy, 1 when one is faulty, or may be.
  /// - Throws: when it cannot look, or not probe.
  public static func run(_ order: Order) throws(DoctorFailure) -> Int32 {
    let survey = try Survey(order)
    var diagnoses: [Diagnosis] = []
    for station in survey.stations {
      var diagnosis: Diagnosis
      do throws(Errno) {
        diagnosis = try diagnose(station, order)
      } catch {
        // Another namespace may have gone meanwhile, with its last process.
        if station.host.place.isHere { throw .host("cannot ask the kernel for its routes: \(error)") }
        continue
      }
      if order.probes { diagnosis.probes = try probe(station, diagnosis, order) }
      diagnoses.append(diagnosis)
    }
    let report = Report(diagnoses, limits: survey.limits, port: order.port)
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
    let questions = Diagnosis.questions(host, kinds, port: order.port)
    return Diagnosis(host, kinds, try Survey.ask(questions, in: station), port: order.port)
  }

  /// Asks whom the diagnosis blames; with a port, whoever is bound to it.
  private static func probe(
    _ station: Survey.Station, _ diagnosis: Diagnosis, _ order: Order
  ) throws(DoctorFailure) -> [ProbeResult] {
    let services = diagnosis.findings.filter { finding in
      !finding.verdict.isHealthy || (order.port != nil && !finding.service.isKernel)
    }.map(\.service)
    if services.isEmpty { return [] }
    let probe = try Probe(station)
    var results: [ProbeResult] = []
    for service in services { results.append(try probe.ask(service)) }
    return results
  }
}
