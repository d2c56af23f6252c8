import CSupport
import Glibc
import Linux

/// The thread that starts all programs. A child gets SIGKILL when the thread that made it ends (PR_SET_PDEATHSIG), so
/// that thread lives as long as this process.
enum Spawner {
  private struct Order: Sendable {
    let work: @Sendable () -> Void
  }

  private static let orders: Monitor<[Order]> = {
    let orders = Monitor<[Order]>([])
    do throws(Errno) {
      _ = try Thread(named: "spawner") {
        while true {
          guard let order = orders.wait(until: { $0.isEmpty ? nil : $0.removeFirst() }) else { return }
          order.work()
        }
      }
    } catch {
      fatalError("no thread to start programs from: \(error)")
    }
    return orders
  }()

  /// Waits until no child is between fork and exec. Until then it holds a copy of every descriptor of ours, so that what
  /// was closed meanwhile is not free yet.
  static func waitForStarting() {
    let isDone = Monitor(false)
    orders.with { $0.append(Order { isDone.with { $0 = true } }) }
    _ = isDone.wait { $0 ? true : nil }
  }

  /// Starts a program; the descriptors stay the caller's.
  ///
  /// - Returns: its pid.
  /// - Throws: ENOENT when there is no such program, EACCES, EAGAIN, and what entering the namespace says.
  static func start(
    _ command: [String], environment: [String], in namespace: NetworkNamespace?, input: Int32, output: Int32,
    error: Int32
  ) throws(Errno) -> Int32 {
    var network: Int32 = -1
    if let namespace {
      network = unsafe open(namespace.path, O_RDONLY | O_CLOEXEC)
      if network < 0 { throw Errno(errno) }
    }
    defer { if network >= 0 { close(network) } }
    let answer = Monitor<Int32?>(nil)
    let namespaceDescriptor = network
    let order = Order {
      let arguments = CStrings(command)
      let variables = CStrings(environment)
      let pid = unsafe mhs_spawn(
        arguments.pointer, variables.pointer, namespaceDescriptor, input, output, error)
      answer.with { $0 = pid }
    }
    orders.with { $0.append(order) }
    let pid = answer.wait { $0 } ?? -EAGAIN
    if pid < 0 { throw Errno(-pid) }
    return pid
  }
}

/// An array of C strings that ends with a null pointer, as execve(2) wants it.
@safe
private final class CStrings {
  @unsafe let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let count: Int

  init(_ strings: [String]) {
    count = strings.count
    unsafe pointer = .allocate(capacity: strings.count + 1)
    for (place, string) in strings.enumerated() { unsafe pointer[place] = strdup(string) }
    unsafe pointer[strings.count] = nil
  }

  deinit {
    for place in 0..<count { unsafe free(pointer[place]) }
    unsafe pointer.deallocate()
  }
}
