import ArgumentParser

/// A UDP port as it is typed: a number from 1 to 65535.
struct Port: ExpressibleByArgument {
  let number: UInt16

  init?(argument: String) {
    guard argument.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let number = UInt16(argument), number > 0
    else { return nil }
    self.number = number
  }
}
