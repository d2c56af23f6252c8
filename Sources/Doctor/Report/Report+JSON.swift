import Linux

extension Report {
  /// The report for programs. What is here stays: members may be added, and `format` counts what changes otherwise.
  package var json: JSONValue {
    .members([
      "format": .number(1),
      "healthy": .bool(isHealthy),
      "namespaces": .array(diagnoses.map(\.json)),
      "not_looked_at": .array(limits.sentences.map { .string($0) }),
      "to_see_everything": limits.remedy.map { .string($0) } ?? .null,
    ])
  }
}

extension Diagnosis {
  fileprivate var json: JSONValue {
    .members([
      "name": .string(host.place.shortName),
      "kind": .string(host.place.kind),
      "pid": host.place.process.map { .number(Int($0)) } ?? .null,
      "addresses": .array(host.addresses.map { .string(host.text($0.address)) }),
      "services": .array(findings.map { $0.json(on: host) }),
      "probes": .array(probes.map { $0.json(on: host) }),
      "client_sockets": .number(clientSockets),
      "sockets_bound_to_one_address": .number(exactSockets),
    ])
  }
}

extension Diagnosis.Finding {
  fileprivate func json(on host: Host) -> JSONValue {
    .members([
      "port": .number(Int(service.port)),
      "name": service.name.map { .string($0) } ?? .null,
      "pids": .array(service.processes.map { .number(Int($0)) }),
      "uid": .number(Int(service.user)),
      "bound_to": .array(service.boundTo.map { .string(host.text($0)) }),
      "interface": host.interfaces[service.interface].map { .string($0) } ?? .null,
      "verdict": .string(verdict.code),
      "reason": reason(on: host),
      "requests": verdict.requests.map { .number($0) } ?? .null,
      "wrong": .array(verdict.wrong.map { $0.json(on: host) }),
      "suggestion": suggestion(in: host.place),
    ])
  }

  private func suggestion(in place: Place) -> JSONValue {
    guard case .faulty = verdict else { return .null }
    return Suggestion(for: service, in: place).json
  }

  private func reason(on host: Host) -> JSONValue {
    let (code, text): (String, String) =
      switch verdict {
      case .healthy(let reason): (reason.code, reason.text)
      case .faulty: ("answers-by-routing", verdict.explanation(bound: service.boundText(on: host)) ?? "")
      case .unknown: ("settings-hidden", verdict.explanation(bound: service.boundText(on: host)) ?? "")
      case .kernel: ("kernel-socket", "a socket of the kernel's own")
      }
    return .members(["code": .string(code), "text": .string(text)])
  }
}

extension WrongPair {
  fileprivate func json(on host: Host) -> JSONValue {
    .members([
      "asked": .string(host.text(asked)),
      "client": .string("\(client.block.base.scoped(0))/\(client.block.prefixLength)"),
      "client_kind": .string(client.origin.rawValue),
      "interface": host.interfaces[client.interface].map { .string($0) } ?? .null,
      "answers_from": .string(host.text(source)),
    ])
  }
}

extension Suggestion {
  fileprivate var json: JSONValue {
    .members(["way": .string(way.rawValue), "command": .string(command), "why": .string(why)])
  }
}

extension Place {
  fileprivate var kind: String {
    switch name {
    case .here: "own"
    case .container: "container"
    case .named: "named"
    case .anonymous: "anonymous"
    }
  }

  fileprivate var shortName: String {
    switch name {
    case .here: "this host"
    case .container(let identifier, _): identifier
    case .named(let name): name
    case .anonymous: process.map { "pid \($0)" } ?? "?"
    }
  }
}
