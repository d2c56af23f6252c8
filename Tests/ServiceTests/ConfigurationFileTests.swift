import Addresses
import Glibc
import Linux
import Logging
import Service
import Testing

/// Configuration files, good and bad.
@Suite struct ConfigurationFileTests {
  private static let folder =
    "\(#filePath)".split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/Configurations"

  static let bad = ProcFile.names(in: "\(folder)/bad").filter { $0.hasSuffix(".toml") }.sorted()

  private func decode(_ text: String) throws -> ProcessConfiguration {
    try ConfigurationFile.decode([UInt8](text.utf8), of: "file")
  }

  /// What is wrong with a text, each without the file's name; nothing where it is good.
  private func mistakes(_ bytes: [UInt8]) -> [String] {
    do throws(ConfigurationFileError) {
      _ = try ConfigurationFile.decode(bytes, of: "file")
      return []
    } catch { return error.messages.map { String($0.dropFirst("file:".count)) } }
  }

  /// Beside each bad file lies what is to be said about it: a line for each mistake, with line and column. Written anew
  /// with MULTIHOMED_RECORD=1, to be read before it is committed.
  @Test(arguments: bad) func everyMistakeIsToldWithItsPlaceAndWhatToDo(_ file: String) throws {
    let path = "\(Self.folder)/bad/\(file)"
    let said = mistakes(try BoundedFile.read(path, limit: 1 << 20))
    let expectation = "\(path.dropLast(5)).expected"
    if Environment.variables["MULTIHOMED_RECORD"] == "1" {
      let text = said.map { "\($0)\n" }.joined()
      let file = Socket(owning: unsafe open(expectation, O_WRONLY | O_CREAT | O_TRUNC, 0o644))
      _ = unsafe write(file.descriptor, text, text.utf8.count)
    }
    let expected = try String(decoding: BoundedFile.read(expectation, limit: 1 << 20), as: UTF8.self)
    #expect(!said.isEmpty)
    #expect(said == expected.split(separator: "\n").map(String.init))
  }

  @Test func thereAreAtLeastSixtyOfThem() { #expect(Self.bad.count >= 60) }

  @Test func theExampleThatIsInstalledSaysWhatItsCommentsSay() throws {
    let path = "\(Self.folder)/../../../deploy/multihomed.toml"
    let text = String(decoding: try BoundedFile.read(path, limit: 1 << 20), as: UTF8.self)
    let configuration = try decode(text)
    #expect(configuration.relays.map(\.name) == ["game", "voice"])
    #expect(configuration.relays[1].idleTimeout == .seconds(300))
    // What is commented out is the default, and names every key.
    let switchedOn = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      Setting.allCases.contains { line.hasPrefix("# \($0.key) = ") } ? String(line.dropFirst(2)) : String(line)
    }
    let whole = switchedOn.joined(separator: "\n")
    for setting in Setting.allCases { #expect(whole.contains("\n\(setting.key) = "), "\(setting)") }
    let all = try decode(
      whole.replacing("interfaces = [\"*\", \"!veth*\"]", with: "interfaces = []")
        .replacing("addresses = [\"0.0.0.0/0\", \"::/0\", \"!192.0.2.7\"]", with: "addresses = []"))
    var (told, usual) = (all.relays[0], configuration.relays[0])
    #expect(told.sourcePool?.description == "127.64.0.0/10")
    told.sourcePool = nil
    usual.sourcePool = nil
    #expect("\(told)" == "\(usual)")
    #expect(all.workers == configuration.workers && all.busyPoll == configuration.busyPoll)
    #expect(all.drainLimit == configuration.drainLimit && all.logLevel == configuration.logLevel)
    #expect(all.logFormat == configuration.logFormat)
  }

  @Test func everyKeyIsRead() throws {
    let configuration = try decode(
      """
      log-level = "debug"
      log-format = "json"
      workers = "auto"
      busy-poll = "50us"
      drain-limit = "1s"
      [[relay]]
      name = "a.b-c_1"
      listen = ["5000-5010", "192.0.2.1:53"]
      backend = "127.0.0.1:53"
      interfaces = ["eth*", "!eth1"]
      addresses = ["192.0.2.0/24", "!192.0.2.9"]
      ipv4-only = true
      ipv6-only = false
      loopback = true
      upstream = "multiplexed"
      source-pool = "127.128.0.0/9"
      idle-timeout = "5m"
      unreplied-timeout = "5s"
      max-sessions = 9
      responses = 1
      """)
    let relay = configuration.relays[0]
    #expect(relay.name == "a.b-c_1")
    #expect(relay.listen.map(\.description) == ["5000-5010", "192.0.2.1:53"])
    #expect(relay.backend.description == "127.0.0.1:53")
    #expect(relay.filter.interfaces.map(\.description) == ["eth*", "!eth1"])
    #expect(relay.filter.addresses.map(\.description) == ["192.0.2.0/24", "!192.0.2.9/32"])
    #expect(relay.filter.families == .ipv4 && relay.filter.includesLoopback)
    #expect(relay.upstream == .multiplexed && relay.sourcePool?.description == "127.128.0.0/9")
    #expect(relay.idleTimeout == .seconds(300) && relay.unrepliedTimeout == .seconds(5))
    #expect(relay.maxSessions == 9 && relay.responses == 1)
    #expect(configuration.workers == .auto && configuration.busyPoll == .microseconds(50))
    #expect(configuration.drainLimit == .seconds(1))
    #expect(configuration.logLevel == .debug && configuration.logFormat == .json)
  }

  @Test(arguments: ["\u{feff}", "# comment\n", "\r\n"]) func whatTOMLAllowsIsAllowed(_ start: String) throws {
    let text = start + "relay = [ { listen = [ 0x162e, ], backend = 'echo' } ] # inline"
    #expect(try decode(text).relays[0].listen.map(\.description) == ["5678"])
  }

  @Test func theCommandLineAndTheEnvironmentComeBeforeTheFileForTheProcess() throws {
    let settings = Settings(commandLine: [.logLevel: ["error"]], environment: ["MULTIHOMED_WORKERS": "3"])
    let text = "log-level = 'debug'\nworkers = 2\nlog-format = 'json'\n[[relay]]\nlisten = [53]\nbackend = 'echo'"
    let configuration = try ConfigurationFile.decode([UInt8](text.utf8), of: "file", under: settings)
    #expect(configuration.logLevel == .error && configuration.workers == .count(3) && configuration.logFormat == .json)
  }

  @Test func aFileThatCannotBeReadIsToldWithTheReasonAndWhatToDo() throws {
    for (path, reason) in [
      (
        "/nowhere/multihomed.toml",
        "No such file or directory (ENOENT); write one (multihomed.toml(5) has an example), or name another by --config"
      ),
      ("/", "Is a directory (EISDIR); name a file"),
      ("/dev/zero", "it is larger than 1048576 bytes"),
    ] {
      #expect(throws: ConfigurationFileError.self) { try ConfigurationFile.read(path) }
      do { _ = try ConfigurationFile.read(path) } catch {
        #expect(error.messages == ["cannot read \(path): \(reason)"])
      }
    }
  }
}
