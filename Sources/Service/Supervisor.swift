/// Runs the process's relays.
public enum Supervisor {
  /// Runs until told to end, and returns the status to exit with.
  public static func run(_ configuration: ProcessConfiguration) -> Int32 { 0 }
}
