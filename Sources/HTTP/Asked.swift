import CMHD

/// What libmicrohttpd has read of a request.
@safe
struct Asked {
  private let connection: OpaquePointer

  init(_ connection: OpaquePointer) { unsafe self.connection = connection }

  /// Whether a body is announced (RFC 9112, section 6.3).
  var hasBody: Bool {
    if header("Transfer-Encoding") != nil { return true }
    guard let length = header("Content-Length") else { return false }
    return Int(length) != 0
  }

  /// What stands behind the `?`.
  var query: [String: String] {
    let found = Found()
    unsafe MHD_get_connection_values(
      connection, .GET_ARGUMENT_KIND,
      { context, _, name, value in
        guard let context = unsafe context, let name = unsafe name else { return .YES }
        let found = unsafe Unmanaged<Found>.fromOpaque(context).takeUnretainedValue()
        unsafe found.values[String(cString: name)] = value.map { unsafe String(cString: $0) } ?? ""
        return .YES
      }, Unmanaged.passUnretained(found).toOpaque())
    return found.values
  }

  private final class Found { var values: [String: String] = [:] }

  private func header(_ name: String) -> String? {
    let value = unsafe MHD_lookup_connection_value(connection, .HEADER_KIND, name)
    return unsafe value.map { unsafe String(cString: $0) }
  }
}
