import Linux

/// Where the rule's files are.
package enum RuleFiles {
  /// The folder, for every network namespace of this host.
  package static let folder = "/run/multihomed"

  /// The name of the record of the network namespace that we are in, which has a ruleset of its own.
  ///
  /// - Throws: what `NetworkNamespace.currentCookie()` throws.
  static func record() throws(Errno) -> String { "kernel-\(try NetworkNamespace.currentCookie())" }
}
