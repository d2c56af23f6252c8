package import Linux

/// What `top` shows, drawn from what it knows: lines that fit the terminal, and nothing else.
package struct TopView {
  /// How it may be drawn.
  package struct Style: Hashable, Sendable {
    /// Whether colours and bold letters are wanted.
    var isColoured: Bool
    /// Whether there is ASCII alone.
    var isPlain: Bool
    /// How often it looks.
    var interval: Nanoseconds
    /// Whether somebody can press a key.
    var isInteractive: Bool

    package init(isColoured: Bool, isPlain: Bool, interval: Nanoseconds, isInteractive: Bool = true) {
      self.isColoured = isColoured
      self.isPlain = isPlain
      self.interval = interval
      self.isInteractive = isInteractive
    }
  }

  let state: TopState
  let size: Terminal.Size
  let style: Style

  package init(state: TopState, size: Terminal.Size, style: Style) {
    self.state = state
    self.size = size
    self.style = style
  }

  /// At most as many as the terminal has rows, none longer than it has columns.
  package var lines: [String] {
    guard let look = state.look else { return [fit(state.trouble ?? "looking…", .bad)] }
    let head = [title(look.status), subtitle(look.status)]
    let end = [footer]
    var room = size.rows - head.count - end.count
    var blocks: [[String]] = []
    for block in [relays(look.status), missing(look.status)] where !block.isEmpty && room > 2 {
      let shown = cut([""] + block, to: room)
      blocks.append(shown)
      room -= shown.count
    }
    if room > 3 {
      let shown = cut([""] + sessions, to: room)
      blocks.append(shown)
      room -= shown.count
    }
    let filling = style.isInteractive ? [String](repeating: "", count: max(0, room)) : []
    return Array((head + blocks.joined() + filling + end).prefix(max(1, size.rows)))
  }

  /// The first lines, and where some had to be left out, that they were.
  private func cut(_ lines: [String], to room: Int) -> [String] {
    if lines.count <= room { return lines }
    return lines.prefix(room - 1) + [fit("  … \(lines.count - room + 1) more", .faint)]
  }

  // MARK: Head and foot

  private func title(_ status: Status) -> String {
    fit(
      "multihomed \(status.version)  pid \(status.pid)  \(status.state)  up \(Quantity.duration(seconds: status.uptime))"
        + "  \(status.relays.count) relay\(status.relays.count == 1 ? "" : "s")"
        + "  \(status.workers) worker\(status.workers == 1 ? "" : "s")",
      status.isHealthy ? .head : .bad)
  }

  private func subtitle(_ status: Status) -> String {
    if let trouble = state.trouble { return fit(trouble, .bad) }
    if let reload = status.reload, !reload.errors.isEmpty {
      return fit("the reload at \(reload.time) failed: \(reload.errors[0])", .bad)
    }
    return fit(status.configuration ?? "configured by its command line", .faint)
  }

  private var footer: String {
    let every = "every \(Quantity.brief(seconds: Double(style.interval.count) / 1e9))"
    return fit(style.isInteractive ? "q quits; \(every)" : every, .faint)
  }

  // MARK: Relays

  private var nameWidth: Int { size.columns >= 100 ? 20 : 12 }

  private func relays(_ status: Status) -> [String] {
    let head = row("RELAY", ["SESSIONS", "NEW/s", "TO BACKEND/s", "TO CLIENT/s", "LOST/s"])
    return [fit(head, .faint)] + status.relays.flatMap { relay(of: $0) }
  }

  private func relay(of relay: Status.Relay) -> [String] {
    let rates = state.rates[relay.name] ?? TopState.Rates()
    let text = row(
      relay.name,
      [
        Quantity.short(Double(relay.sessions)), Quantity.short(rates.newSessions), flow(rates.toBackend),
        flow(rates.toClient), Quantity.short(rates.losses),
      ])
    let past = state.past[relay.name] ?? []
    let width = min(TopState.history, size.columns - 20)
    guard width >= 10 else { return [fit(text, rates.losses > 0 ? .bad : .usual)] }
    let bars = Sparkline.text(past, width: width, isPlain: style.isPlain)
    let peak = "peak \(Quantity.short(past.max() ?? 0))/s"
    return [fit(text, rates.losses > 0 ? .bad : .usual), fit("  \(bars)  \(peak)", .good)]
  }

  private func flow(_ rate: TopState.Rate) -> String {
    "\(Quantity.short(rate.datagrams)) \((Quantity.bytes(rate.bytes) + "B").fitted(to: 7, right: true))"
  }

  private func row(_ name: String, _ columns: [String]) -> String {
    let widths = [9, 8, 15, 15, 8]
    return name.fitted(to: nameWidth)
      + zip(columns, widths).map { $0.fitted(to: $1, right: true) }.joined(separator: " ")
  }

  // MARK: What is wrong

  private func missing(_ status: Status) -> [String] {
    let rows = status.relays.flatMap { relay in
      relay.listeners.filter { !$0.isUp }.map { [relay.name, $0.endpoint, $0.state, $0.reason ?? ""] }
    }
    if rows.isEmpty { return [] }
    return [fit("NOT UP", .bad)] + Columns.lines(rows).map { fit($0, .usual) }
  }

  // MARK: Sessions

  private var sessions: [String] {
    let (client, asked) = size.columns >= 100 ? (44, 28) : (24, 22)
    let head =
      "BUSIEST CLIENTS".fitted(to: client) + " " + "ASKED".fitted(to: asked)
      + ["IN/s", "OUT/s", "BYTES/s", "AGE"].map { " " + $0.fitted(to: 7, right: true) }.joined()
    let rows = state.busiest.map { busy in
      let numbers = [
        Quantity.short(busy.toBackend.datagrams), Quantity.short(busy.toClient.datagrams),
        Quantity.bytes(busy.toBackend.bytes + busy.toClient.bytes), Quantity.brief(seconds: busy.session.age),
      ]
      return busy.session.key.client.fitted(to: client) + " " + busy.session.key.asked.fitted(to: asked)
        + numbers.map { " " + $0.fitted(to: 7, right: true) }.joined()
    }
    return [fit(head, .faint)] + (rows.isEmpty ? [fit("nothing moves", .faint)] : rows.map { fit($0, .usual) })
  }

  // MARK: Colours

  private enum Ink: String {
    case usual = ""
    case head = "1"
    case faint = "2"
    case good = "32"
    case bad = "1;31"
  }

  /// A line that is no longer than the terminal is wide, in a colour (console_codes(4)).
  private func fit(_ text: String, _ ink: Ink) -> String {
    var text = text.count > size.columns ? text.fitted(to: size.columns) : text
    if style.isPlain { text = String(String.UnicodeScalarView(text.unicodeScalars.map { $0.isASCII ? $0 : "~" })) }
    return style.isColoured && ink != .usual ? "\u{1b}[\(ink.rawValue)m\(text)\u{1b}[0m" : text
  }
}
