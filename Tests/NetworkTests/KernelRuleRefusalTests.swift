import Linux
import Support
import Testing

/// What the kernel's rule needs of the host, and what is said when it is not there.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct KernelRuleRefusalTests {
  @Test(arguments: ["apply 5678", "remove 5678", "show"]) func theMissingRightIsNamed(arguments: String) throws {
    let scene = try KernelRuleHost()
    let answer = try scene.run(arguments, by: ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--"])
    #expect(answer.exit == .status(1))
    #expect(
      answer.error
        == "multihomed: error: no right to the firewall of this network namespace: the capability CAP_NET_ADMIN is "
        + "missing; run it as root (sudo), in a container started with --cap-add NET_ADMIN, or in a systemd unit with "
        + "AmbientCapabilities=CAP_NET_ADMIN")
  }

  /// Where nft was looked for in vain is hidden by an empty file system of the process's own.
  @Test func howToInstallNftIsSaid() throws {
    let scene = try KernelRuleHost()
    let folder = try TemporaryFolder()
    let hidden = try ManagedProcess(
      "unshare",
      [
        "--mount", "sh", "-c",
        "cp \"$0\" \(folder.path)/multihomed && mount -t tmpfs tmpfs /usr/sbin && PATH=/nowhere exec "
          + "\(folder.path)/multihomed kernel apply 5678", MultihomedProcess.path(),
      ], in: scene.host)
    #expect(try hidden.waitForExit() == .status(1))
    #expect(
      hidden.text(of: .error)
        == "multihomed: error: nft is not here, which the kernel's rule needs; install it: apt-get install nftables")
  }

  /// nft is found although PATH has no sbin, as it is for an ordinary user with sudo.
  @Test func nftIsFoundInSbin() throws {
    let scene = try KernelRuleHost()
    #expect(try scene.run("apply 5678", by: [], environment: ["PATH": "/nowhere"]).exit == .status(0))
  }

  @Test func withoutARecordItWarnsAndGoesOn() throws {
    let scene = try KernelRuleHost()
    let shell = "mount -t tmpfs -o ro tmpfs /run && exec \"$0\" \"$@\""
    let answer = try scene.run("apply 5678", by: ["unshare", "--mount", "sh", "-c", shell])
    #expect(answer.exit == .status(0))
    #expect(
      answer.error.hasPrefix("multihomed: warning: what was applied cannot be noted in /run/multihomed: Read-only"))
    #expect(answer.error.contains("; run it as root (in a systemd unit: with ReadWritePaths=/run)"))
    // Neither is there a lock, which is said also where nothing has to be noted.
    let remove = try scene.run("remove 5679", by: ["unshare", "--mount", "sh", "-c", shell])
    #expect(remove.exit == .status(0))
    #expect(
      remove.error.hasPrefix(
        "multihomed: warning: /run/multihomed cannot be written, so that commands at the same time may undo each other")
    )
    try scene.kernel("show")
  }
}
