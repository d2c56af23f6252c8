import Support
import Testing

/// What the doctor is not to be asked: one line that says what is wrong, and exit status 64.
struct DoctorInputTests {
  private static let help = "see multihomed doctor --help"

  @Test(arguments: [
    ("doctor 0", "'0' is not a port; give a number from 1 to 65535, or none for every port"),
    ("doctor +53", "'+53' is not a port; give a number from 1 to 65535, or none for every port"),
    ("doctor dns", "'dns' is not a port; give a number from 1 to 65535, or none for every port"),
    ("doctor 53 54", "unexpected argument '54'; \(help)"),
    ("doctor --jsn", "unknown option '--jsn'. Did you mean '--json'? See multihomed doctor --help"),
    ("doctor --client web", "--client: 'web' is not an address; give 192.0.2.1, 2001:db8::1 or fe80::1%eth0"),
    ("doctor --client 0.0.0.0", "--client 0.0.0.0 is no client's address; give one that asks from another host"),
    ("doctor --client 224.0.0.1", "--client 224.0.0.1 is no client's address; give one that asks from another host"),
    ("doctor --client ::1", "--client ::1 is no client's address; give one that asks from another host"),
    ("doctor --client fe80::1", "--client fe80::1 lacks its interface; write it as fe80::1%eth0"),
  ])
  func aMistakeIsAnsweredInOneLine(command: String, answer: String) throws {
    let program = try Program.run(command.split(separator: " ").map(String.init))
    #expect(program.error == "multihomed: error: \(answer)")
    #expect(program.output.isEmpty)
    #expect(program.exit == .status(64))
  }
}
