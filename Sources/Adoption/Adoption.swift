import Addresses
import Linux
public import Service

/// A relay beside a running, unmodified service that holds a port by the wildcard address.
public enum Adoption {
  /// What to adopt, and how.
  public struct Order: Sendable {
    /// The service's port.
    public let port: UInt16
    /// Whether to wait for a service that is not running yet.
    public let waits: Bool
    /// Everything else, as it was typed: the options of the relay, without what to listen on and the backend.
    public let options: [Setting: [String]]

    /// An order in all its parts.
    public init(port: UInt16, waits: Bool, options: [Setting: [String]]) {
      self.port = port
      self.waits = waits
      self.options = options
    }
  }

  /// Adopts the service, and relays for it until a signal ends that.
  ///
  /// This process gives up all rights once the broker is started; from root it becomes a user of its own.
  ///
  /// - Returns: the status to exit with.
  /// - Throws: what keeps it from starting, or from going on, and what to do about it.
  public static func run(_ order: Order) throws(ConfigurationError) -> Int32 {
    RightsAtStart.note()
    var configuration = try order.configuration()
    let wanted = Families(configuration.relays[0].filter.families)
    // By whoever we are now: what relays later may make no file in root's folders.
    let admin = try AdminSocket.open(configuration)
    let broker = try attempt { () throws(Errno) in try BrokerClient(port: order.port) }
    let sentinel = try attempt { () throws(Errno) in try startSentinel(order.port) }
    let service = try find(order, wanted, broker)
    configuration.adapt(to: service, wanted)
    let listeners = AdoptedListeners(
      broker, sentinel, service, wanted, sourcePool: configuration.relays[0].sourcePool)
    return try Supervisor.run(configuration, listeners, admin: admin)
  }

  /// Gives up all rights. The sentinel's thread is started when all but one are gone, and keeps that one: capabilities are
  /// each thread's own, and inherited, as precedence is.
  private static func startSentinel(_ port: UInt16) throws(Errno) -> Sentinel {
    try giveUpRights(but: [.schedule])
    Precedence.take()
    let sentinel = try Sentinel(port: port)
    Precedence.giveUp()
    try Rights.keepOnly([])
    return sentinel
  }

  private static func giveUpRights(but kept: [Capability]) throws(Errno) {
    if UserIdentity.effective == 0 { becomeAnother() }
    try Rights.keepOnly(kept)
  }

  /// A user namespace may know few users, or its root alone, and a container may keep root from becoming another: what
  /// counts are the capabilities.
  private static func becomeAnother() {
    for user in [UserIdentity.ownAlone, UserIdentity.nobody] {
      do throws(Errno) { return try Rights.become(user: user, group: user) } catch {
        if user != UserIdentity.nobody { continue }
        StandardError.write(
          line: "multihomed: warning: stays user 0, though without capabilities: becoming user \(user) failed: \(error)"
        )
      }
    }
  }

  private static func find(
    _ order: Order, _ wanted: Families, _ broker: BrokerClient
  ) throws(ConfigurationError) -> AdoptableService {
    var isTold = false
    while true {
      do throws(Refusal) {
        return try AdoptableService.find(order.port, wanted, broker)
      } catch .nobodyListens where order.waits {
        if !isTold { StandardError.write(line: "multihomed: waiting for a service on UDP port \(order.port)") }
        isTold = true
        Nanoseconds.milliseconds(100).sleep()
      } catch { throw error.error }
    }
  }

  private static func attempt<Value>(_ body: () throws(Errno) -> Value) throws(ConfigurationError) -> Value {
    do throws(Errno) { return try body() } catch { throw .process("cannot adopt a service: \(error)") }
  }
}
