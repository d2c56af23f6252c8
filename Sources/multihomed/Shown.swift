import Linux

/// What a command has to say could not be written on standard output.
struct OutputFailure: Complaint {
  let message: String
  let exitCode: Int32 = 1
}

/// Writes a report, whole. A reader who has gone has seen enough, as head does.
func show(_ lines: [String]) throws(OutputFailure) {
  if lines.isEmpty { return }
  do throws(Errno) {
    try StandardOutput.write(whole: lines.joined(separator: "\n"))
  } catch .brokenPipe {
    return
  } catch {
    throw OutputFailure(message: "cannot write the report: \(error)")
  }
}
