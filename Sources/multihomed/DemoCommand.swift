import ArgumentParser
import Demo

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Show the wrong source address, and the mend, in a network of its own.",
    discussion: """
      Lays a host with two addresses, a container and a LAN peer in namespaces of its own; asks a UDP service there \
      without and with the relay, and prints what passes the container's interface as tcpdump does. Touches nothing \
      outside, and leaves nothing behind. Needs root or user namespaces, and ip (Debian: iproute2).

      Exit status: 0 when both halves went as told, otherwise 1.
      """)

  func run() throws {
    let status = Demo.run()
    if status != 0 { throw ExitCode(status) }
  }
}
