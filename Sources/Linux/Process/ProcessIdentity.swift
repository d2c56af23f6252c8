import Glibc

/// Who this process is.
public enum ProcessIdentity {
  /// Its pid (getpid(2)).
  public static var own: Int32 { getpid() }
}
