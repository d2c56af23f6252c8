import Addresses
import Linux
import Service

extension Adoption.Order {
  /// The configuration of the relay, as far as it is known without the service.
  ///
  /// What to listen on and where the service is follow from adoption; variables that are meant for a relay do not count.
  func configuration() throws(ConfigurationError) -> ProcessConfiguration {
    var options = options
    options[.listen] = ["\(port)"]
    options[.backend] = ["\(Endpoint(.loopbackIPv4, port))"]
    options[.loopback] = ["false"]
    return try ProcessConfiguration(Settings(commandLine: options, environment: Environment.variables))
  }
}

extension ProcessConfiguration {
  /// Has the relay serve what the service serves: the same families, and no more. Who could not reach it must not be able
  /// to because it was adopted.
  mutating func adapt(to service: AdoptableService, _ wanted: Families) {
    let isIPv4 = service.takesIPv4 && wanted.ipv4
    let isIPv6 = service.takesIPv6 && wanted.ipv6
    let filter = relays[0].filter
    relays[0].name = "adopted"
    relays[0].backend = .endpoints(service.backend.address, service.port...service.port)
    relays[0].filter = AddressFilter(
      interfaces: filter.interfaces, addresses: filter.addresses,
      families: isIPv4 && isIPv6 ? .both : isIPv4 ? .ipv4 : .ipv6)
  }
}

extension Families {
  init(_ families: AddressFamilies) { self.init(ipv4: families != .ipv6, ipv6: families != .ipv4) }
}
