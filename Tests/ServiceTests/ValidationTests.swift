import Addresses
import Linux
import Service
import Testing

/// A relay as the command line would make it; fails the test when the words themselves cannot be read.
func settings(_ words: String, _ environment: [String: String] = [:]) throws -> Settings {
  var commandLine: [Setting: [String]] = [:]
  var words = words.split(separator: " ").map(String.init)[...]
  while let word = words.popFirst() {
    let setting = try #require(Setting(rawValue: String(word.dropFirst(2))))
    let isFlag = [.ipv4Only, .ipv6Only, .loopback].contains(setting)
    let next = isFlag ? "true" : words.popFirst()
    commandLine[setting, default: []].append(try #require(next))
  }
  return Settings(commandLine: commandLine, environment: environment)
}

@Suite struct ValidationTests {
  @Test(arguments: [
    "--listen 5678 --backend echo",
    "--listen 5678 --backend 127.0.0.1:5678",
    "--listen 5678 --backend [::1]:5678",
    "--listen 5678 --listen 5680-5690 --backend 192.0.2.7:53",
    "--listen 5000-5010 --backend 127.0.0.1:6000-6010",
    "--listen 192.0.2.1:53 --listen 192.0.2.2:53 --listen [fe80::1%1]:53 --backend 127.0.0.1:53",
    "--listen 127.0.0.1:53 --backend 127.0.0.2:53",
    "--listen 53 --backend 127.0.0.1:53 --upstream multiplexed --source-pool 127.128.0.0/9",
    "--listen 53 --backend echo --upstream multiplexed --source-pool 127.0.0.4/30",
    "--listen 53 --backend 127.0.0.1:53 --source-pool 10.64.0.0/10",
    "--listen 53 --backend echo --idle-timeout 1ms --unreplied-timeout 24h --drain-limit 0s --busy-poll 1s",
    "--listen 53 --backend echo --max-sessions 16000000 --responses 4294967295 --workers 256",
    "--listen 53 --backend echo --ipv4-only --interface eth* --address 10.0.0.0/8 --address !10.0.0.1",
  ])
  func whatMakesSenseIsTaken(_ words: String) throws {
    _ = try ProcessConfiguration(try settings(words))
  }

  @Test(arguments: [
    (
      "--listen 0.0.0.0:53 --backend echo",
      "--listen 0.0.0.0:53 is the wildcard address; give the port alone, --listen 53, for every address"
    ),
    (
      "--listen [ff02::1]:53 --backend echo",
      "--listen [ff02::1]:53 is not an address of one host; give a unicast address, or the port alone"
    ),
    (
      "--listen [fe80::1]:53 --backend echo",
      "--listen [fe80::1]:53 lacks its interface; write it as [fe80::1%eth0]:53"
    ),
    (
      "--listen 192.0.2.1:53 --backend echo --ipv6-only",
      "--listen 192.0.2.1:53 and --ipv6-only contradict each other; leave one of them out"
    ),
    (
      "--listen [::1]:53 --backend echo --ipv4-only",
      "--listen [::1]:53 and --ipv4-only contradict each other; leave one of them out"
    ),
    (
      "--listen 192.0.2.1:53 --backend echo --address !192.0.2.0/24",
      "--listen 192.0.2.1:53 and --address '!192.0.2.0/24' contradict each other; leave one of them out"
    ),
    ("--listen 53 --listen 50-60 --backend echo", "--listen 53 and --listen 50-60 overlap; name every port once"),
    (
      "--listen 192.0.2.1:53 --listen 53 --backend echo",
      "--listen 192.0.2.1:53 and --listen 53 overlap; name every port once"
    ),
  ])
  func aListenSpecificationThatContradictsIsRefused(_ words: String, _ expected: String) throws {
    try refuses(words, expected)
  }

  @Test(arguments: [
    (
      "--listen 53 --backend 0.0.0.0:53",
      "--backend 0.0.0.0:53 is the wildcard address, to which nothing can be sent; give the address at which the "
        + "service is reached, as in 127.0.0.1:53"
    ),
    (
      "--listen 53 --backend [::]:53",
      "--backend [::]:53 is the wildcard address, to which nothing can be sent; give the address at which the service "
        + "is reached, as in [::1]:53"
    ),
    (
      "--listen 53 --backend 224.0.0.1:53",
      "--backend 224.0.0.1:53 is not an address of one host; give a unicast address"
    ),
    (
      "--listen 53 --backend 255.255.255.255:53",
      "--backend 255.255.255.255:53 is not an address of one host; give a unicast address"
    ),
    ("--listen 53 --backend [fe80::1]:53", "--backend [fe80::1]:53 lacks its interface; write it as [fe80::1%eth0]:53"),
    (
      "--listen 5000-5010 --backend 127.0.0.1:6000-6005",
      "--backend 127.0.0.1:6000-6005 has 6 ports, which takes exactly one --listen LOW-HIGH of 6 ports; give that, or a "
        + "backend with one port"
    ),
    (
      "--listen 127.0.0.1:53 --backend 127.0.0.1:53",
      "--backend 127.0.0.1:53 is what this relay itself listens on; move the service to another address or port and "
        + "give that to --backend"
    ),
    (
      "--listen 53 --backend [::1]:53 --upstream multiplexed",
      "--upstream multiplexed needs a backend in 127.0.0.0/8, and [::1]:53 is not; leave --upstream at auto"
    ),
    (
      "--listen 53 --backend 192.0.2.7:53 --upstream multiplexed",
      "--upstream multiplexed needs a backend in 127.0.0.0/8, and 192.0.2.7:53 is not; leave --upstream at auto"
    ),
  ])
  func aBackendThatCannotBeReachedIsRefused(_ words: String, _ expected: String) throws {
    try refuses(words, expected)
  }

  @Test(arguments: [
    (
      "--upstream connected --source-pool 127.64.0.0/10",
      "--source-pool is for the multiplexed upstream, and --upstream connected has none; leave --source-pool out"
    ),
    (
      "--source-pool 127.0.0.0/8",
      "--source-pool 127.0.0.0/8 holds 127.0.0.1, which is in use; give a block without it, as in 127.64.0.0/10"
    ),
    (
      "--source-pool 127.64.0.0/31",
      "--source-pool 127.64.0.0/31 cannot be used; give an IPv4 block from /8 to /30, as in 127.64.0.0/10"
    ),
    (
      "--source-pool 127.255.255.252/30 --workers 4",
      "--source-pool 127.255.255.252/30 has fewer addresses than there are workers (4); give a larger block"
    ),
    (
      "--source-pool 2001:db8::/64",
      "--source-pool 2001:db8::/64 cannot be used; give an IPv4 block from /8 to /30, as in 127.64.0.0/10"
    ),
    (
      "--source-pool 224.0.0.0/8",
      "--source-pool 224.0.0.0/8 holds no unicast addresses; give a block as in 127.64.0.0/10"
    ),
    ("--idle-timeout 0s", "--idle-timeout 0s is out of range; give more than 0s and at most 24h"),
    ("--unreplied-timeout 25h", "--unreplied-timeout 25h is out of range; give more than 0s and at most 24h"),
    ("--busy-poll 1001ms", "--busy-poll 1001ms is too long; give at most 1s, as in 50us"),
    ("--drain-limit 25h", "--drain-limit 25h is too long; give at most 24h"),
    ("--max-sessions 0", "--max-sessions 0 is out of range; give 1 to 16000000"),
    ("--max-sessions 16000001", "--max-sessions 16000001 is out of range; give 1 to 16000000"),
    ("--workers 0", "--workers 0 is out of range; give 1 to 256, or auto"),
    ("--workers 257", "--workers 257 is out of range; give 1 to 256, or auto"),
    (
      "--ipv4-only --ipv6-only",
      "--ipv4-only and --ipv6-only contradict each other; give one of them, or none for both families"
    ),
  ])
  func aLimitOutOfRangeIsRefused(_ words: String, _ expected: String) throws {
    try refuses("--listen 53 --backend 127.0.0.1:53 " + words, expected)
  }

  @Test func twoRelaysMayNotShareAPort() throws {
    let relays = [
      RelayConfiguration(listen: [.ports(53...53)], backend: .echo),
      RelayConfiguration(listen: [.ports(50...60)], backend: .echo),
    ]
    let thrown = message { () throws(ConfigurationError) in try validate(ProcessConfiguration(relays: relays)) }
    #expect(thrown == "--listen 53 and --listen 50-60 overlap; name every port once")
  }

  private func refuses(_ words: String, _ expected: String) throws {
    let settings = try settings(words)
    let error = #expect(throws: ConfigurationError.self) { _ = try ProcessConfiguration(settings) }
    #expect(error?.message == expected)
    #expect(error?.exitCode == 64)
  }
}
