package import Linux

/// Keeps commands apart that read the table of one network namespace and then change it: the second one would undo what the
/// first has done in between.
package enum RuleLock {
  /// How long a command waits for others. One takes a tenth of a second; with a million clients to list, some seconds.
  private static let patience = Nanoseconds.seconds(30)

  /// Waits until no other command is at it.
  ///
  /// - Parameters:
  ///   - path: the folder of the lock's file.
  ///   - isFolderMade: whether it is made where it is missing; a command that only looks leaves the host as it is.
  /// - Returns: the lock, to be released; nil where it cannot be made. Then the record cannot be, either: apply and remove warn of
  ///   both.
  /// - Throws: that another command has been at it all the while.
  package static func take(
    in path: String = RuleFiles.folder, isFolderMade: Bool, within limit: Nanoseconds = patience
  ) throws(KernelRuleError) -> FolderLock? {
    do throws(Errno) {
      let folder = try StateFolder(path, isMade: isFolderMade)
      return try FolderLock("\(try RuleFiles.record()).lock", in: folder, within: limit)
    } catch .again {
      throw RuleWords.busy(limit)
    } catch {
      return nil
    }
  }
}
