import Glibc
import KernelRule
import Linux
import Support
import Testing

/// What is made of an nft that does not do what it should.
@Suite struct NftTests {
  private let folder: TemporaryFolder
  private var path: String { "\(folder.path)/nft" }

  init() throws { folder = try TemporaryFolder() }

  /// An nft that is a shell script.
  private func nft(_ script: String, patience: Nanoseconds = .seconds(10)) throws -> Nft {
    let path = try folder.write("#!/bin/sh\n\(script)\n", to: "nft")
    #expect(unsafe chmod(path, 0o755) == 0)
    return try Nft(environment: ["PATH": folder.path], patience: patience)
  }

  @Test func anNftThatSaysNothingIsEnded() throws {
    let nft = try nft("echo $$ > \(folder.path)/pid\nexec /bin/sleep 60", patience: .seconds(1))
    let error = #expect(throws: KernelRuleError.self) { try nft.listing() }
    #expect(
      error?.message
        == "\(path) has said nothing for 1 s, and was ended; see what is there with: nft list table inet multihomed")
    let process = try #require(ProcFile.read("\(folder.path)/pid")?.split(separator: "\n").first)
    #expect(ProcFile.read("/proc/\(process)/comm") == nil)
  }

  @Test(arguments: ["/dev/stdin:1:17-26: Error", "Error"]) func noTableIsKnownByNftsOwnWords(start: String) throws {
    #expect(try nft("echo '\(start): No such file or directory'; exit 1").listing() == nil)
  }

  /// As the dynamic linker says it, and as a shell does.
  @Test(arguments: [
    ("nft: error while loading shared libraries: libnftables.so.1: cannot open shared object file", 127),
    ("/usr/sbin/nft: 1: Error", 127), ("netlink: Error: cache initialization failed", 1),
  ])
  func aBrokenNftIsNoMissingTable(words: String, status: Int) throws {
    let reason = words + (status == 127 ? ": No such file or directory" : "")
    let nft = try nft("echo '\(reason)'; exit \(status)")
    let error = #expect(throws: KernelRuleError.self) { try nft.listing() }
    #expect(error?.message.hasPrefix("nft did not do it, and changed nothing: \(reason); ") == true)
    #expect(error?.exitCode == 1)
  }
}
