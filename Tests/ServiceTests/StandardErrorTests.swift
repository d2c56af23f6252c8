import Glibc
import Linux
import Synchronization
import Testing

@Suite struct StandardErrorTests {
  @Test func aReaderThatIsBehindStillGetsEveryByte() throws {
    var ends = (reading: Int32(0), writing: Int32(0))
    let made = unsafe withUnsafeMutablePointer(to: &ends) {
      unsafe $0.withMemoryRebound(to: Int32.self, capacity: 2) { unsafe pipe($0) }
    }
    #expect(made == 0)
    _ = fcntl(ends.writing, F_SETFL, O_NONBLOCK)
    let (reading, writing) = ends
    // Several times what a pipe holds (64 KiB, pipe(7)), so that the writer meets EAGAIN.
    let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
    let received = Received()
    // A thread of its own: the tests' pool may be full of others that wait.
    let reader = try Thread(named: "reader") { received.readAll(reading) }
    StandardError.write(bytes, to: writing)
    close(writing)
    reader.join()
    #expect(received.bytes.withLock { $0 } == bytes)
    close(reading)
  }

  @Test func onlyTheJournalsOwnStreamIsTheJournal() {
    #expect(!StandardError.isJournal(nil))
    #expect(!StandardError.isJournal("0:0"))
    #expect(!StandardError.isJournal(""))
  }
}

/// What a thread has read until the end.
private final class Received: Sendable {
  let bytes = Mutex<[UInt8]>([])

  func readAll(_ descriptor: Int32) {
    while true {
      let chunk = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
        unsafe count = max(0, read(descriptor, buffer.baseAddress, 4096))
      }
      if chunk.isEmpty { return }
      bytes.withLock { $0 += chunk }
    }
  }
}
