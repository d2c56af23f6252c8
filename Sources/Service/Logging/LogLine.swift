package import Linux
package import Logging

/// One entry of the log, before it is written down.
package struct LogLine {
  /// When; nil where the reader puts its own time beside each line.
  package let time: WallTime?
  /// How severe.
  package let level: Logger.Level
  /// What happened.
  package let message: String
  /// With what; written in the order of the keys.
  package let metadata: Logger.Metadata

  package init(time: WallTime?, level: Logger.Level, message: String, metadata: Logger.Metadata) {
    self.time = time
    self.level = level
    self.message = message
    self.metadata = metadata
  }

  /// The line's bytes, with the newline at the end and no other.
  ///
  /// - Parameter isForJournal: whether it begins with its priority for the journal.
  package func bytes(_ format: LogFormat, isForJournal: Bool = false) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(256)
    if isForJournal { bytes += Array("<\(level.journalPriority)>".utf8) }
    switch format {
    case .text: appendText(to: &bytes)
    case .json: appendJSON(to: &bytes)
    }
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }

  private var sortedMetadata: [(key: String, value: Logger.MetadataValue)] { metadata.sorted { $0.key < $1.key } }

  private func appendText(to bytes: inout [UInt8]) {
    if let time { bytes += Array("\(time) ".utf8) }
    let name = level.rawValue
    bytes += Array(name.utf8) + Array(repeating: UInt8(ascii: " "), count: max(0, 5 - name.utf8.count) + 1)
    // A control character in a message could otherwise forge a line, or drive a terminal.
    bytes += message.utf8.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: " ") : $0 }
    for (key, value) in sortedMetadata {
      bytes += Array(" \(key)=".utf8)
      append(text: value, to: &bytes)
    }
  }

  /// A value as it is where that leaves no doubt where it ends, else as JSON.
  private func append(text value: Logger.MetadataValue, to bytes: inout [UInt8]) {
    let text: String
    switch value {
    case .string(let string): text = string
    case .stringConvertible(let convertible): text = convertible.description
    case .array, .dictionary: return JSONText.append(value, to: &bytes)
    }
    let isPlain = text.utf8.allSatisfy {
      $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=")
    }
    if isPlain, !text.isEmpty {
      bytes += Array(text.utf8)
    } else {
      JSONText.append(text, to: &bytes)
    }
  }

  private func appendJSON(to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "{"))
    if let time {
      JSONText.append(key: "time", .string(time.description), to: &bytes)
      bytes.append(UInt8(ascii: ","))
    }
    JSONText.append(key: "level", .string(level.rawValue), to: &bytes)
    bytes.append(UInt8(ascii: ","))
    JSONText.append(key: "message", .string(message), to: &bytes)
    for (key, value) in sortedMetadata {
      bytes.append(UInt8(ascii: ","))
      // A key of ours must stay the only one of its name.
      let isTaken = ["time", "level", "message"].contains(key)
      JSONText.append(key: isTaken ? key + "_" : key, value, to: &bytes)
    }
    bytes.append(UInt8(ascii: "}"))
  }
}
