import ArgumentParser
import Linux

/// A UDP port as it is typed: a number from 1 to 65535.
struct Port: ExpressibleByArgument {
  let number: UInt16

  init?(argument: String) {
    guard let number = UInt16(port: argument) else { return nil }
    self.number = number
  }
}
