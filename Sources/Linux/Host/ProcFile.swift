import Glibc

/// Small files of /proc and /sys.
public enum ProcFile {
  /// The whole text of a file; nil when it cannot be read.
  public static func read(_ path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
      let size = unsafe Glibc.read(descriptor, &chunk, chunk.count)
      if size < 0 { return nil }
      if size == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += chunk.prefix(size)
    }
  }

  /// The names in a folder; none when it cannot be read.
  public static func names(in folder: String) -> [String] {
    guard let directory = unsafe opendir(folder) else { return [] }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Where a symbolic link points to; nil when it cannot be read. Of longer ones than the limit, so many bytes.
  public static func link(_ path: String, limit: Int = 256) -> String? {
    var buffer = [CChar](repeating: 0, count: limit)
    let size = unsafe readlink(path, &buffer, buffer.count)
    return size < 0 ? nil : String(decoding: buffer.prefix(size).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
