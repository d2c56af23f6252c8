import ArgumentParser
import Generator

/// What to do, checked.
struct Plan {
  let targets: [generator_endpoint]
  let clients: UInt32
  let outstanding: UInt32
  let window: UInt32
  let rate: UInt64
  let size: UInt32
  let train: UInt32
  let offload: Bool
  let firstSource: generator_endpoint?
  let spin: Bool
  let warmup: UInt64
  let duration: UInt64
  let timeout: UInt64
  let requests: UInt64

  init(_ work: WorkOptions, _ limits: LimitOptions) throws {
    targets = try work.targets.map { try Self.endpoint($0) }
    guard let first = targets.first else { throw ValidationError("name a target: ADDRESS:PORT") }
    guard targets.allSatisfy({ $0.is_ipv6 == first.is_ipv6 }) else {
      throw ValidationError("all targets must be of one family, IPv4 or IPv6")
    }
    let block = try work.sources.map { try SourceBlock($0) }
    firstSource = block.map { block in
      var first = block.first
      first.port = work.sourcePort ?? 0
      return first
    }
    if let block, block.first.is_ipv6 != first.is_ipv6 {
      throw ValidationError("--sources must be of the targets' family")
    }
    duration = try Self.duration(limits.duration, "--duration", 1...3600)
    warmup = try Self.duration(limits.warmup, "--warmup", 0...3600)
    timeout = try Self.duration(limits.timeout, "--timeout", 0...60)
    guard timeout > 0 else { throw ValidationError("--timeout must be more than 0") }
    requests = limits.requests
    size = work.size
    train = work.train
    offload = work.offload
    rate = work.rate ?? 0
    spin = work.spin
    clients = try Self.clients(work, block)
    outstanding = work.outstanding
    window = Self.window(work, timeout: timeout)
    try check(work)
  }

  private static func clients(_ work: WorkOptions, _ block: SourceBlock?) throws -> UInt32 {
    guard let block else {
      if work.fresh { throw ValidationError("--fresh takes its clients' addresses from --sources; give a block") }
      return work.clients
    }
    if work.fresh { return block.count }
    guard work.clients <= block.count else {
      throw ValidationError("--sources holds \(block.count) addresses, fewer than --clients")
    }
    return work.clients
  }

  private static func window(_ work: WorkOptions, timeout: UInt64) -> UInt32 {
    if let window = work.window { return window }
    if let rate = work.rate {
      // So many requests can be under way before the first of them is given up.
      let (product, overflow) = rate.multipliedReportingOverflow(by: timeout / 1_000_000)
      return UInt32(min(overflow ? .max : product / 1000 + 1024, UInt64(maxWindow)))
    }
    return work.fresh ? 64 : 0
  }

  /// The slots of a window are looked through for lost requests again and again.
  private static let maxWindow: UInt32 = 1 << 20

  private func check(_ work: WorkOptions) throws {
    let largest: UInt32 = targets.first?.is_ipv6 == true ? 65_527 : 65_507
    func demand(_ condition: Bool, _ message: String) throws { if !condition { throw ValidationError(message) } }
    try demand(clients > 0 && outstanding > 0, "--clients and --outstanding must be at least 1")
    try demand(clients <= 1 << 24, "--clients must be at most 16777216")
    try demand(window <= Self.maxWindow, "--window must be at most \(Self.maxWindow)")
    try demand(work.window != 0, "--window must be at least 1")
    try demand(work.rate != 0 && rate <= 10_000_000, "--rate must be between 1 and 10000000")
    try demand(size >= UInt32(GENERATOR_HEADER_BYTES) && size <= largest, "--size must be between 24 and \(largest)")
    try demand((1...64).contains(train), "--train must be between 1 and 64")
    try demand(UInt64(train) * UInt64(size) <= 65_507, "--train times --size must be at most 65507 bytes")
    try demand(train == 1 || window == 0, "--train works in a closed loop without --window, --rate or --fresh")
    try demand(outstanding % train == 0, "--outstanding must be a multiple of --train")
    try demand(
      window > 0 || UInt64(clients) * UInt64(outstanding) <= UInt64(Self.maxWindow),
      "--clients times --outstanding is more than \(Self.maxWindow): bound what is under way by --window")
    try demand(work.sourcePort == nil || firstSource != nil, "--source-port goes with --sources")
    try demand(requests > 0, "--requests must be at least 1")
  }

  private static func endpoint(_ text: String) throws -> generator_endpoint {
    var endpoint = generator_endpoint()
    guard unsafe generator_parse_endpoint(text, true, &endpoint) else {
      throw ValidationError("'\(text)' is not ADDRESS:PORT or [ADDRESS]:PORT")
    }
    return endpoint
  }

  private static func duration(_ text: String, _ option: String, _ seconds: ClosedRange<UInt64>) throws -> UInt64 {
    let units: [(String, UInt64)] = [
      ("us", 1000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = UInt64(digits), number < 1_000_000_000,
      let unit = units.first(where: { $0.0 == text.dropFirst(digits.count) })
    else { throw ValidationError("\(option): '\(text)' is not a duration; write 500ms, 5s or 1m") }
    let duration = number * unit.1
    guard duration <= seconds.upperBound * 1_000_000_000, duration > 0 || seconds.lowerBound == 0 else {
      throw ValidationError("\(option) must be at most \(seconds.upperBound) s, and more than nothing")
    }
    return duration
  }
}

/// The addresses that `--sources` names.
struct SourceBlock {
  let first: generator_endpoint
  let count: UInt32

  init(_ text: String) throws {
    let parts = text.split(separator: "/", maxSplits: 1)
    var endpoint = generator_endpoint()
    guard parts.count == 2, let length = UInt32(parts[1]),
      unsafe generator_parse_endpoint(String(parts[0]), false, &endpoint),
      endpoint.port == 0
    else { throw ValidationError("--sources: '\(text)' is not a block of addresses, as 10.128.0.0/9 is") }
    let bits: UInt32 = endpoint.is_ipv6 ? 128 : 32
    guard length <= bits else { throw ValidationError("--sources: /\(length) is longer than an address") }
    // 16 million clients are all that one run tells apart.
    let free = min(bits - length, 24)
    first = endpoint
    count = 1 << free
  }
}
