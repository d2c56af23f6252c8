import ArgumentParser
import FoundationEssentials
import Glibc

/// Where the report goes.
struct OutputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Report the processor time of this process and its descendants. May be repeated.", valueName: "name=pid"))
  var pid: [String] = []

  @Option(
    help: ArgumentHelp("Write the report as JSON, too; - is standard output, without the text.", valueName: "file"))
  var json: String?

  @Flag(help: "No progress line, although standard error is a terminal.")
  var quiet = false

  var showsProgress: Bool { !quiet && isatty(STDERR_FILENO) == 1 }

  func write(_ report: Report) throws {
    guard let json else { return print(report.text) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    let data = try encoder.encode(report)
    if json == "-" {
      print(String(decoding: data, as: UTF8.self))
    } else {
      try data.write(to: URL(filePath: json))
      print(report.text)
    }
  }
}

/// Standard error.
enum Output {
  static func complain(_ line: String) { write(line + "\n") }

  static func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in _ = unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
  }
}

/// One line on the terminal that says how it goes.
struct Progress {
  let isShown: Bool

  func show(_ line: String) {
    if isShown { Output.write("\r\u{1B}[K" + line) }
  }

  func clear() {
    if isShown { Output.write("\r\u{1B}[K") }
  }
}
