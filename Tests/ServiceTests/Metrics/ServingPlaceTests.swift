import Linux
import Service
import Testing

/// Where metrics are to be served, as people write it.
struct ServingPlaceTests {
  private func metrics(_ texts: [String], _ environment: [String: String] = [:]) throws -> [String] {
    let commandLine: [Setting: [String]] = [.listen: ["5678"], .backend: ["echo"], .metrics: texts]
    return try ProcessConfiguration(Settings(commandLine: commandLine, environment: environment)).metrics.map {
      "\($0)"
    }
  }

  @Test func addressesAndPathsAreRead() throws {
    let places = ["127.0.0.1:9478", "[::1]:9478", "0.0.0.0:80", "[fe80::1%1]:9478", "unix:/run/m.sock"]
    #expect(try metrics(places).count == 5)
    #expect(try metrics(["127.0.0.1:9478", "[::1]:9478", "unix:/run/m.sock"]) == [places[0], places[1], places[4]])
    #expect(try metrics([]) == [])
  }

  @Test func theEnvironmentMayNameSeveral() throws {
    let environment = ["MULTIHOMED_METRICS": "127.0.0.1:9478, unix:/run/m.sock"]
    #expect(try metrics([], environment) == ["127.0.0.1:9478", "unix:/run/m.sock"])
    #expect(try metrics(["[::1]:9478"], environment) == ["[::1]:9478"])
  }

  @Test(arguments: [
    (
      "9478",
      "'9478' lacks its address; give 127.0.0.1:9478 for this host alone, 0.0.0.0:9478 or [::]:9478 for others, too"
    ),
    (":80", "':80' lacks its address; give 127.0.0.1:80 for this host alone, 0.0.0.0:80 or [::]:80 for others, too"),
    ("127.0.0.1", "'127.0.0.1' lacks its port; give 127.0.0.1:9478"),
    ("::1", "'::1' lacks its port; give [::1]:9478"),
    ("localhost:9478", "'localhost' is not an address; give 192.0.2.1 or [2001:db8::1], not a host name"),
    ("127.0.0.1:0", "'0' is not a port; give a number from 1 to 65535"),
    ("127.0.0.1:80-81", "'127.0.0.1:80-81' names several ports; give one"),
    ("/run/m.sock", "'/run/m.sock' is a path; write it as unix:/run/m.sock"),
    ("unix:m.sock", "'m.sock' is no whole path; give one that begins with /, as in unix:/run/multihomed/metrics.sock"),
    ("unix:", "'' is no whole path; give one that begins with /, as in unix:/run/multihomed/metrics.sock"),
    ("nonsense", "'nonsense' is neither an address and port nor a path; give 127.0.0.1:9478 or unix:/PATH"),
    (
      "255.255.255.255:80",
      "255.255.255.255:80 is not an address of one host; give one of this host's, as in 127.0.0.1:80"
    ),
    ("[fe80::1]:80", "[fe80::1]:80 lacks its interface; write it as [fe80::1%eth0]:80"),
  ])
  func whatIsWrongIsToldWithARemedy(text: String, message: String) throws {
    do {
      _ = try metrics([text])
      Issue.record("\(text) was taken")
    } catch let error as ConfigurationError {
      #expect(error.message == "--metrics: \(message)")
      #expect(error.exitCode == 64)
    }
  }

  @Test func onePlaceIsGivenOnce() throws {
    do {
      _ = try metrics(["127.0.0.1:9478", "127.0.0.1:9478"])
      Issue.record("it was taken")
    } catch let error as ConfigurationError {
      #expect(error.message == "--metrics 127.0.0.1:9478 is given twice; give it once")
    }
  }
}
