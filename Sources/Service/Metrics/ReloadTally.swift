/// How reloads of the configuration went.
struct ReloadTally {
  private(set) var successful: UInt64 = 0
  private(set) var failed: UInt64 = 0
  /// True before the first.
  private(set) var lastWasSuccessful = true

  mutating func note(isSuccessful: Bool) {
    lastWasSuccessful = isSuccessful
    if isSuccessful { successful += 1 } else { failed += 1 }
  }
}
