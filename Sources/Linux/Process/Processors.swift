import Glibc

/// The processors of this machine.
public enum Processors {
  /// How many are online (sysconf(3), _SC_NPROCESSORS_ONLN); at least 1.
  public static var online: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}
