import Support
import Testing

/// What a shell offers behind an option that takes one of a few values.
@Suite struct CompletionTests {
  @Test(arguments: [
    ["auto", "multiplexed", "connected"], ["trace", "debug", "info", "notice", "warning", "error", "critical"],
    ["text", "json"], ["age", "idle", "recent", "datagrams", "bytes"],
  ])
  func theValuesThereAreAreOffered(_ values: [String]) throws {
    let script = try Program.run(["--generate-completion-script", "fish"]).output
    #expect(script.contains("-rfka '" + values.joined(separator: " ") + "'"))
  }

  @Test(arguments: ["config", "admin", "session-log"])
  func filesAreOffered(_ option: String) throws {
    let script = try Program.run(["--generate-completion-script", "zsh"]).output
    let lines = script.split(separator: "\n").filter { $0.contains("--\(option)[") }
    #expect(!lines.isEmpty && lines.allSatisfy { $0.contains(":_files") }, "\(lines)")
  }
}
