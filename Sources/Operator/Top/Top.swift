import EventLoop
import JSON
package import Linux

/// A process as it goes on, on a terminal. The thin part: looks, keys, and writing down what `TopView` draws.
public final class Top {
  /// Among so many sessions in which something moved last, the busiest are.
  private static let sessionLimit = 1_000

  /// What was asked for.
  public struct Order: Sendable {
    /// How often to look: a tenth of a second to a minute.
    package let interval: Nanoseconds
    /// One frame after one interval, as plain text.
    let isOnce: Bool
    package let isColoured: Bool
    package let isPlain: Bool

    /// Checks it.
    ///
    /// - Parameters:
    ///   - interval: how often to look, as it was typed: `500ms`, `2s`.
    ///   - environment: NO_COLOR, TERM and the locale's variables are asked for.
    public init(interval: String?, isOnce: Bool, environment: [String: String]) throws(OperatorFailure) {
      self.interval = try interval.map(Self.read) ?? .seconds(1)
      self.isOnce = isOnce
      let isDumb = environment["TERM", default: "dumb"] == "dumb"
      isColoured = !isOnce && !isDumb && environment["NO_COLOR", default: ""].isEmpty
      let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
      isPlain = !["utf-8", "utf8"].contains { locale.lowercased().hasSuffix($0) }
    }

    private static func read(_ text: String) throws(OperatorFailure) -> Nanoseconds {
      let digits = text.prefix { $0.isASCII && $0.isNumber }
      let units = ["ms": Nanoseconds.milliseconds(1), "s": .seconds(1), "m": .seconds(60)]
      guard let number = UInt64(digits), let unit = units[String(text.dropFirst(digits.count))],
        case let (count, overflow) = number.multipliedReportingOverflow(by: unit.count), !overflow,
        (Nanoseconds.milliseconds(100)...Nanoseconds.seconds(60)).contains(Nanoseconds(count))
      else { throw .usage("--interval '\(text)' is out of range; give 100ms to 1m, as in 2s") }
      return Nanoseconds(count)
    }
  }

  private let client: AdminClient
  private let order: Order
  private var state = TopState()

  private init(_ client: AdminClient, _ order: Order) {
    self.client = client
    self.order = order
  }

  /// Shows the one process that is meant until somebody presses q.
  ///
  /// - Parameter show: writes some lines; for a single frame.
  public static func run(
    _ choice: InstanceChoice, _ order: Order, show: ([String]) throws(OperatorFailure) -> Void
  ) throws(OperatorFailure) {
    if order.isOnce {
      let top = Top(try choice.one().client, order)
      try top.look()
      order.interval.sleep()
      try top.look()
      return try show(top.view(interactive: false).lines)
    }
    let terminal: Terminal
    do throws(Errno) { terminal = try Terminal() } catch {
      throw .usage("top draws on a terminal, and there is none; give --once for one frame, or: multihomed status")
    }
    let top = Top(try choice.one().client, order)
    do throws(Errno) { try top.run(on: terminal) } catch {
      throw OperatorFailure("cannot draw on the terminal: \(error)")
    }
  }

  // MARK: Looking

  private func look() throws(OperatorFailure) {
    let (status, _) = try Status.ask(client)
    let (sessions, _) = try client.value(.get, "/sessions?order=recent&limit=\(Self.sessionLimit)")
    state.take(
      TopState.Look(status: status, sessions: sessions["sessions"]?.array?.compactMap { Session($0) } ?? [], time: .now)
    )
  }

  private func view(interactive: Bool) -> TopView {
    var style = TopView.Style(isColoured: order.isColoured, isPlain: order.isPlain, interval: order.interval)
    style.isInteractive = interactive
    return TopView(state: state, size: Terminal.size, style: style)
  }

  // MARK: On a terminal

  private func run(on terminal: Terminal) throws(Errno) {
    let loop = try Loop()
    defer { loop.closeAll() }
    let timer = Later()
    let draw = { [self] in terminal.write(Self.frame(view(interactive: true).lines)) }
    let tick = { [self] in
      do throws(OperatorFailure) { try look() } catch { state.trouble = error.message }
      draw()
      timer.timer?.start(after: order.interval)
    }
    timer.timer = try Timer(loop, tick)
    var signals: [Signal] = [try Signal(loop, .windowChange, draw)]
    for kind in [Signal.Kind.terminate, .interrupt, .hangUp] { signals.append(try Signal(loop, kind) { loop.stop() }) }
    let keys = try Bell(loop, try Terminal.input()) { bell in
      guard let pressed = Terminal.keys(from: bell.socket) else { return loop.stop() }
      // q, Q, Ctrl-C, Ctrl-D.
      if pressed.contains(where: { [0x71, 0x51, 0x03, 0x04].contains($0) }) { loop.stop() }
    }
    try terminal.take()
    defer { terminal.release() }
    tick()
    loop.run()
    withExtendedLifetime((keys, signals, timer)) {}
  }

  /// The timer that starts itself.
  private final class Later { var timer: Timer? }

  /// Each line over what was there, the rest of it erased (console_codes(4)): nothing flickers.
  private static func frame(_ lines: [String]) -> String {
    "\u{1b}[H" + lines.map { $0 + "\u{1b}[K" }.joined(separator: "\r\n") + "\u{1b}[J"
  }
}
