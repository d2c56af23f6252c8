import Linux
import Support
import Testing

/// What the manual pages list is what the program takes.
@Suite struct ManPageTests {
  /// The options that the help of a command names, without their dashes.
  private func options(_ commands: [String]) throws -> Set<String> {
    var found: Set<String> = []
    for command in commands {
      let help = try Program.run([command, "--help"])
      #expect(help.exit == .status(0))
      // A list of options begins each of its lines with two spaces.
      for line in help.output.split(separator: "\n") where line.hasPrefix("  -") {
        let words = line.prefix { $0 != "<" }.split { " ,/".contains($0) }
        found.formUnion(words.filter { $0.hasPrefix("--") }.map { String($0.dropFirst(2)) })
      }
    }
    return found
  }

  /// The options that a page has, each behind `Fl -`.
  private func listed(_ page: String) throws -> Set<String> {
    let root = "\(#filePath)".split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
    let bytes = try BoundedFile.read("\(root)/deploy/man/\(page)", limit: 1 << 20)
    let words = String(decoding: bytes, as: UTF8.self).split { " \n".contains($0) }
    var found: Set<String> = []
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      guard line.hasPrefix(".It Fl") || line.hasPrefix(".Op Fl") || line.hasPrefix(".Fl") else { continue }
      found.formUnion(
        line.split(separator: " ").filter { $0.hasPrefix("-") && $0 != "-" }.map { String($0.dropFirst()) })
    }
    #expect(words.count > 100)
    return found
  }

  @Test func everyOptionOfARelayIsInItsPage() throws {
    let (known, listed) = (try options(["relay"]), try listed("multihomed-relay.8"))
    #expect(known.count > 20)
    #expect(known.subtracting(listed) == [], "not in the page")
    #expect(listed.subtracting(known) == [], "not an option")
  }

  @Test func everyOptionOfTheCommandsThatAskIsInTheirPage() throws {
    let known = try options(["status", "sessions", "top", "log-level"]).subtracting(["help", "version"])
    let listed = try listed("multihomed-status.8")
    #expect(known.count > 10)
    #expect(known.subtracting(listed) == [], "not in the page")
    #expect(listed.subtracting(known) == [], "not an option")
  }
}
