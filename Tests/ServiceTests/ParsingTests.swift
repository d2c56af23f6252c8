import Linux
import Service
import Testing

/// The message of the error that is thrown, or nil when none is.
func message(_ body: () throws(ConfigurationError) -> Void) -> String? {
  do throws(ConfigurationError) { try body() } catch { return error.message }
  return nil
}

@Suite struct ParsingTests {
  @Test(arguments: ["1", "53", "65535", "5000-5010", "192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%1]:53"])
  func aListenSpecificationReadsBackAsItWasWritten(_ text: String) throws {
    let specification = try #require(ListenSpecification(text))
    let expected = text.contains("%") ? "[fe80::1%lo]:53" : text
    #expect(specification.description == expected)
  }

  @Test(arguments: ["echo", "127.0.0.1:53", "127.0.0.1:5000-5010", "[::1]:53", "[2001:db8::1]:5-6"])
  func aBackendReadsBackAsItWasWritten(_ text: String) throws {
    #expect(try #require(BackendSpecification(text)).description == text)
  }

  @Test(arguments: [
    ("", "'' is neither a port nor a range of ports; give a number from 1 to 65535, or LOW-HIGH"),
    ("0", "'0' is not a port; give a number from 1 to 65535"),
    ("65536", "'65536' is not a port; give a number from 1 to 65535"),
    ("+5", "'+5' is not a port; give a number from 1 to 65535"),
    ("٥", "'٥' is not a port; give a number from 1 to 65535"),
    ("5-", "'5-' is neither a port nor a range of ports; give a number from 1 to 65535, or LOW-HIGH"),
    ("1-2-3", "'2-3' is not a port; give a number from 1 to 65535"),
    ("9-8", "the range 9-8 is empty; write the lower port first: 8-9"),
    ("192.0.2.1:5-6", "an address goes with one port, not with a range; repeat --listen for each port"),
    ("2001:db8::1:53", "an IPv6 address before a port stands in brackets: [2001:db8::1]"),
    (
      "[192.0.2.1]:53",
      "'[192.0.2.1]' is not an address; give 192.0.2.1 or [2001:db8::1], not a host name"
    ),
    (
      "[fe80::1%no-such]:53",
      "'[fe80::1%no-such]' is not an address on an interface of this host; write it as [fe80::1%eth0]"
    ),
  ])
  func aWrongListenSpecificationSaysWhatToWrite(_ text: String, _ expected: String) {
    #expect(message { () throws(ConfigurationError) in _ = try ListenSpecification(parsing: text) } == expected)
  }

  @Test(arguments: [
    ("5678", "'5678' is not a backend; give ADDRESS:PORT, as in 127.0.0.1:15678, or echo"),
    ("Echo", "'Echo' is not a backend; give ADDRESS:PORT, as in 127.0.0.1:15678, or echo"),
    ("localhost:53", "'localhost' is not an address; give 192.0.2.1 or [2001:db8::1], not a host name"),
    (":53", "'' is not an address; give 192.0.2.1 or [2001:db8::1], not a host name"),
    ("127.0.0.1:0", "'0' is not a port; give a number from 1 to 65535"),
    ("127.0.0.1:7-6", "the range 7-6 is empty; write the lower port first: 6-7"),
  ])
  func aWrongBackendSaysWhatToWrite(_ text: String, _ expected: String) {
    #expect(message { () throws(ConfigurationError) in _ = try BackendSpecification(parsing: text) } == expected)
  }

  @Test(arguments: [
    ("500ms", 500_000_000, "500ms"), ("30s", 30_000_000_000, "30s"), ("5m", 300_000_000_000, "5m"),
    ("24h", 86_400_000_000_000, "24h"), ("90s", 90_000_000_000, "90s"), ("60s", 60_000_000_000, "1m"),
    ("0s", 0, "0s"), ("50us", 50_000, "50us"), ("1500us", 1_500_000, "1500us"), ("3000us", 3_000_000, "3ms"),
  ])
  func aDurationIsAWholeNumberAndAUnit(_ text: String, _ nanoseconds: UInt64, _ written: String) throws {
    let duration = try Nanoseconds(parsing: text)
    #expect(duration.count == nanoseconds)
    #expect(duration.text == written)
  }

  @Test(arguments: ["", "30", "s", "1.5s", "-1s", "30 s", "30S", "1d", "5µs", "1m30s", "99999999999999999999s", "٣s"])
  func anythingElseIsNoDuration(_ text: String) {
    let expected = "'\(text)' is not a duration; give a whole number and its unit: 50us, 500ms, 30s, 5m or 1h"
    #expect(message { () throws(ConfigurationError) in _ = try Nanoseconds(parsing: text) } == expected)
  }

  @Test func aDurationThatOverflowsIsTooLong() {
    let thrown = message { () throws(ConfigurationError) in _ = try Nanoseconds(parsing: "9999999999999h") }
    #expect(thrown == "9999999999999h is too long; give at most 24h")
  }

  @Test func workersFollowTheProcessorsOnlyWhenTold() {
    #expect(WorkerCount.auto.resolved(processors: 6) == 6)
    #expect(WorkerCount.auto.resolved(processors: 1000) == 256)
    #expect(WorkerCount.count(3).resolved(processors: 6) == 3)
    #expect(WorkerCount.auto.resolved() >= 1)
  }
}
