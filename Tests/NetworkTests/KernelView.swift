import Glibc
import Linux
import Support

/// What the kernel says of a running program, apart from what it says of itself (proc(5)). Read without the parsers of
/// `Linux`: an instrument must not share the faults of what it measures.
struct KernelView {
  let processID: Int32

  init(_ processID: Int32) { self.processID = processID }

  init(_ relay: MultihomedProcess) { processID = relay.process.processID }

  // MARK: Sockets

  /// The addresses on which there is a UDP socket at this port, in the program's network namespace, one for each socket,
  /// sorted. Scopes are not told.
  func addresses(at port: UInt16) throws -> [IPAddress] {
    try
      (lines("net/udp").compactMap { SocketTable.address($0, port, isIPv4: true) }
      + lines("net/udp6").compactMap { SocketTable.address($0, port, isIPv4: false) }).sorted(by: Self.isBefore)
  }

  /// The IPv4 addresses among them where datagrams wait to be received.
  func addressesWithDatagrams(at port: UInt16) throws -> Set<IPAddress> {
    // The fifth field is what waits to be sent and to be received, in bytes.
    let busy = try lines("net/udp").filter { line in
      let fields = line.split(separator: " ")
      return fields.count > 4 && !fields[4].hasSuffix(":00000000")
    }
    return Set(busy.compactMap { SocketTable.address($0, port, isIPv4: true) })
  }

  /// Its netlink socket in rtnetlink's link and address groups (0x111): the port, and how many messages were lost.
  func doorbell() throws -> (port: UInt32, drops: Int) {
    let mine = Set(sockets)
    for line in try lines("net/netlink") {
      let fields = line.split(separator: " ")
      guard fields.count > 9, fields[1] == "0", fields[3] == "00000111", mine.contains("socket:[\(fields[9])]"),
        let port = UInt32(fields[2]), let drops = Int(fields[8])
      else { continue }
      return (port, drops)
    }
    throw TestFailure("no netlink socket in the groups of links and addresses")
  }

  // MARK: Resources

  /// How many descriptors it has open.
  var descriptors: Int { ProcFile.names(in: "/proc/\(processID)/fd").count }

  /// What its descriptors are, as in `socket:[4711]` and `/dev/null`.
  var sockets: [String] { sockets(0...Int32.max) }

  /// The same, of some descriptors.
  func sockets(_ range: ClosedRange<Int32>) -> [String] {
    let folder = "/proc/\(processID)/fd"
    return ProcFile.names(in: folder).filter { Int32($0).map(range.contains) ?? false }.compactMap { name in
      var buffer = [CChar](repeating: 0, count: 256)
      let size = unsafe readlink("\(folder)/\(name)", &buffer, buffer.count)
      return size < 0 ? nil : String(decoding: buffer.prefix(size).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }

  /// VmRSS, in KiB.
  func residentKilobytes() throws -> Int { try kilobytes("VmRSS:") }

  /// What of it is the process's own, and not of files that the kernel maps as it likes, in KiB.
  func anonymousKilobytes() throws -> Int { try kilobytes("RssAnon:") + kilobytes("RssShmem:") }

  private func kilobytes(_ key: String) throws -> Int {
    let line = try lines("status").first { $0.hasPrefix(key) }
    guard let size = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
      throw TestFailure("no \(key) of \(processID)")
    }
    return size
  }

  /// What is resident of each mapping, in KiB, the largest first (proc(5), smaps).
  var memoryMap: String {
    var sizes: [Substring: Int] = [:]
    var name: Substring = ""
    for line in (try? lines("smaps")) ?? [] {
      let words = line.split(separator: " ")
      if words[0].contains("-") { name = words.count > 5 ? words[5] : "anonymous" }
      if words[0] == "Rss:" { sizes[name, default: 0] += Int(words[1]) ?? 0 }
    }
    return sizes.sorted { $0.value > $1.value }.prefix(20).map { "\($0.value) \($0.key)" }.joined(separator: ", ")
  }

  /// Changes RLIMIT_NOFILE while it runs (prlimit(1)): the soft limit, and the hard one where it is given.
  func limitDescriptors(to soft: Int, hard: Int? = nil) throws {
    let value = hard.map { "\(soft):\($0)" } ?? "\(soft):"
    try ManagedProcess.run("prlimit", ["--pid", "\(processID)", "--nofile=\(value)"])
  }

  // MARK: Reading

  private func lines(_ file: String) throws -> [Substring] {
    guard let text = ProcFile.read("/proc/\(processID)/\(file)") else {
      throw TestFailure("cannot read /proc/\(processID)/\(file)")
    }
    return text.split(separator: "\n")
  }

  static func isBefore(_ a: IPAddress, _ b: IPAddress) -> Bool { (a.high, a.low) < (b.high, b.low) }
}

/// Whether the tests run with a sanitizer, whose runtime has threads and memory of its own (Tests/sanitize.sh).
let isSanitized = unsafe getenv("TSAN_OPTIONS") != nil

/// How much less of a costly work is done where the code is slow.
#if DEBUG
  let isOptimised = false
#else
  let isOptimised = true
#endif
