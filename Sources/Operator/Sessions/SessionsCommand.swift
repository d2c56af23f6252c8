import JSON
import Linux

/// What `sessions` has to say.
public enum SessionsCommand {
  /// A million sessions take their time.
  private static let patience = Nanoseconds.seconds(600)

  /// Asks the one process that is meant, and shows what comes, piece by piece where it is much.
  ///
  /// - Parameter show: writes some lines.
  public static func run(
    _ choice: InstanceChoice, _ order: SessionOrder, isJSON: Bool, show: ([String]) throws(OperatorFailure) -> Void
  ) throws(OperatorFailure) {
    let client = try choice.one().client
    var lines = LineReader()
    var table = SessionTable(isWhole: !order.isAll)
    try client.ask(.get, order.target, within: patience) { bytes throws(OperatorFailure) in
      for line in try lines.take(bytes) {
        let part = try ListingPart(line)
        if isJSON { try show([part.text]) } else { try show(table.take(part)) }
      }
    }
    if !isJSON { try show(table.end()) }
  }
}

/// Sessions in columns, and below them what is left out.
struct SessionTable {
  /// Rows are put into columns in so large pieces where there may be a million.
  private static let piece = 1_000

  /// Whether all of them are put into columns together.
  private let isWhole: Bool
  private var rows: [[String]] = []
  private var hasBegun = false
  private var shown = 0
  private var matching: Int?

  init(isWhole: Bool) { self.isWhole = isWhole }

  /// - Returns: what can be shown now.
  mutating func take(_ part: ListingPart) -> [String] {
    switch part {
    case .begin: return []
    case .session(let json, _):
      guard let session = Session(json) else { return [] }
      rows.append(session.columns)
      shown += 1
      return !isWhole && rows.count >= Self.piece ? flush() : []
    case .end(let members):
      matching = members.first { $0.name == "matching" }?.value.integer
      return []
    }
  }

  /// - Returns: the rest.
  mutating func end() -> [String] { (rows.isEmpty && hasBegun ? [] : flush()) + (note.map { [$0] } ?? []) }

  private mutating func flush() -> [String] {
    defer { (rows, hasBegun) = ([], true) }
    return Columns.lines((hasBegun ? [] : [Session.head]) + rows, right: Session.numbers)
  }

  /// What is left out; nil where that is nothing.
  private var note: String? {
    guard let matching else { return "the list is not complete: the relay broke it off" }
    return matching > shown
      ? "\(Quantity.grouped(shown)) of \(Quantity.grouped(matching)) sessions; --limit N or --all shows more" : nil
  }
}
