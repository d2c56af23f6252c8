// The header of sockaddr_in6 belongs to whichever module the compiler meets first.
import CLinux
import Glibc

/// An address and a port: one end of a UDP exchange.
@frozen
public struct Endpoint: Hashable, Sendable, BitwiseCopyable {
  /// The address, with its scope.
  public let address: IPAddress
  /// The port, in host order; 0 only where a peer really sent from port 0.
  public let port: UInt16

  /// Pairs an address with a port.
  @inlinable
  public init(_ address: IPAddress, _ port: UInt16) {
    self.address = address
    self.port = port
  }
}

extension Endpoint: LosslessStringConvertible {
  /// Reads `192.0.2.1:53` or `[2001:db8::1]:53`.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
    guard let address = IPAddress(bracketed: text[..<colon]) else { return nil }
    self.init(address, port)
  }

  /// `192.0.2.1:53` or `[2001:db8::1]:53`.
  public var description: String { address.isIPv4 ? "\(address):\(port)" : "[\(address)]:\(port)" }
}

extension IPAddress {
  /// Reads an address as it stands before a port: IPv6 in brackets, IPv4 without.
  public init?(bracketed text: Substring) {
    if text.hasPrefix("["), text.hasSuffix("]") {
      guard let address = IPAddress(String(text.dropFirst().dropLast())), !address.isIPv4 else { return nil }
      self = address
    } else {
      guard let address = IPAddress(String(text)), address.isIPv4 else { return nil }
      self = address
    }
  }
}

/// Room for a socket address of either family, as recvmmsg(2) fills it and sendmmsg(2) reads it.
struct SocketAddress {
  private var storage = sockaddr_in6()

  init() {}

  init(_ endpoint: Endpoint) {
    if endpoint.address.isIPv4 {
      var v4 = sockaddr_in()
      v4.sin_family = sa_family_t(AF_INET)
      v4.sin_port = endpoint.port.bigEndian
      v4.sin_addr.s_addr = endpoint.address.v4.bigEndian
      unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: v4, as: sockaddr_in.self) }
    } else {
      storage.sin6_family = sa_family_t(AF_INET6)
      storage.sin6_port = endpoint.port.bigEndian
      storage.sin6_addr = in6_addr(endpoint.address)
      storage.sin6_scope_id = endpoint.address.scope
    }
  }

  /// The bytes that count for this family.
  var length: socklen_t {
    storage.sin6_family == sa_family_t(AF_INET)
      ? socklen_t(MemoryLayout<sockaddr_in>.size) : socklen_t(MemoryLayout<sockaddr_in6>.size)
  }

  var endpoint: Endpoint {
    // sin_port and sin6_port lie at the same place; sin_addr lies where sin6_flowinfo does.
    let port = UInt16(bigEndian: storage.sin6_port)
    if storage.sin6_family == sa_family_t(AF_INET) {
      return Endpoint(IPAddress(v4: UInt32(bigEndian: storage.sin6_flowinfo)), port)
    }
    return Endpoint(IPAddress(storage.sin6_addr, scope: storage.sin6_scope_id), port)
  }

  @unsafe
  mutating func withPointer<R>(_ body: (UnsafeMutablePointer<sockaddr>) throws(Errno) -> R) throws(Errno) -> R {
    let result: Result<R, Errno> = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        do throws(Errno) { return .success(try unsafe body(address)) } catch { return .failure(error) }
      }
    }
    return try result.get()
  }
}
