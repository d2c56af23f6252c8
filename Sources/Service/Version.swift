/// What this program calls itself.
public enum Version {
  /// The release, as in semver.org.
  public static let current = "0.1.0"
}
