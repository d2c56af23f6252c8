import Addresses
import Linux
import Logging

extension ProcessConfiguration {
  /// Reads the settings of a process with one relay, and checks all that can be checked without looking at the host.
  public init(_ settings: Settings) throws(ConfigurationError) {
    self.init(relays: [try RelayConfiguration(settings)])
    try read(settings)
    do throws(ConfigurationError) { try validate(self) } catch { throw settings.inTheirTerms(error) }
  }

  /// Reads those that are the process's.
  mutating func read(_ settings: Settings) throws(ConfigurationError) {
    workers = try settings.value(.workers, Reading.workers) ?? workers
    busyPoll = try settings.value(.busyPoll, Nanoseconds.init(parsing:)) ?? busyPoll
    drainLimit = try settings.value(.drainLimit, Nanoseconds.init(parsing:)) ?? drainLimit
    logLevel = try settings.value(.logLevel, Reading.choice) ?? logLevel
    sessionLog = try settings.value(.sessionLog, SessionLogDestination.init(parsing:)) ?? sessionLog
    let places = try settings.values(.metrics, ListeningSocket.Place.init(parsing:))
    metrics = places.isEmpty ? metrics : places
    admin = try settings.value(.admin, AdminPlace.init(parsing:)) ?? admin
    receiveBuffer = try settings.value(.receiveBuffer, ByteCount.parse) ?? receiveBuffer
    logFormat = try settings.value(.logFormat, Reading.choice) ?? logFormat
  }

  /// Checks those that are the process's, in the settings' terms.
  func check(_ settings: Settings) throws(ConfigurationError) {
    do throws(ConfigurationError) { try checkProcess() } catch { throw settings.inTheirTerms(error) }
  }
}

extension RelayConfiguration {
  init(_ settings: Settings) throws(ConfigurationError) {
    let listen = try settings.values(.listen, ListenSpecification.init(parsing:))
    guard settings.count(.backend) <= 1 else {
      throw .usage(
        "--backend is given \(settings.count(.backend)) times; give it once, and run a process for each service")
    }
    let backend = try settings.value(.backend, BackendSpecification.init(parsing:))
    guard let backend, !listen.isEmpty else {
      throw settings.missing((listen.isEmpty ? [.listen] : []) + (backend == nil ? [.backend] : []))
    }
    self.init(listen: listen, backend: backend)
    filter = try AddressFilter(settings)
    idleTimeout = try settings.value(.idleTimeout, Nanoseconds.init(parsing:)) ?? idleTimeout
    unrepliedTimeout = try settings.value(.unrepliedTimeout, Nanoseconds.init(parsing:)) ?? unrepliedTimeout
    maxSessions = try settings.value(.maxSessions, Reading.number) ?? maxSessions
    responses = try settings.value(.responses, Reading.number) ?? responses
    upstream = try settings.value(.upstream, Reading.choice) ?? upstream
    sourcePool = try settings.value(.sourcePool, Reading.block)
  }
}

extension AddressFilter {
  init(_ settings: Settings) throws(ConfigurationError) {
    let families: AddressFamilies
    switch (try settings.flag(.ipv4Only), try settings.flag(.ipv6Only)) {
    case (true, true):
      throw settings.inTheirTerms(
        .usage(
          "--ipv4-only and --ipv6-only contradict each other; give one of them, or none for both families"))
    case (true, false): families = .ipv4
    case (false, true): families = .ipv6
    case (false, false): families = .both
    }
    self.init(
      interfaces: try settings.values(.interface, Reading.interfaceRule),
      addresses: try settings.values(.address, Reading.addressRule), families: families,
      includesLoopback: try settings.flag(.loopback))
  }
}

/// How single values are read, and what is said when they cannot be.
private enum Reading {
  static func interfaceRule(_ text: String) throws(ConfigurationError) -> InterfaceRule {
    guard let rule = InterfaceRule(text) else {
      throw .usage(
        "'\(text)' is not a pattern for interfaces; give a name or a pattern, as in eth0, 'eth*' or '!veth*'")
    }
    return rule
  }

  static func addressRule(_ text: String) throws(ConfigurationError) -> AddressRule {
    guard let rule = AddressRule(text) else {
      throw notABlock(
        text, text.hasPrefix("!") ? text.dropFirst() : text[...],
        "192.0.2.1, 192.0.2.0/24 or 2001:db8::/32, or ! before it")
    }
    return rule
  }

  static func block(_ text: String) throws(ConfigurationError) -> CIDR {
    guard let block = CIDR(text) else { throw notABlock(text, text[...], "127.64.0.0/10") }
    return block
  }

  static func number<Number: FixedWidthInteger>(_ text: String) throws(ConfigurationError) -> Number {
    guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = Number(text)
    else { throw .usage("'\(text)' is not a number in range; give a whole number, as in 1000") }
    return number
  }

  static func workers(_ text: String) throws(ConfigurationError) -> WorkerCount {
    if text == "auto" { return .auto }
    guard let count = Int(text) else {
      throw .usage("'\(text)' is not a number of workers; give 1 to \(WorkerCount.limit), or auto")
    }
    return .count(count)
  }

  static func choice<Choice: RawRepresentable & CaseIterable>(_ text: String) throws(ConfigurationError) -> Choice
  where Choice.RawValue == String {
    guard let choice = Choice(rawValue: text) else {
      let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw .usage("'\(text)' is not one of the choices; give one of \(choices)")
    }
    return choice
  }

  /// A block whose address goes beyond its length is answered with the block that was most likely meant.
  private static func notABlock(_ text: String, _ block: Substring, _ examples: String) -> ConfigurationError {
    let parts = block.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count == 2, let address = IPAddress(String(parts[0])), let length = Int(parts[1]),
      (0...address.bitWidth).contains(length), let meant = CIDR(holding: address, prefixLength: length)
    {
      return .usage("\(text) has bits set beyond its length; did you mean \(text.hasPrefix("!") ? "!" : "")\(meant)?")
    }
    return .usage("'\(text)' is not an address or block; give \(examples)")
  }
}
