/// Why a table that was there is made anew, which forgets what it remembered and counted.
package enum Remaking: Hashable, Sendable {
  /// Its options are others now.
  case options
  /// Somebody else has changed it.
  case altered
}
