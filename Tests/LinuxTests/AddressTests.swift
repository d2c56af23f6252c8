import Linux
import Testing

/// Addresses, endpoints and blocks as people write them.
struct AddressTests {
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1"), ("2001:DB8::1", "2001:db8::1"), ("::", "::"), ("0.0.0.0", "0.0.0.0"),
    ("::1", "::1"), ("fe80::1%lo", "fe80::1%lo"), ("fe80::1%1", "fe80::1%lo"),
  ])
  func isReadAndWritten(text: String, canonical: String) throws {
    #expect(try #require(IPAddress(text)).description == canonical)
  }

  @Test(arguments: [
    "", "localhost", "127.1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "fe80::1%", "fe80::1%nosuchdevice", "2001:db8::1%lo",
    "1.2.3.4%lo", " 1.2.3.4", "1.2.3.4 ",
  ])
  func isRefused(text: String) { #expect(IPAddress(text) == nil) }

  @Test(arguments: [
    ("192.0.2.1:53", "192.0.2.1:53"), ("[2001:db8::1]:53", "[2001:db8::1]:53"), ("[fe80::1%lo]:9", "[fe80::1%lo]:9"),
  ])
  func anEndpointIsReadAndWritten(text: String, canonical: String) throws {
    #expect(try #require(Endpoint(text)).description == canonical)
  }

  @Test(arguments: ["192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "2001:db8::1:53", "[192.0.2.1]:53", ":53", "[::1]53"])
  func anEndpointIsRefused(text: String) { #expect(Endpoint(text) == nil) }

  @Test(arguments: [
    ("192.0.2.0/24", "192.0.2.255", true), ("192.0.2.0/24", "192.0.3.0", false), ("0.0.0.0/0", "255.255.255.255", true),
    ("0.0.0.0/0", "::1", false), ("::/0", "2001:db8::1", true), ("::/0", "1.2.3.4", false),
    ("2001:db8::/33", "2001:db8:8000::1", false), ("2001:db8::/64", "2001:db8::ffff:1", true),
    ("2001:db8::/65", "2001:db8::8000:0:0:1", false), ("192.0.2.7", "192.0.2.7", true),
    ("fe80::/10", "fe80::1%lo", true),
  ])
  func aBlockHoldsWhatItShould(block: String, address: String, holds: Bool) throws {
    #expect(try #require(CIDR(block)).contains(try #require(IPAddress(address))) == holds)
  }

  @Test(arguments: ["192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/x", "192.0.2.0/-1", "/24", "::1/0"])
  func aBlockIsRefused(text: String) { #expect(CIDR(text) == nil) }

  @Test(arguments: [
    ("127.0.0.1", true, false, false), ("127.255.0.1", true, false, false), ("::1", true, false, false),
    ("224.0.0.1", false, true, false), ("ff02::1", false, true, false), ("0.0.0.0", false, false, true),
    ("::", false, false, true), ("192.0.2.1", false, false, false),
  ])
  func anAddressKnowsItsKind(text: String, isLoopback: Bool, isMulticast: Bool, isWildcard: Bool) throws {
    let address = try #require(IPAddress(text))
    #expect(address.isLoopback == isLoopback)
    #expect(address.isMulticast == isMulticast)
    #expect(address.isWildcard == isWildcard)
  }
}
