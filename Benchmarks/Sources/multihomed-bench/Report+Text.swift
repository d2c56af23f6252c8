import Glibc

extension Report {
  /// For a person.
  var text: String {
    var lines = [headline, "throughput  " + throughput, "requests    " + account]
    if let latency = latencyMicroseconds {
      lines.append("latency     " + latency.text)
    }
    if let late = sendLateness {
      lines.append(
        "send time   \(micro(late.meanMicroseconds)) late on average, at most \(micro(late.maxMicroseconds))")
    }
    let width = (processes.map(\.name.count).max() ?? 0) + 2
    for (number, process) in processes.enumerated() {
      let name = process.name + String(repeating: " ", count: width - process.name.count)
      lines.append((number == 0 ? "processor   " : "            ") + name + process.text)
    }
    return lines.joined(separator: "\n")
  }

  /// Why there is nothing to report, when no request was answered.
  func silence(of targets: [String]) -> String {
    let whom = targets.count == 1 ? targets[0] : "\(targets[0]) or the \(targets.count - 1) others"
    let wrong = requests.misdelivered + requests.foreign
    return wrong == 0
      ? "nobody answers at \(whom): does a service listen there?"
      : "nobody answers rightly at \(whom): \(wrong) replies, none to the client that asked, from where it asked"
  }

  private var headline: String {
    let who =
      "\(work.clients) \(work.clientsAreSources ? "source address" : "socket")"
      + (work.clients == 1 ? "" : work.clientsAreSources ? "es" : "s")
    let pace =
      work.rate > 0
      ? "\(work.rate) requests/s" : work.window > 0 ? "\(work.window) in turn" : "\(work.outstanding) each"
    let train = work.train > 1 ? ", trains of \(work.train)" : ""
    return "\(who), \(pace), \(work.size) bytes\(train); \(decimal(seconds, 2)) s"
  }

  private var throughput: String {
    "\(decimal(roundTripsPerSecond, 0)) round trips/s, \(decimal(bitsPerSecond / 1e6, 1)) Mbit/s each way"
  }

  private var account: String {
    var parts = ["\(requests.sent) sent, \(requests.answered) answered, \(requests.lost) lost"]
    let rare: [(UInt64, String)] = [
      (requests.late, "late"), (requests.reordered, "reordered"), (requests.misdelivered, "MISDELIVERED"),
      (requests.foreign, "foreign"),
      (requests.refused, "refused by the kernel (\(unsafe String(cString: strerror(requests.refusedErrno))))"),
    ]
    parts += rare.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    return parts.joined(separator: ", ")
  }
}

extension LatencySummary {
  fileprivate var text: String {
    let parts: [(String, Double)] = [
      ("p50", p50), ("p90", p90), ("p99", p99), ("p99.9", p999), ("p99.99", p9999), ("max", max),
    ]
    return parts.map { "\($0.0) \(micro($0.1))" }.joined(separator: "  ")
  }
}

extension Report.Process {
  fileprivate var text: String {
    let each = cpuMicrosecondsPerRoundTrip.map { ", \(decimal($0, 3)) us a round trip" } ?? ""
    let split = "\(decimal(userSeconds, 2)) s user, \(decimal(systemSeconds, 2)) s system"
    return "\(decimal(cpuPercent, 1)) %\(each) (\(split))"
  }
}

private func micro(_ value: Double) -> String { "\(decimal(value, 1)) us" }

/// A number with so many digits after the point.
func decimal(_ value: Double, _ digits: Int) -> String {
  let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
  let rounded = (abs(value) * scale).rounded()
  guard rounded < 1e18 else { return "\(value)" }
  let whole = UInt64(rounded)
  let (before, after) = whole.quotientAndRemainder(dividingBy: UInt64(scale))
  let sign = value < 0 && whole > 0 ? "-" : ""
  if digits == 0 { return "\(sign)\(before)" }
  let fraction = String(after)
  return "\(sign)\(before)." + String(repeating: "0", count: digits - fraction.count) + fraction
}
