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
  public static func setcap(_ wanted: [Capability], program: String = ChildProcess.ourselves) -> SetcapHint {
    let all = wanted + given(by: program).filter { !wanted.contains($0) }
    let names = all.map { $0.name.lowercased() }.joined(separator: ",")
    return SetcapHint(command: "setcap \(names)=+ep \(ProgramFile.path(of: program).shellWord)")
  }
}

/// How to give a program rights by its file, and what that means.
public struct SetcapHint: Hashable, Sendable, CustomStringConvertible {
  /// What to type.
  public let command: String

  /// A file's rights are everybody's who may execute it. A new group takes them away again (chown(2)), so it comes first.
  public static let caution =
    "this gives the rights to everybody who may run the file: before it, chgrp the file to a group of those who should, "
    + "and chmod 750 it"

  /// All of it in one line.
  public var description: String { "\(command) (\(Self.caution))" }
}

/// Where programs lie.
enum ProgramFile {
  /// The file's own path where the one that is given is a link, as /proc/self/exe is; also after it was replaced (proc(5)).
  static func path(of program: String) -> String {
    guard let path = ProcFile.link(program, limit: 4096) else { return program }
    let mark = " (deleted)"
    return path.hasSuffix(mark) ? String(path.dropLast(mark.count)) : path
  }
}
