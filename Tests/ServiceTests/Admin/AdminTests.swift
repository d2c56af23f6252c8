import Linux
import Relay
import Service
import Testing

@Suite struct AdminTests {
  // MARK: Queries

  @Test func withoutParametersTheHundredOldestAreMeant() throws {
    let query = try SessionQuery([:])
    #expect(query.limit == 100 && query.order == .age && query.relay == nil && query.filter == SessionFilter())
  }

  @Test func everyParameterIsRead() throws {
    let query = try SessionQuery([
      "relay": "dns", "client": "192.0.2.0/24", "asked": "[2001:db8::1]:53", "replied": "false", "order": "bytes",
      "limit": "0",
    ])
    #expect(query.relay == "dns" && query.filter.client?.description == "192.0.2.0/24")
    #expect(query.filter.asked?.description == "[2001:db8::1]:53" && query.filter.isReplied == false)
    #expect(query.order == .bytes && query.limit == 0)
  }

  @Test(arguments: [
    ["limit": "-1"], ["limit": "100001"], ["limit": "x"], ["client": "x"], ["asked": "192.0.2.1/24"],
    ["replied": "yes"],
    ["order": "size"], ["page": "2"],
  ])
  func whatMakesNoSenseIsRefused(_ parameters: [String: String]) {
    #expect(throws: AdminRefusal.self) { try SessionQuery(parameters) }
  }

  // MARK: Patterns

  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1:9", true), ("192.0.2.1", "192.0.2.2:9", false), ("192.0.2.0/24", "192.0.2.200:9", true),
    ("192.0.2.1:53", "192.0.2.1:53", true), ("192.0.2.1:53", "192.0.2.1:54", false), (":53", "[::1]:53", true),
    (":53", "[::1]:54", false), ("2001:db8::/32", "[2001:db8::1]:53", true), ("::/0", "192.0.2.1:53", false),
    ("[2001:db8::1]:53", "[2001:db8::1]:53", true),
  ])
  func aPatternMatchesWhatItSays(_ pattern: String, _ endpoint: String, _ isMeant: Bool) throws {
    let (pattern, endpoint) = (try #require(EndpointPattern(pattern)), try #require(Endpoint(endpoint)))
    #expect(pattern.matches(endpoint) == isMeant)
    #expect(EndpointPattern("\(pattern)") == pattern)
  }

  @Test(arguments: ["", ":", ":0", ":x", "x", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1/24", "2001:db8::1:53:99999"])
  func whatIsNoPatternIsNone(_ text: String) { #expect(EndpointPattern(text) == nil) }

  // MARK: Places

  @Test func theServiceManagersFolderComesFirst() {
    let environment = ["RUNTIME_DIRECTORY": "/run/a:/run/b", "XDG_RUNTIME_DIR": "/run/user/1"]
    #expect(AdminPlace.usualPaths(environment, process: 7) == ["/run/a/admin.sock"])
    #expect(
      AdminPlace.usualPaths(["XDG_RUNTIME_DIR": "/run/user/1"], process: 7)
        == ["/run/multihomed/7.sock", "/run/user/1/multihomed/7.sock"])
    #expect(AdminPlace.usualPaths(["XDG_RUNTIME_DIR": "relative"], process: 7) == ["/run/multihomed/7.sock"])
  }

  // MARK: Remedies

  @Test func aQueueThatWasCutIsMendedByItsLimit() {
    let remedy = QueueRemedy(bytes: 212_992, wanted: 4 << 20, greatest: 212_992)
    #expect(
      remedy.isCut
        && remedy.text
          == "it holds 208KiB where 4MiB were asked for, because of net.core.rmem_max (now 212992); raise that, and restart: "
          + "sysctl -w net.core.rmem_max=4194304"
    )
  }

  @Test func aQueueThatIsAsWantedIsMendedByMore() {
    #expect(
      QueueRemedy(bytes: 4 << 20, wanted: 4 << 20, greatest: 212_992).text
        == "it holds 4MiB; give more, and restart: --receive-buffer 16MiB, after sysctl -w "
        + "net.core.rmem_max=16777216 (now 212992); or let more --workers serve")
    #expect(
      QueueRemedy(bytes: 4 << 20, wanted: 4 << 20, greatest: nil).text
        == "it holds 4MiB; give more, and restart: --receive-buffer 16MiB; or let more --workers serve")
  }
}
