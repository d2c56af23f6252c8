import Linux

/// Sends trains: one sendmmsg(2) a socket. What the kernel refuses is counted by errno and passed over; the rest goes on.
///
/// A train that the kernel refuses as a train (EMSGSIZE, EINVAL, EIO) is sent again datagram by datagram, in its place.
struct TrainSender: ~Copyable {
  /// Where the trains of one call go.
  enum Destination {
    /// To each train's client.
    case clients
    /// To the backend, each train from its own source address, counted from `firstSource`.
    case multiplexed(Endpoint, firstSource: UInt32)
    /// Wherever the socket is connected to.
    case connected
  }

  /// Everything about one call but the trains.
  struct Job: ~Copyable {
    let destination: Destination
    let now: Instant
    /// Not counted as a reference: the forwarder has it.
    unowned(unsafe) let refusals: Refusals

    init(destination: Destination, now: Instant, refusals: Refusals) {
      self.destination = destination
      self.now = now
      unsafe self.refusals = refusals
    }

    var direction: Direction { if case .clients = destination { .toClient } else { .toBackend } }

    func refused(_ errno: Errno, _ datagrams: Int32) { unsafe refusals.add(direction, errno, datagrams) }
  }

  /// What the kernel took.
  struct Tally: BitwiseCopyable {
    var datagrams: Int32 = 0
    var bytes: Int32 = 0

    static func += (sum: inout Tally, more: Tally) {
      sum.datagrams &+= more.datagrams
      sum.bytes &+= more.bytes
    }
  }

  private var batch = SendBatch()
  private var singles = SendBatch()
  /// Which train each message of the batch is.
  private var members = FixedArray<UInt8>(repeating: 0, count: SendBatch.capacity)
  /// What the kernel took of each train.
  private(set) var taken = FixedArray<Tally>(repeating: Tally(), count: SendBatch.capacity)

  /// Sends the selected trains, in order.
  ///
  /// - Returns: what the kernel took of them all.
  @discardableResult
  mutating func send(
    _ selection: Selection, of trains: borrowing Trains, from received: borrowing ReceiveBatch,
    on socket: inout SendingSocket, _ job: borrowing Job
  ) -> Tally {
    batch.removeAll()
    for member in 0..<selection.count {
      let number = selection[member]
      let train = trains[number]
      taken[number] = Tally()
      if socket.takes(train, now: job.now) {
        members[batch.count] = UInt8(number)
        append(train, trains, received, socket, job)
      } else {
        flush(trains, received, &socket, job)
        sendOneByOne(number, trains, received, socket, job)
      }
    }
    flush(trains, received, &socket, job)
    var sum = Tally()
    for member in 0..<selection.count { sum += taken[selection[member]] }
    return sum
  }

  // MARK: Whole trains

  private mutating func append(
    _ train: Train, _ trains: borrowing Trains, _ received: borrowing ReceiveBatch, _ socket: SendingSocket,
    _ job: borrowing Job
  ) {
    var options = Self.options(train, job)
    if train.datagrams > 1 { options.segmentSize = train.segmentSize }
    batch.begin(to: Self.peer(train, job), isIPv4: socket.isIPv4, options: options)
    var slot = train.firstSlot
    while true {
      batch.attach(Int(slot), of: received, length: Int(received.messages[Int(slot)].length))
      if slot == train.lastSlot { break }
      slot = trains.slot(after: slot)
    }
  }

  private mutating func flush(
    _ trains: borrowing Trains, _ received: borrowing ReceiveBatch, _ socket: inout SendingSocket, _ job: borrowing Job
  ) {
    var next = 0
    while next < batch.count {
      do throws(Errno) {
        let sent = try batch.send(on: socket.descriptor, from: next)
        for member in next..<(next + sent) { note(Int(members[member]), trains) }
        next += sent
      } catch {
        let number = Int(members[next])
        let train = trains[number]
        if train.datagrams > 1, SendingSocket.blamesTrain(error) {
          socket.refused(train, error, now: job.now)
          sendOneByOne(number, trains, received, socket, job)
        } else if sendAgain(next, error, socket, job) {
          note(number, trains)
        } else {
          job.refused(error, train.datagrams)
        }
        next += 1
      }
    }
    batch.removeAll()
  }

  /// The kernel took a whole train.
  private mutating func note(_ number: Int, _ trains: borrowing Trains) {
    taken[number] = Tally(datagrams: trains[number].datagrams, bytes: trains[number].bytes)
  }

  /// Tries a message once more when its refusal may have been the news of an earlier one's fate.
  ///
  /// - Returns: whether it went this time; then that news has been counted.
  private func sendAgain(_ member: Int, _ errno: Errno, _ socket: SendingSocket, _ job: borrowing Job) -> Bool {
    guard socket.mayBeOldNews(errno), batch.sendOne(on: socket.descriptor, at: member) else { return false }
    job.refused(errno, 1)
    return true
  }

  // MARK: Datagram by datagram

  private mutating func sendOneByOne(
    _ number: Int, _ trains: borrowing Trains, _ received: borrowing ReceiveBatch, _ socket: SendingSocket,
    _ job: borrowing Job
  ) {
    let train = trains[number]
    var slot = train.firstSlot
    while true {
      let length = received.messages[Int(slot)].length
      var offset: Int32 = 0
      while offset < length {
        let size = min(train.segmentSize, length - offset)
        singles.begin(to: Self.peer(train, job), isIPv4: socket.isIPv4, options: Self.options(train, job))
        singles.attach(Int(slot), of: received, from: Int(offset), length: Int(size))
        if singles.count == SendBatch.capacity { flushSingles(number, socket, job) }
        offset += size
      }
      if slot == train.lastSlot { break }
      slot = trains.slot(after: slot)
    }
    flushSingles(number, socket, job)
  }

  private mutating func flushSingles(_ number: Int, _ socket: SendingSocket, _ job: borrowing Job) {
    var next = 0
    while next < singles.count {
      do throws(Errno) {
        let sent = try singles.send(on: socket.descriptor, from: next)
        for member in next..<(next + sent) { taken[number] += single(member) }
        next += sent
      } catch {
        if socket.mayBeOldNews(error), singles.sendOne(on: socket.descriptor, at: next) {
          taken[number] += single(next)
        }
        job.refused(error, 1)
        next += 1
      }
    }
    singles.removeAll()
  }

  private func single(_ member: Int) -> Tally { Tally(datagrams: 1, bytes: Int32(singles.length(of: member))) }

  // MARK: Addressing

  private static func peer(_ train: Train, _ job: borrowing Job) -> Endpoint? {
    switch job.destination {
    case .clients: train.client
    case .multiplexed(let backend, _): backend
    case .connected: nil
    }
  }

  private static func options(_ train: Train, _ job: borrowing Job) -> SendBatch.Options {
    var options = SendBatch.Options()
    options.trafficClass = train.trafficClass
    options.hopLimit = train.hopLimit
    if case .multiplexed(_, let firstSource) = job.destination { options.source = firstSource &+ train.source }
    return options
  }
}

extension ListenerCounters {
  /// Counts what the kernel took.
  @inline(__always)
  func sent(_ direction: Direction, _ tally: TrainSender.Tally) {
    sent(direction, datagrams: UInt64(tally.datagrams), bytes: UInt64(tally.bytes))
  }
}

/// Some of a batch's trains, in order, by number.
struct Selection {
  private(set) var count = 0
  private var numbers = InlineArray<64, UInt8>(repeating: 0)

  /// None.
  init() {}

  /// All of them.
  init(all trains: borrowing Trains) {
    for number in 0..<trains.count { append(number) }
  }

  /// One of them.
  init(_ number: Int) { append(number) }

  subscript(index: Int) -> Int { Int(numbers[index]) }

  mutating func append(_ number: Int) {
    numbers[count] = UInt8(number)
    count &+= 1
  }
}
