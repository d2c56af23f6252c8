import Linux

/// What a new configuration needs more than the old one, opened before anything is changed.
struct PreparedListeners {
  /// The new one.
  let configuration: ProcessConfiguration
  /// By worker.
  var sockets: [ListenerKey: [Socket]] = [:]

  init(_ configuration: ProcessConfiguration) { self.configuration = configuration }

  /// Opens the sockets of one listener. An address that is not usable yet is left for later.
  mutating func open(_ key: ListenerKey, _ source: any ListenerSource, workers: Int) throws(ConfigurationError) {
    do throws(Errno) {
      sockets[key] = try source.open(key.endpoint, workers: workers)
    } catch {
      switch error {
      case .addressNotAvailable: break
      case .addressInUse: throw .portInUse(key.endpoint, holder: .blocking(key.endpoint))
      case .accessDenied: throw .noRightToBind(key.endpoint)
      default: throw .start("cannot listen on \(key.endpoint)", error)
      }
    }
  }
}
