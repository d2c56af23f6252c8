import Demo
import Linux
import Testing

/// The demo must not tell its story when something else was seen.
@Suite struct VerdictTests {
  let asked = Endpoint(Scenario.eth0, 5678)
  let client = Endpoint(Scenario.container, 40_000)

  @Test func theFaultIsNoReplyAWrongSourceAndAnICMPError() throws {
    let exchange = Exchange(asked: asked, packets: try [answer(from: Scenario.docker0), refusal()], isAnswered: false)
    #expect(Verdict.onTheFault([exchange]) == nil)
    #expect(Verdict.onTheMend([exchange]) != nil)
  }

  @Test func theMendIsAReplyFromTheAddressThatWasAsked() throws {
    let exchange = Exchange(asked: asked, packets: [try answer(from: Scenario.eth0)], isAnswered: true)
    #expect(Verdict.onTheMend([exchange]) == nil)
    #expect(Verdict.onTheFault([exchange]) != nil)
  }

  @Test func withoutTheICMPErrorTheFaultIsNotShown() throws {
    let exchange = Exchange(asked: asked, packets: [try answer(from: Scenario.docker0)], isAnswered: false)
    #expect(
      Verdict.onTheFault([exchange])
        == "expected no reply, an answer from 172.17.0.1, and an ICMP error when 192.168.106.242:5678 was asked, but saw "
        + "no reply and on the wire: IP 172.17.0.1.5678 > 172.17.0.2.40000: UDP, length 0")
  }

  @Test func oneExchangeOutOfThreeIsEnoughToFail() throws {
    let good = Exchange(asked: asked, packets: [try answer(from: Scenario.eth0)], isAnswered: true)
    let silent = Exchange(asked: asked, packets: [], isAnswered: false)
    #expect(Verdict.onTheMend([good, good, silent])?.hasSuffix("saw no reply and on the wire: nothing") == true)
    #expect(Transcript.tally([good, good, silent]) == "  → 2 of 3 replies")
  }

  @Test func theTraceMarksEachAnswerAsRightOrWrong() throws {
    let packets = try [answer(from: Scenario.docker0), refusal(), answer(from: Scenario.eth0)]
    let marks = Transcript.trace([Exchange(asked: asked, packets: packets, isAnswered: true)]).map { line in
      line.first { "✓✗".contains($0) }
    }
    #expect(marks == ["✗", nil, "✓"])
  }

  /// An empty datagram of the service to the client.
  private func answer(from source: IPAddress) throws -> IPPacket {
    try #require(IPPacket(packet(from: source, to: client.address, protocol: 17, udpHeader(5678, client.port))))
  }

  /// The client's ICMP error about an answer from docker0.
  private func refusal() throws -> IPPacket {
    let quoted = packet(from: Scenario.docker0, to: client.address, protocol: 17, udpHeader(5678, client.port))
    let message: [UInt8] = [3, 3, 0, 0, 0, 0, 0, 0] + quoted
    return try #require(IPPacket(packet(from: client.address, to: Scenario.docker0, protocol: 1, message)))
  }

  private func udpHeader(_ from: UInt16, _ to: UInt16) -> [UInt8] { octets(from) + octets(to) + [0, 8, 0, 0] }

  private func packet(from: IPAddress, to: IPAddress, protocol number: UInt8, _ body: [UInt8]) -> [UInt8] {
    [0x45, 0] + octets(UInt16(20 + body.count)) + [0, 0, 0, 0, 64, number, 0, 0] + octets(from.v4) + octets(to.v4)
      + body
  }

  private func octets(_ number: some FixedWidthInteger) -> [UInt8] {
    (0..<number.bitWidth / 8).reversed().map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
  }
}
