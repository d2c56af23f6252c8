import KernelRule
import Linux
import Support
import Testing

/// Which records are cleared away.
@Suite struct RuleFilesTests {
  private static let here = RulePlace.current

  private func write(_ place: RulePlace, to name: String, in folder: TemporaryFolder) throws {
    _ = try folder.write(RuleRecord(RuleSettings(ports: [53]), listing: "", in: place).text, to: name)
  }

  private func left(in folder: TemporaryFolder) -> Set<String> { Set(ProcFile.names(in: folder.path)) }

  @Test func thisBootAndNamespaceAreKnown() {
    #expect(Self.here.boot.count == 36)
    #expect(Self.here.namespace > 0)
  }

  @Test func recordsOfAnotherBootAreCleared() throws {
    let folder = try TemporaryFolder()
    try write(RulePlace(boot: "another", namespace: Self.here.namespace), to: "kernel-1", in: folder)
    try write(RulePlace(boot: "another", namespace: Self.here.namespace), to: "kernel-2", in: folder)
    try write(RulePlace(boot: Self.here.boot, namespace: 1), to: "kernel-3", in: folder)
    for name in ["kernel-4.lock", "kernel-", "relay"] { _ = try folder.write("", to: name) }
    RuleFiles.clear(folder.path, sparing: "kernel-1")
    #expect(left(in: folder) == ["kernel-1", "kernel-3", "kernel-4.lock", "kernel-", "relay"])
  }

  /// Namespaces that live are spared, however many are gone.
  @Test func manyRecordsOfNamespacesThatAreGoneAreCleared() throws {
    let folder = try TemporaryFolder()
    try write(Self.here, to: "kernel-1000", in: folder)
    for number in 0..<RuleFiles.mostStrangers {
      try write(RulePlace(boot: Self.here.boot, namespace: 1), to: "kernel-\(number)", in: folder)
    }
    RuleFiles.clear(folder.path, sparing: "kernel-2000")
    #expect(left(in: folder).count == RuleFiles.mostStrangers + 1)
    try write(RulePlace(boot: Self.here.boot, namespace: 1), to: "kernel-999", in: folder)
    RuleFiles.clear(folder.path, sparing: "kernel-7")
    #expect(left(in: folder).count == RuleFiles.mostStrangers + 2)
    try write(RulePlace(boot: Self.here.boot, namespace: 1), to: "kernel-998", in: folder)
    RuleFiles.clear(folder.path, sparing: "kernel-7")
    #expect(left(in: folder) == ["kernel-1000", "kernel-7"])
  }
}
