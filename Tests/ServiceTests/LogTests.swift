import Linux
import Logging
import Service
import Testing

@Suite struct LogTests {
  private let noon = WallTime(millisecondsSince1970: 1_795_435_200_007)

  private func line(_ format: LogFormat, _ message: String, _ metadata: Logger.Metadata = [:], timed: Bool = true)
    -> String
  {
    let line = LogLine(time: timed ? noon : nil, level: .info, message: message, metadata: metadata)
    return String(decoding: line.bytes(format), as: UTF8.self)
  }

  @Test func aWallTimeIsWrittenAsRFC3339() {
    #expect(noon.description == "2026-11-23T12:00:00.007Z")
    #expect(WallTime(millisecondsSince1970: 951_782_399_999).description == "2000-02-28T23:59:59.999Z")
  }

  @Test func aLineOfTextHasTimeLevelMessageAndSortedMetadata() {
    let written = line(.text, "listening", ["port": "53", "address": "192.0.2.1"])
    #expect(written == "2026-11-23T12:00:00.007Z info  listening address=192.0.2.1 port=53\n")
  }

  @Test func theJournalGetsNoTime() {
    #expect(line(.text, "listening", timed: false) == "info  listening\n")
  }

  @Test func theJournalGetsThePriorityOfEachLevel() {
    let expected: [(Logger.Level, Int)] = [
      (.trace, 7), (.debug, 7), (.info, 6), (.notice, 5), (.warning, 4), (.error, 3), (.critical, 2),
    ]
    #expect(expected.count == Logger.Level.allCases.count)
    for (level, priority) in expected {
      let line = LogLine(time: nil, level: level, message: "hello", metadata: [:])
      #expect(String(decoding: line.bytes(.text, isForJournal: true), as: UTF8.self).hasPrefix("<\(priority)>\(level)"))
      #expect(String(decoding: line.bytes(.text), as: UTF8.self).hasPrefix("\(level)"))
    }
  }

  @Test func aValueThatWouldBeAmbiguousIsQuoted() {
    let written = line(.text, "a\nb\u{1b}", ["x": "two words", "y": "", "z": "a=\"b\"\n"], timed: false)
    #expect(written == "info  a b  x=\"two words\" y=\"\" z=\"a=\\\"b\\\"\\n\"\n")
  }

  @Test func aDictionaryIsOneJSONObjectInTextToo() {
    let counters: Logger.Metadata = [
      "b": .stringConvertible(UInt64.max), "a": .array(["x", .stringConvertible(true)]),
    ]
    let written = line(.text, "counters", ["counters": .dictionary(counters)], timed: false)
    #expect(written == "info  counters counters={\"a\":[\"x\",true],\"b\":18446744073709551615}\n")
  }

  @Test func aLineOfJSONIsOneObjectWithEveryStringEscaped() {
    let written = line(
      .json, "quote \" slash \\ bell \u{7} ü\n",
      ["n": .stringConvertible(-1), "time": "mine", "f": .stringConvertible(1.5)])
    #expect(
      written == """
        {"time":"2026-11-23T12:00:00.007Z","level":"info","message":"quote \\" slash \\\\ bell \\u0007 ü\\n",\
        "f":"1.5","n":-1,"time_":"mine"}

        """)
  }
}

@Suite struct LogLimiterTests {
  private func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

  @Test func oneEventAClassAndPeriodIsWritten() {
    var limiter = LogLimiter<String>()
    #expect(limiter.note("a", at: at(1)) == .write(suppressedBefore: 0))
    #expect(limiter.note("a", at: at(2)) == .suppress)
    #expect(limiter.note("b", at: at(2)) == .write(suppressedBefore: 0))
    #expect(limiter.note("a", at: at(10)) == .suppress)
    #expect(limiter.note("a", at: at(11)) == .write(suppressedBefore: 2))
    #expect(limiter.note("a", at: at(21)) == .write(suppressedBefore: 0))
  }

  @Test func theSumComesAtThePeriodsEndAndStartsAnother() {
    var limiter = LogLimiter<String>(period: .seconds(5))
    #expect(limiter.note("a", count: 4, at: at(0)) == .write(suppressedBefore: 0))
    #expect(limiter.note("a", count: 2, at: at(1)) == .suppress)
    #expect(limiter.summaries(at: at(4)).isEmpty)
    #expect(limiter.nextSummary == at(5))
    #expect(limiter.summaries(at: at(5)) == [LogLimiter.Summary(class: "a", suppressed: 5)])
    #expect(limiter.nextSummary == nil)
    #expect(limiter.note("a", at: at(6)) == .suppress)
    #expect(limiter.nextSummary == at(10))
  }

  @Test func nothingSuppressedMeansNothingToWakeUpFor() {
    var limiter = LogLimiter<String>()
    _ = limiter.note("a", at: at(0))
    #expect(limiter.nextSummary == nil)
    #expect(limiter.summaries(at: at(60)).isEmpty)
  }
}
