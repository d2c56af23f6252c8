import Addresses
import Linux
import Logging
import Service
import Testing

@Suite struct SettingsTests {
  @Test func everySettingIsTakenFromTheEnvironment() throws {
    let configuration = try ProcessConfiguration(
      Settings(
        commandLine: [:],
        environment: [
          "MULTIHOMED_LISTEN": "5000-5010, 192.0.2.1:53", "MULTIHOMED_BACKEND": "127.0.0.1:53",
          "MULTIHOMED_INTERFACE": "eth*,!eth1", "MULTIHOMED_ADDRESS": "192.0.2.0/24,!192.0.2.9",
          "MULTIHOMED_IPV4_ONLY": "Yes", "MULTIHOMED_IPV6_ONLY": "0", "MULTIHOMED_LOOPBACK": "1",
          "MULTIHOMED_UPSTREAM": "multiplexed", "MULTIHOMED_SOURCE_POOL": "127.128.0.0/9",
          "MULTIHOMED_IDLE_TIMEOUT": "5m", "MULTIHOMED_UNREPLIED_TIMEOUT": "5s", "MULTIHOMED_MAX_SESSIONS": "9",
          "MULTIHOMED_RESPONSES": "1", "MULTIHOMED_WORKERS": "auto", "MULTIHOMED_DRAIN_LIMIT": "1s",
          "MULTIHOMED_BUSY_POLL": "50us", "MULTIHOMED_SESSION_LOG": "/tmp/sessions",
          "MULTIHOMED_LOG_LEVEL": "debug", "MULTIHOMED_LOG_FORMAT": "json",
          "MULTIHOMED_PORT_53_UDP": "udp://10.0.0.1:53",
        ]))
    let relay = configuration.relays[0]
    #expect(relay.listen.map(\.description) == ["5000-5010", "192.0.2.1:53"])
    #expect(relay.backend.description == "127.0.0.1:53")
    #expect(relay.filter.interfaces.map(\.description) == ["eth*", "!eth1"])
    #expect(relay.filter.addresses.map(\.description) == ["192.0.2.0/24", "!192.0.2.9/32"])
    #expect(relay.filter.families == .ipv4)
    #expect(relay.filter.includesLoopback)
    #expect(relay.upstream == .multiplexed)
    #expect(relay.sourcePool?.description == "127.128.0.0/9")
    #expect(relay.idleTimeout == .seconds(300))
    #expect(relay.unrepliedTimeout == .seconds(5))
    #expect(relay.maxSessions == 9)
    #expect(relay.responses == 1)
    #expect(configuration.workers == .auto)
    #expect(configuration.drainLimit == .seconds(1))
    #expect(configuration.busyPoll == .microseconds(50))
    #expect(configuration.sessionLog == .file("/tmp/sessions"))
    #expect(configuration.logLevel == .debug)
    #expect(configuration.logFormat == .json)
  }

  @Test func everySettingHasAVariableOfItsOwn() {
    #expect(Setting.maxSessions.variable == "MULTIHOMED_MAX_SESSIONS")
    #expect(Set(Setting.allCases.map(\.variable)).count == Setting.allCases.count)
  }

  @Test func whatIsNotSetHasItsDefault() throws {
    let configuration = try ProcessConfiguration(try settings("--listen 53 --backend echo"))
    let relay = configuration.relays[0]
    #expect(relay.name == "default")
    #expect(relay.filter == AddressFilter())
    #expect(relay.idleTimeout == .seconds(60))
    #expect(relay.unrepliedTimeout == .seconds(30))
    #expect(relay.maxSessions == 1_048_576)
    #expect(relay.responses == 0)
    #expect(relay.upstream == .auto)
    #expect(relay.resolvedUpstream == .multiplexed)
    #expect(relay.sourcePool == nil)
    #expect(configuration.workers == .count(1))
    #expect(configuration.drainLimit == .seconds(10))
    #expect(configuration.busyPoll == .zero)
    #expect(configuration.logLevel == .info)
    #expect(configuration.logFormat == .text)
  }

  @Test(arguments: [
    ("127.0.0.1:1", UpstreamChoice.multiplexed), ("127.9.9.9:1", .multiplexed), ("[::1]:1", .connected),
    ("192.0.2.1:1", .connected),
  ])
  func autoIsMultiplexedForAnIPv4LoopbackBackend(_ backend: String, _ expected: UpstreamChoice) throws {
    let configuration = try ProcessConfiguration(try settings("--listen 53 --backend \(backend)"))
    #expect(configuration.relays[0].resolvedUpstream == expected)
  }

  @Test func theCommandLineWins() throws {
    let environment = [
      "MULTIHOMED_LISTEN": "nonsense", "MULTIHOMED_MAX_SESSIONS": "-1", "MULTIHOMED_IPV4_ONLY": "true",
      "MULTIHOMED_BACKEND": "echo",
    ]
    let configuration = try ProcessConfiguration(
      try settings("--listen 53 --max-sessions 5 --ipv6-only", environment))
    #expect(configuration.relays[0].listen == [.ports(53...53)])
    #expect(configuration.relays[0].maxSessions == 5)
    #expect(configuration.relays[0].filter.families == .ipv6)
    #expect(configuration.relays[0].backend == .echo)
  }

  @Test func anEmptyVariableIsNotSet() throws {
    let configuration = try ProcessConfiguration(
      try settings("--listen 53 --backend echo", ["MULTIHOMED_MAX_SESSIONS": "", "MULTIHOMED_LOOPBACK": ""]))
    #expect(configuration.relays[0].maxSessions == 1_048_576)
    #expect(!configuration.relays[0].filter.includesLoopback)
  }

  @Test(arguments: [
    (
      "MULTIHOMED_LISTEN", "53,,54",
      "MULTIHOMED_LISTEN: '' is neither a port nor a range of ports; give a number from 1 to 65535, or LOW-HIGH"
    ),
    ("MULTIHOMED_MAX_SESSIONS", "0", "MULTIHOMED_MAX_SESSIONS 0 is out of range; give 1 to 16000000"),
    (
      "MULTIHOMED_RESPONSES", "4294967296",
      "MULTIHOMED_RESPONSES: '4294967296' is not a number in range; give a whole number, as in 1000"
    ),
    (
      "MULTIHOMED_LOOPBACK", "ja",
      "MULTIHOMED_LOOPBACK: 'ja' is neither true nor false; give true, 1 or yes, or false, 0 or no"
    ),
    (
      "MULTIHOMED_LOG_FORMAT", "xml",
      "MULTIHOMED_LOG_FORMAT: 'xml' is not one of the choices; give one of text, json"
    ),
    (
      "MULTIHOMED_BACKEND", "0.0.0.0:53",
      "MULTIHOMED_BACKEND 0.0.0.0:53 is the wildcard address, to which nothing can be sent; give the address at which "
        + "the service is reached, as in 127.0.0.1:53"
    ),
    (
      "MULTIHOMED_SOURCE_POOL", "127.64.0.1/10",
      "MULTIHOMED_SOURCE_POOL: 127.64.0.1/10 has bits set beyond its length; did you mean 127.64.0.0/10?"
    ),
  ])
  func aMistakeInAVariableNamesTheVariable(_ variable: String, _ value: String, _ expected: String) {
    var environment = ["MULTIHOMED_LISTEN": "53", "MULTIHOMED_BACKEND": "127.0.0.1:53"]
    environment[variable] = value
    let settings = Settings(commandLine: [:], environment: environment)
    #expect(message { () throws(ConfigurationError) in _ = try ProcessConfiguration(settings) } == expected)
  }
}
