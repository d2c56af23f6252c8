import Adoption
import Linux
import Testing

/// What the relay and the broker say to each other is read as it was written, and nothing else is.
struct BrokerMessageTests {
  @Test(arguments: ["192.0.2.1", "2001:db8::1", "fe80::1%lo"])
  func aRequestIsReadAsItWasWritten(address: String) throws {
    let request = BrokerRequest.open(try #require(IPAddress(address)), workers: 3)
    #expect(request.text == "open \(address) 3")
    #expect(BrokerRequest(request.text) == request)
    #expect(BrokerRequest(BrokerRequest.survey.text) == .survey)
  }

  @Test(arguments: [
    "", "open", "open 192.0.2.1", "open 192.0.2.1 0", "open 192.0.2.1 257", "open 0.0.0.0 1", "open :: 1",
    "open 192.0.2.1:53 1", "survey 1", "close 192.0.2.1 1",
  ])
  func anythingElseIsNoRequest(text: String) { #expect(BrokerRequest(text) == nil) }

  @Test func factsAreReadAsTheyWereWritten() {
    let holder = SocketHolder(id: 4711, name: "a name  with spaces", descriptor: 12)
    let views: [SocketFacts.View] = [
      .open(holder, sharesPort: true, reusesAddress: false), .open(holder, sharesPort: false, reusesAddress: true),
      .closed(holder), .hidden,
    ]
    for view in views {
      let facts = SocketFacts(inode: 31_337, view: view)
      #expect(SocketFacts(facts.text[...]) == facts)
    }
    #expect(SocketFacts("done") == nil)
    #expect(SocketFacts("1 open x 3 0 0 nc") == nil)
  }
}
