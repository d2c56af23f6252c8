#ifndef GENERATOR_H
#define GENERATOR_H

// The hot loop of a UDP load generator: one thread, epoll, recvmmsg and sendmmsg in batches of 64.
//
// A *request* is one datagram that an echo service sends back; it names its *slot*, which knows when the request was
// meant to be sent. There are as many slots as requests may be under way. A *client* is what the relay takes for one: a
// connected socket, or a source address of one socket that all clients share.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// An IPv4 or IPv6 address and port. IPv4 lies in the first four bytes of `address`.
struct generator_endpoint {
  uint8_t address[16];
  uint32_t scope;
  uint16_t port;
  bool is_ipv6;
};

/// The least size of a request: what it takes to recognise its reply.
enum { GENERATOR_HEADER_BYTES = 24 };

struct generator_plan {
  /// Whom to ask: client n asks target n modulo `target_count`. All of one family.
  const struct generator_endpoint *targets;
  uint32_t target_count;

  uint32_t clients;
  /// Closed loop: how many requests each client has under way.
  uint32_t outstanding;
  /// Not 0: so many requests are under way over all clients together, and each comes from the next client in turn.
  uint32_t window;
  /// Requests a second, each at its own time whatever became of those before; 0 sends when a reply comes (closed loop).
  /// Needs a window.
  uint64_t rate;

  /// Bytes of each request, GENERATOR_HEADER_BYTES to 65,507.
  uint32_t size;
  /// Requests to a UDP_SEGMENT train; `outstanding` is a multiple of it. 1 sends plain datagrams.
  uint32_t train;
  /// Whether to ask for UDP_GRO.
  bool receives_trains;

  /// Whether clients are source addresses, counted from `first_source`, of one socket, which has the port of
  /// `first_source`; 0 is any.
  bool by_source;
  struct generator_endpoint first_source;

  /// After so long a request is lost.
  uint64_t timeout_ns;
  /// The most requests to send.
  uint64_t max_requests;
  /// Whether to ask again and again (yielding the processor in between) instead of sleeping.
  bool spins;
};

/// Counted since the generator was made.
struct generator_totals {
  uint64_t sent;
  uint64_t answered;
  uint64_t answered_bytes;
  /// Neither answered nor in flight any more.
  uint64_t lost;
  /// Replies to a request that had been given up, or answered before.
  uint64_t late;
  /// Answered after a later request of the same client.
  uint64_t reordered;
  /// Replies that reached another client than the one that asked, or came from elsewhere than it had asked.
  uint64_t misdelivered;
  /// Datagrams that are not ours, or no longer whole.
  uint64_t foreign;
  /// Requests that the kernel refused, which count as lost too, and the last reason.
  uint64_t refused;
  int32_t refused_errno;
  uint32_t in_flight;
  /// Clients that were answered at least once.
  uint64_t answered_clients;
  /// By how much requests left later than they were meant to (open loop).
  uint64_t lateness_sum_ns;
  uint64_t lateness_max_ns;
};

struct generator;

/// Reads "192.0.2.1:53" or "[fe80::1%eth0]:53"; the port may be left out when `needs_port` is false.
bool generator_parse_endpoint(const char *text, bool needs_port, struct generator_endpoint *endpoint);

/// Makes a generator, its sockets included. On failure returns NULL and sets `*error` to the errno.
struct generator *generator_make(const struct generator_plan *plan, int *error);

/// Sends and receives until then (CLOCK_MONOTONIC), or until the room for samples is short. Returns 0 or an errno.
int generator_run(struct generator *generator, uint64_t until_ns);

/// From now on `lost` counts only requests that are sent from now on.
void generator_count_losses(struct generator *generator);

/// Sends no more requests; `generator_run` then waits for the replies.
void generator_stop(struct generator *generator);

struct generator_totals generator_totals(const struct generator *generator);

/// The latencies in nanoseconds since they were last forgotten: from when a request was meant to be sent to its reply.
const uint64_t *generator_samples(const struct generator *generator, size_t *count);
void generator_forget_samples(struct generator *generator);

void generator_free(struct generator *generator);

/// CLOCK_MONOTONIC.
uint64_t generator_now(void);

#endif
