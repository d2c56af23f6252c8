import CLinux
import Glibc
import Linux
import Testing

/// Which descriptors of somebody else's can be listeners.
@Suite struct InheritedSocketTests {
  private func bound(_ endpoint: String) throws -> Socket {
    let endpoint = try #require(Endpoint(endpoint))
    let socket = try Socket(udpFor: endpoint.address)
    try socket.bind(to: endpoint)
    return socket
  }

  @Test func aUDPSocketOnOneAddressCan() throws {
    for address in ["127.0.0.1:0", "[::1]:0"] {
      let socket = try bound(address)
      #expect(try socket.endpointAsListener() == socket.localEndpoint())
    }
  }

  @Test func whatIsNoUDPSocketCannot() throws {
    let stream = Socket(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
    let file = Socket(owning: unsafe open("/dev/null", O_RDONLY))
    let local = Socket(owning: socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0))
    for other in [stream, file, local] { #expect(throws: NotAListener.notUDP) { try other.endpointAsListener() } }
  }

  @Test func whatIsBoundToNoPortOrToEveryAddressCannot() throws {
    let unbound = try Socket(udpFor: .anyIPv4)
    #expect(throws: NotAListener.unbound) { try unbound.endpointAsListener() }
    for address in ["0.0.0.0:0", "[::]:0"] {
      let socket = try bound(address)
      let endpoint = try socket.localEndpoint()
      #expect(throws: NotAListener.wildcard(endpoint)) { try socket.endpointAsListener() }
    }
  }

  @Test func aConnectedOneCannot() throws {
    let (socket, peer) = try (bound("127.0.0.1:0"), bound("127.0.0.1:0"))
    try socket.connect(to: peer.localEndpoint())
    let endpoint = try socket.localEndpoint()
    #expect(throws: NotAListener.connected(endpoint)) { try socket.endpointAsListener() }
  }

  @Test func itBecomesWhatOurOwnAre() throws {
    let endpoint = try #require(Endpoint("127.0.0.1:0"))
    let given = Socket(owning: socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0))
    try given.bind(to: endpoint)
    let own = try Socket.listener(on: endpoint, sharesPort: false)
    try given.becomeInheritedListener()
    #expect(fcntl(given.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    #expect(fcntl(given.descriptor, F_GETFL) == fcntl(own.descriptor, F_GETFL))
    let options: [(Int32, Int32)] = [
      (Int32(MH_SOL_UDP), Int32(MH_UDP_GRO)), (Int32(IPPROTO_IP), Int32(MH_IP_RECVTOS)),
      (Int32(IPPROTO_IP), Int32(MH_IP_RECVTTL)), (SOL_SOCKET, Int32(MH_SO_RXQ_OVFL)),
      (SOL_SOCKET, Int32(MH_SO_SELECT_ERR_QUEUE)), (SOL_SOCKET, SO_RCVBUF), (SOL_SOCKET, SO_SNDBUF),
    ]
    for (level, name) in options { #expect(option(given, level, name) == option(own, level, name)) }
  }

  private func option(_ socket: Socket, _ level: Int32, _ name: Int32) -> Int32? {
    var value: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    return unsafe getsockopt(socket.descriptor, level, name, &value, &size) == 0 ? value : nil
  }
}
