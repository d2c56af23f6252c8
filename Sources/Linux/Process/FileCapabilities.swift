import CLinux

extension Capability {
  /// Those of which this program knows the name.
  private static let known = [
    readAnything, setUser, bindService, networkAdmin, rawNetwork, trace, systemAdmin, schedule,
  ]

  /// Those that a file gives to whoever executes it (capabilities(7), "File capabilities"); none where it gives none, or is
  /// not there.
  public static func given(by path: String) -> [Capability] {
    let set = unsafe mh_file_capabilities(path)
    return (0..<64).filter { set >> UInt64($0) & 1 == 1 }.map { number in
      // setcap(8) takes a number for a name.
      known.first { $0.number == number } ?? Capability(number: number, name: "\(number)")
    }
  }

  /// What to type, as root, so that this program has these rights whoever runs it. setcap(8) puts a file's whole set in the
  /// place of the one before, so those that the program's file gives already are named, too.
  public static func setcap(_ wanted: [Capability], program: String = ChildProcess.ourselves) -> String {
    let all = wanted + given(by: program).filter { !wanted.contains($0) }
    return "setcap \(all.map { $0.name.lowercased() }.joined(separator: ","))=+ep $(command -v multihomed)"
  }
}
