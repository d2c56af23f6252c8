import Linux
import Relay
import Testing

@Suite struct SourceRangeTests {
  @Test(arguments: [1, 1_000, 1 << 20])
  func upToAMillionSessionsSendFromASixtyFourthOfLoopback(_ sessions: Int) throws {
    #expect(SourceRange.standard(maxSessions: sessions) == SourceRange(try #require(CIDR("127.64.0.0/10"))))
  }

  @Test(arguments: [(1 << 20) + 1, 16_000_000])
  func moreSessionsSendFromAlmostAllOfLoopback(_ sessions: Int) throws {
    let range = SourceRange.standard(maxSessions: sessions)
    #expect(range.count >= sessions)
    for (address, isInside) in [
      ("127.0.0.1", false), ("127.0.255.255", false), ("127.1.0.0", true), ("127.255.255.254", true),
      ("127.255.255.255", false), ("128.0.0.0", false), ("::1", false), ("::7f01:0", false),
    ] {
      #expect(range.contains(try #require(IPAddress(address))) == isInside, "\(address)")
    }
  }

  @Test func aRangeMayEndWithTheLastAddressThereIs() {
    let range = SourceRange(first: .max, count: 1)
    #expect(range.contains(IPAddress(v4: .max)))
    #expect(!range.contains(IPAddress(v4: .max - 1)))
    #expect(!range.contains(IPAddress(v4: 0)))
  }

  @Test func aBlockIsARangeOfAllItsAddresses() throws {
    #expect(SourceRange(try #require(CIDR("127.9.0.0/24"))) == SourceRange(first: 0x7f09_0000, count: 256))
    #expect(SourceRange(try #require(CIDR("127.9.0.7"))) == SourceRange(first: 0x7f09_0007, count: 1))
  }
}
