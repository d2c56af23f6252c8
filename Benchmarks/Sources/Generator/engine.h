#ifndef ENGINE_H
#define ENGINE_H

#include "generator.h"

#include <netinet/in.h>
#include <sys/socket.h>

// Messages to a system call, as relays do it.
enum { BATCH = 64 };

// Room for IPV6_PKTINFO and UDP_SEGMENT or UDP_GRO.
enum { CONTROL_BYTES = 128 };

// A UDP_GRO train is up to 64 KiB; with less room the kernel cuts it off.
enum { TRAIN_BYTES = 65536 };

// One run receives from at most this many sockets a look.
enum { EVENTS = 256 };

// What a request carries. In host order: it comes back to the host that wrote it.
struct header {
  uint32_t run;
  uint32_t slot;
  uint32_t client;
  uint32_t sequence;
  uint64_t time;
};
_Static_assert(sizeof(struct header) == GENERATOR_HEADER_BYTES, "a request's header has no padding");

struct slot {
  uint64_t intended;
  uint64_t sent;
  uint32_t client;
  uint32_t sequence;
  bool busy;
};

struct client {
  uint32_t sequence;
  uint32_t highest_answered;
};

union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

// Buffers of one direction, wired once.
struct batch {
  struct mmsghdr messages[BATCH];
  struct iovec vectors[BATCH];
  union address names[BATCH];
  _Alignas(8) uint8_t controls[BATCH][CONTROL_BYTES];
  uint32_t segments[BATCH];
  uint8_t *bytes;
  size_t stride;
  uint32_t count;
  int descriptor;
};

struct generator {
  struct generator_plan plan;
  union address *targets;
  struct generator_totals totals;
  uint32_t run;
  bool stopping;

  int epoll;
  // A socket for each client, or the one they share.
  int *sockets;
  uint32_t socket_count;

  struct client *clients;
  uint32_t next_client;

  struct slot *slots;
  uint32_t slot_count;
  // Pinned slots: client c's idle ones are idle[c * outstanding] and on, idle_counts[c] of them.
  // Else: one stack, idle_counts[0] high.
  uint32_t *idle;
  uint32_t *idle_counts;
  // How many clients (or slots of the window) a closed loop has begun to use.
  uint32_t primed;

  uint64_t started;
  uint64_t scheduled;
  uint64_t expired_at;
  // What was sent before is not counted when it is lost.
  uint64_t losses_since;

  uint64_t *samples;
  size_t sample_count;

  struct batch sending;
  struct batch receiving;
};

// Room for a look's worth of samples beyond the point where a run returns to have them read: EVENTS sockets are looked
// at only while there is room, so one batch of full trains of the smallest requests is the most that can follow.
enum { SAMPLE_RESERVE = BATCH * (TRAIN_BYTES / GENERATOR_HEADER_BYTES), SAMPLE_ROOM = SAMPLE_RESERVE + (1 << 17) };

// sockets.c
int open_sockets(struct generator *g);
void wire_batches(struct generator *g);
socklen_t make_address(const struct generator_endpoint *endpoint, union address *address);
// The nth address after `first`, both in network order, 4 or 16 bytes.
void nth_address(const struct generator_endpoint *first, uint32_t n, uint8_t *address);

// sending.c
bool may_send(const struct generator *g);
void prime(struct generator *g, uint64_t now);
void send_due(struct generator *g, uint64_t now);
uint64_t next_due(const struct generator *g);
void release_slot(struct generator *g, uint32_t slot, uint64_t now);
void flush(struct generator *g);

// receiving.c
void receive_from(struct generator *g, uint32_t socket);

#endif
