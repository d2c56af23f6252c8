import Glibc
import Linux
import Support
import Testing

/// Whoever reads the log may stall: a stopped terminal, a full pipe. Datagrams and signals must not wait for him.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct StalledLogTests {
  @Test func aFullPipeStopsNeitherClientsNorTheEnd() throws {
    let network = try PairNetwork()
    let relay = [
      try MultihomedProcess.path(), "relay", "--listen", "5678", "--backend", "echo", "--max-sessions", "2",
      "--log-format", "json",
    ]
    // A pipe of 64 KiB that is full before the relay gets it, and whose reader never reads.
    let script = """
      mkfifo "$0"
      sleep 20 <"$0" >/dev/null 2>&1 &
      exec 3>"$0"
      dd if=/dev/zero bs=4096 count=16 >&3 2>/dev/null
      exec "$@" 2>&3 3>&-
      """
    let folder = try TemporaryFolder()
    let process = try ManagedProcess("sh", ["-c", script, "\(folder.path)/log"] + relay, in: network.host)
    try process.waitForLine("that begins with ready", of: .output) { $0.hasPrefix("ready") }
    let asked = try Endpoint.of("10.1.0.1:5678")
    let clients = try (0..<2).map { _ in try UDPClient(in: network.client, from: Endpoint(.anyIPv4, 0)) }
    for client in clients { #expect(try client.ask("known", of: asked)?.bytes == [UInt8]("known".utf8)) }

    // Refused for want of room, which is worth a line.
    let stranger = try UDPClient(in: network.client, from: Endpoint(.anyIPv4, 0))
    try stranger.send("stranger", to: asked)
    for round in 0..<20 {
      for client in clients { #expect(try client.ask("\(round)", of: asked)?.bytes == [UInt8]("\(round)".utf8)) }
    }
    process.signal(SIGTERM)
    #expect(try process.waitForExit(within: .seconds(10)) == .status(0))
  }
}
