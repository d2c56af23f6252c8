package import JSON
import Linux

extension Report {
  /// The report for programs. What is here stays: members may be added, and `format` counts what changes otherwise.
  package var json: JSONValue {
    .members([
      "format": .number(1),
      "healthy": .bool(isHealthy),
      "namespaces": .array(diagnoses.map { $0.json(asker) }),
      "not_looked_at": .array(limits.sentences.map { .string($0) }),
      "to_see_everything": limits.remedy.map { .string($0.text) } ?? .null,
    ])
  }
}

extension Diagnosis {
  fileprivate func json(_ asker: Asker) -> JSONValue {
    .members([
      "name": .string(host.place.shortName),
      "kind": .string(host.place.kind),
      "pid": host.place.process.map { .number(Int($0)) } ?? .null,
      "addresses": .array(host.addresses.map { .string(host.text($0.address)) }),
      "services": .array(findings.map { $0.json(on: host, asker) }),
      "probes": .array(probes.map { $0.json(on: host) }),
      "clients_without_route": .array(clientsWithoutRoute.map { .string(host.text($0)) }),
      "client_sockets": .number(leftOut.reduce(0) { $0 + $1.sockets.count }),
      "left_out": .array(leftOut.map { .members($0.identity) }),
      "sockets_bound_to_one_address": .number(exactSockets),
    ])
  }
}

extension Service {
  /// By what it is known.
  fileprivate var identity: KeyValuePairs<String, JSONValue> {
    [
      "port": .number(Int(port)),
      "name": name.map { .string($0) } ?? .null,
      "pids": .array(processes.map { .number(Int($0)) }),
      "uid": .number(Int(user)),
    ]
  }
}

extension Diagnosis.Finding {
  fileprivate func json(on host: Host, _ asker: Asker) -> JSONValue {
    .members(
      service.identity,
      [
        "bound_to": .array(service.boundTo.map { .string(host.text($0)) }),
        "interface": host.interfaces[service.interface].map { .string($0) } ?? .null,
        "verdict": .string(verdict.code),
        "reason": .members([
          "code": .string(verdict.reasonCode), "text": .string(reasonText(bound: service.boundText(on: host))),
        ]),
        "requests": verdict.requests.map { .number($0) } ?? .null,
        "wrong": .array(verdict.wrong.map { $0.json(on: host) }),
        "suggestion": suggestion(in: host.place, asker),
      ])
  }

  private func suggestion(in place: Place, _ asker: Asker) -> JSONValue {
    if verdict.isHealthy || verdict.isUnknown { return .null }
    return Suggestion(for: service, habit: habit, in: place, asker: asker).json
  }

  private func reasonText(bound: String) -> String {
    if case .healthy(let reason) = verdict { return reason.text }
    return verdict.explanation(bound: bound) ?? "a socket of the kernel's own"
  }
}

extension Pair {
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
    .members([
      "way": .string(way.rawValue), "command": command.map { .string($0) } ?? .null, "why": .string(why),
      "caution": caution.map { .string($0) } ?? .null, "as_root": .bool(needsRoot),
      "relay": relay.map { .string($0.text) } ?? .null,
    ])
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
