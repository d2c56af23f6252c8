import Service

/// What libFuzzer calls with one input after the other: a configuration file's bytes. Whatever they are, they are decoded or
/// refused with at least one line, each of which is one line and names its place.
@c(LLVMFuzzerTestOneInput)
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  do throws(ConfigurationFileError) {
    let configuration = try ConfigurationFile.decode(bytes, of: "file")
    precondition(!configuration.relays.isEmpty)
  } catch {
    precondition(!error.messages.isEmpty)
    for message in error.messages {
      precondition(message.hasPrefix("file:"), message)
      precondition(!message.unicodeScalars.contains { $0.value < 0x20 }, message)
    }
  }
  return 0
}
