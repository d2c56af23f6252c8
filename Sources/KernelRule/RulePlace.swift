import Linux

/// Where and when a rule was applied: in a network namespace, since a boot.
package struct RulePlace: Hashable, Sendable {
  /// The kernel's number for this boot (random(4), boot_id); empty where /proc does not tell.
  package let boot: String
  /// The inode of the network namespace, which a later one may have again; 0 where /proc does not tell.
  package let namespace: UInt64

  /// A place in both its parts.
  package init(boot: String, namespace: UInt64) {
    self.boot = boot
    self.namespace = namespace
  }

  /// Here and now.
  package static var current: RulePlace {
    let boot = ProcFile.read("/proc/sys/kernel/random/boot_id") ?? ""
    return RulePlace(boot: String(boot.prefix { $0 != "\n" }), namespace: NetworkNamespace.current.inode ?? 0)
  }

  /// Reads the line of a record; nil when it is none.
  init?(_ line: Substring) {
    let words = line.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, words[0] == "boot", let namespace = UInt64(words[2]) else { return nil }
    (boot, self.namespace) = (String(words[1]), namespace)
  }

  /// The line of a record.
  var text: String { "boot \(boot) \(namespace)" }
}
