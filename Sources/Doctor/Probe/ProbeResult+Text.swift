import JSON
import Linux

extension ProbeResult {
  /// The exchanges as tcpdump would show them, each answer with a note.
  package func text(on host: Host) -> [String] {
    let heading = "Probe of \(service.title), port \(service.port)\(host.place.suffix), by a \(question):"
    return [heading] + exchanges.flatMap(lines) + [tally]
  }

  private func lines(_ exchange: Exchange) -> [String] {
    let lines = exchange.packets.map { packet in
      let line = packet.description
      guard exchange.isAnswer(packet) else { return "  \(line)" }
      let note = packet.source == exchange.asked.address ? "✓ as asked" : "✗ not as asked"
      return "  \(line)" + String(repeating: " ", count: max(0, noteColumn - line.count) + 1) + note
    }
    return exchange.answerer == nil ? lines + ["    no answer: proves nothing"] : lines
  }

  /// The notes stand below each other.
  private var noteColumn: Int {
    exchanges.flatMap { $0.packets.filter($0.isAnswer) }.map(\.description.count).max() ?? 0
  }

  private var tally: String {
    let answered = exchanges.compactMap(\.isWrong)
    if answered.isEmpty {
      return "  → no answer at all: the service wants another question, or a firewall is in the way"
    }
    return "  → \(answered.count { !$0 }) of \(answered.count) answers from the address that was asked"
  }

  /// The same for programs.
  func json(on host: Host) -> JSONValue {
    .members([
      "port": .number(Int(service.port)),
      "pids": .array(service.processes.map { .number(Int($0)) }),
      "question": .string(question),
      "exchanges": .array(
        exchanges.map { exchange in
          .members([
            "asked": .string(host.text(exchange.asked.address)),
            "answered_from": exchange.answerer.map { .string(host.text($0)) } ?? .null,
          ])
        }),
    ])
  }
}
