import Relay

/// Every metric that there is: the list in multihomed-metrics(7) is this one.
package enum Metric: String, CaseIterable, Sendable {
  case datagrams = "multihomed_datagrams_total"
  case bytes = "multihomed_bytes_total"
  case dropped = "multihomed_dropped_datagrams_total"
  case sendErrors = "multihomed_send_errors_total"
  case receiveQueueDrops = "multihomed_receive_queue_drops_total"
  case upstreamQueueDrops = "multihomed_upstream_queue_drops_total"
  case sessions = "multihomed_sessions"
  case sessionLimit = "multihomed_session_limit"
  case sessionsCreated = "multihomed_sessions_created_total"
  case sessionsEnded = "multihomed_sessions_ended_total"
  case listenerUp = "multihomed_listener_up"
  case backendUp = "multihomed_backend_up"
  case addressChanges = "multihomed_address_changes_total"
  case reloads = "multihomed_config_reloads_total"
  case lastReloadSuccessful = "multihomed_config_last_reload_successful"
  case buildInfo = "multihomed_build_info"
  case processorSeconds = "process_cpu_seconds_total"
  case residentBytes = "process_resident_memory_bytes"
  case virtualBytes = "process_virtual_memory_bytes"
  case openDescriptors = "process_open_fds"
  case descriptorLimit = "process_max_fds"
  case startTime = "process_start_time_seconds"

  /// What its values mean to whoever reads them.
  package enum Kind: String, Sendable {
    /// It only grows, until the process or the relay ends.
    case counter
    /// It is as it is now.
    case gauge
  }

  /// The name.
  package var name: String { rawValue }

  /// By the conventions of Prometheus, counters end so.
  package var kind: Kind { name.hasSuffix("_total") ? .counter : .gauge }

  /// The labels, in the order in which their values are given.
  package var labels: [String] {
    switch self {
    case .datagrams, .bytes: ["relay", "address", "direction"]
    case .dropped, .sessionsEnded: ["relay", "reason"]
    case .sendErrors: ["relay", "direction", "errno"]
    case .receiveQueueDrops: ["relay", "address"]
    case .upstreamQueueDrops, .sessions, .sessionLimit, .sessionsCreated: ["relay"]
    case .listenerUp: ["relay", "address", "port"]
    case .backendUp: ["relay", "backend"]
    case .reloads: ["result"]
    case .buildInfo: ["version"]
    case .addressChanges, .lastReloadSuccessful, .processorSeconds, .residentBytes, .virtualBytes, .openDescriptors,
      .descriptorLimit, .startTime:
      []
    }
  }

  /// One sentence for whoever meets it in a query browser.
  package var help: String {
    switch self {
    case .datagrams: "Datagrams relayed, and accepted by the kernel, by the address of this host that was asked."
    case .bytes: "Bytes of their payload."
    case .dropped: "Datagrams that were received and not sent on."
    case .sendErrors: "Datagrams that the kernel refused to send, and ICMP errors that it told of earlier ones."
    case .receiveQueueDrops: "Datagrams that the kernel lost because a listener's receive queue was full."
    case .upstreamQueueDrops: "Replies that the kernel lost because an upstream's receive queue was full."
    case .sessions: "Sessions there are now."
    case .sessionLimit: "Sessions there may be at once."
    case .sessionsCreated: "Sessions begun."
    case .sessionsEnded: "Sessions ended."
    case .listenerUp: "1 while a listener serves, 0 while its address is gone or cannot be bound."
    case .backendUp: "0 while the backend is known to be out of reach, otherwise 1."
    case .addressChanges:
      "Listeners that were opened, resumed or suspended because addresses of this host have changed."
    case .reloads: "Reloads of the configuration by SIGHUP."
    case .lastReloadSuccessful: "1 unless the last reload was refused; then the configuration before it goes on."
    case .buildInfo: "Always 1; the label tells the version."
    case .processorSeconds: "User and system time of all threads, in seconds."
    case .residentBytes: "Resident memory, in bytes."
    case .virtualBytes: "Reserved address space, in bytes; session tables reserve theirs and touch only what they need."
    case .openDescriptors: "Descriptors that are open."
    case .descriptorLimit: "Descriptors there may be (RLIMIT_NOFILE)."
    case .startTime: "When the process was started, in seconds since 1970."
    }
  }
}
