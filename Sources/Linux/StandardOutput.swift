import Glibc

/// The process's standard output.
public enum StandardOutput {
  /// Writes a line at once, adding the newline, whoever reads it; with the error policy of `StandardError`.
  public static func write(line: String) {
    StandardError.write(Array(line.utf8) + [UInt8(ascii: "\n")], to: STDOUT_FILENO)
  }
}
