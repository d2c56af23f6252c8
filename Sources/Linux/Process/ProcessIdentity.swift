import Glibc

/// Numbers of processes (pid_namespaces(7)).
public enum ProcessIdentity {
  /// Our own.
  public static var own: Int32 { getpid() }
}
