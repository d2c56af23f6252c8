import Glibc
import Linux
import Support

extension ManagedProcess {
  /// Stops the program (SIGSTOP) and waits until all of its threads stand still: what is sent to it meanwhile makes one
  /// batch.
  func freeze() throws {
    signal(SIGSTOP)
    let tasks = "/proc/\(processID)/task"
    try eventually("\(command) stands still") {
      ProcFile.names(in: tasks).filter { Int32($0) != nil }.allSatisfy { task in
        // pid (name) state ...; the name may hold anything. T is stopped, t the same in the hands of a tracer.
        ProcFile.read("\(tasks)/\(task)/stat")?.split(separator: ")").last?.lowercased().hasPrefix(" t") ?? true
      }
    }
  }

  /// Lets it go on.
  func thaw() { signal(SIGCONT) }
}
