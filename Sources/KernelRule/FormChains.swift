/// What is done with the datagrams of one form of addresses: a request's client is remembered, a reply's source mended.
///
/// A reply gets the address that was asked only while this host has it. Whether it has can only be asked of a source that
/// is in the header already (`fib`, nft 1.0.6, Linux 6.18), and then it is too late to know which one the kernel had put
/// there. So `picked` remembers for a second which one that was, for each service and interface.
struct FormChains {
  let form: AddressForm
  let settings: RuleSettings

  /// The chains, in the order in which a datagram meets them. Those of replies that are found in `asked` and in `spare`
  /// are apart, since what was found in `spare` may be older than what another processor is about to add to `asked`.
  var blocks: [RuleTable.Block] {
    [
      ("remember", remembering), ("mend", mending), ("refresh", refreshing), ("vet", vetting), ("leave", leaving),
    ].map { RuleTable.Block(header: "chain \($0.0)\(end)", lines: $0.1) }
  }

  private var end: String { form.suffix }
  private var way: String { "oif . th sport" }
  private var source: String { "\(form.header) saddr" }
  private var client: String { form.receiver(settings.seed) }

  private var remembering: [String] {
    let client = form.sender(settings.seed)
    let element = "{ \(client) : \(form.header) daddr }"
    return (form == .v6 ? ["ip6 saddr fe80::/10 goto remember_link"] : []) + [
      "\(form.pair) @recent\(end) accept",
      // A multicast or broadcast address must never become a reply's source. Without `iif`, which would be asking whether
      // the address is the interface's that the request came by: on a host with several networks it often is another's.
      "fib daddr type != local \(count("elsewhere", "th dport")) accept",
      "\(client) != @asked\(end) add @asked\(end) \(element) accept",
      // Also for a client that another processor is about to delete and add, hence without asking whether it is there. A rule
      // ends where a set is full: then at least `spare` remembers the client for two seconds.
      "update @spare\(end) \(element) delete @asked\(end) \(element) add @asked\(end) \(element) "
        + "add @recent\(end) { \(form.pair) } accept",
      count("forgotten", "th dport"),
    ]
  }

  private var mending: [String] {
    (form == .v6 ? ["ip6 daddr fe80::/10 goto mend_link"] : []) + [
      // A rule of its own: where the set is full, only this rule ends.
      "add @picked\(end) { \(way) : \(source) }",
      "\(source) set \(client) map @asked\(end) goto refresh\(end)",
      "\(source) set \(client) map @spare\(end) goto vet\(end)",
      count("unmended", "th sport"),
    ]
  }

  private var refreshing: [String] {
    // Replies keep a client remembered, too: a service may stream for hours to whoever asked once.
    form.localSources.map { "\($0) update @asked\(end) { \(client) : \(source) } accept" }
      // Also where it is local, but another processor has deleted the client and the table is full.
      + ["goto vet\(end)"]
  }

  /// The client is not refreshed, and not forgotten, since the address may come back.
  private var vetting: [String] {
    let count = count("gone", "th sport")
    return form.localSources.map { "\($0) accept" } + [
      "\(source) set \(way) map @picked\(end) goto leave\(end)", "\(count) drop",
    ]
  }

  /// With the source that the kernel had picked, unless that has left as well, within this second. Then the reply is lost,
  /// and the next one tells what the kernel picks now.
  private var leaving: [String] {
    let count = count("gone", "th sport")
    return form.localSources.map { "\($0) \(count) accept" }
      + ["delete @picked\(end) { \(way) : \(source) } \(count) drop"]
  }

  /// Counts by the service's port. Each port's counter has its name, so that what nft lists without elements is the whole
  /// table: what somebody takes out of it is seen.
  private func count(_ what: String, _ port: String) -> String {
    let names = settings.ports.map { "\($0) : \"\(what)\(form.digit)_\($0)\"" }
    return "counter name \(port) map { \(names.joined(separator: ", ")) }"
  }
}
