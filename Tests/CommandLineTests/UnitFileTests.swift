import Glibc
import Support
import Testing

/// The units of systemd, as far as it can verify them without running: Tests/systemd.sh runs them.
@Suite(.enabled(if: (try? ManagedProcess.run("systemd-analyze", ["--version"])) != nil, "systemd is not installed"))
struct UnitFileTests {
  @Test func systemdFindsNothingWrongAndLittleExposure() throws {
    let tests = "\(#filePath)".split(separator: "/").dropLast(2).map { "/\($0)" }.joined()
    let units = tests + "/../deploy/systemd"
    let output = try ManagedProcess.run("\(tests)/systemd/verify.sh", [units, try MultihomedProcess.path()])
    let lines = output.split(separator: "\n").map { $0.prefix { $0 != ":" } }
    #expect(lines == ["multihomed-adopt@.service", "multihomed.service", "multihomed@.service"])
  }
}
