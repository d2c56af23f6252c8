#define _GNU_SOURCE
#include "engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

// A closed loop begins with so many clients a look, so that its first burst overflows nobody's queue.
enum { PRIMED_AT_ONCE = BATCH };

// How long a full send queue may keep us before the request counts as refused.
enum { FULL_QUEUE_WAITS = 100, FULL_QUEUE_WAIT_MS = 1 };

bool may_send(const struct generator *g) { return !g->stopping && g->totals.sent < g->plan.max_requests; }

static bool is_pinned(const struct generator *g) { return g->plan.window == 0; }

// MARK: Messages

static void refuse(struct generator *g, uint32_t message, int error) {
  g->totals.refused += g->sending.segments[message];
  g->totals.refused_errno = error;
}

void flush(struct generator *g) {
  struct batch *batch = &g->sending;
  uint32_t done = 0, waits = 0;
  while (done < batch->count) {
    int sent = sendmmsg(batch->descriptor, batch->messages + done, batch->count - done, MSG_DONTWAIT);
    if (sent > 0) {
      done += (uint32_t)sent;
    } else if (errno == EAGAIN && waits++ < FULL_QUEUE_WAITS) {
      struct pollfd room = {.fd = batch->descriptor, .events = POLLOUT};
      poll(&room, 1, FULL_QUEUE_WAIT_MS);
    } else if (errno != EINTR) {
      // Its slots stay busy until they time out: whoever refuses us is not to be pressed.
      refuse(g, done++, errno);
    }
  }
  batch->count = 0;
}

static void address_message(struct generator *g, uint32_t index, uint32_t client) {
  if (!g->plan.by_source) return;
  struct msghdr *message = &g->sending.messages[index].msg_hdr;
  union address *target = &g->targets[client % g->plan.target_count];
  uint8_t *info = CMSG_DATA((struct cmsghdr *)message->msg_control);
  message->msg_name = target;
  if (g->plan.first_source.is_ipv6) {
    message->msg_namelen = sizeof target->v6;
    nth_address(&g->plan.first_source, client, info + offsetof(struct in6_pktinfo, ipi6_addr));
  } else {
    message->msg_namelen = sizeof target->v4;
    nth_address(&g->plan.first_source, client, info + offsetof(struct in_pktinfo, ipi_spec_dst));
  }
}

static void write_request(struct generator *g, uint8_t *bytes, uint32_t number, uint32_t client, uint64_t intended,
                          uint64_t now) {
  struct slot *slot = &g->slots[number];
  *slot = (struct slot){
      .intended = intended, .sent = now, .client = client, .sequence = ++g->clients[client].sequence, .busy = true};
  struct header header = {
      .run = g->run, .slot = number, .client = client, .sequence = slot->sequence, .time = intended};
  memcpy(bytes, &header, sizeof header);
  g->totals.sent++;
  g->totals.in_flight++;
}

// One message of a client: a request, or a train of them.
static void emit(struct generator *g, uint32_t client, const uint32_t *slots, uint32_t count, uint64_t intended,
                 uint64_t now) {
  struct batch *batch = &g->sending;
  int descriptor = g->sockets[g->plan.by_source ? 0 : client];
  if (batch->count == BATCH || (batch->count && batch->descriptor != descriptor)) flush(g);
  batch->descriptor = descriptor;
  uint32_t index = batch->count++;
  uint8_t *bytes = batch->bytes + index * batch->stride;
  for (uint32_t i = 0; i < count; i++) write_request(g, bytes + i * g->plan.size, slots[i], client, intended, now);
  batch->segments[index] = count;
  batch->vectors[index].iov_len = (size_t)count * g->plan.size;
  address_message(g, index, client);
}

static uint32_t turn(struct generator *g) {
  uint32_t client = g->next_client++;
  if (g->next_client == g->plan.clients) g->next_client = 0;
  return client;
}

// MARK: When

static void send_pinned(struct generator *g, uint32_t client, uint64_t now) {
  uint32_t train = g->plan.train, *count = &g->idle_counts[client];
  uint32_t *idle = g->idle + (size_t)client * g->plan.outstanding;
  while (*count >= train && may_send(g)) {
    *count -= train;
    emit(g, client, idle + *count, train, now, now);
  }
}

static void send_next(struct generator *g, uint64_t intended, uint64_t now) {
  uint32_t slot = g->idle[--g->idle_counts[0]];
  emit(g, turn(g), &slot, 1, intended, now);
}

void prime(struct generator *g, uint64_t now) {
  if (g->plan.rate) return;
  uint32_t all = is_pinned(g) ? g->plan.clients : g->plan.window;
  for (uint32_t i = 0; i < PRIMED_AT_ONCE && g->primed < all && may_send(g); i++, g->primed++) {
    if (is_pinned(g)) send_pinned(g, g->primed, now);
    else if (g->idle_counts[0]) send_next(g, now, now);
  }
  flush(g);
}

uint64_t next_due(const struct generator *g) {
  if (!g->plan.rate || !may_send(g) || !g->idle_counts[0]) return UINT64_MAX;
  return g->started + g->scheduled * 1000000000u / g->plan.rate;
}

void send_due(struct generator *g, uint64_t now) {
  if (!g->plan.rate) return;
  for (uint32_t i = 0; i < BATCH; i++) {
    uint64_t due = next_due(g);
    if (due > now) break;
    g->scheduled++;
    uint64_t lateness = now - due;
    g->totals.lateness_sum_ns += lateness;
    if (lateness > g->totals.lateness_max_ns) g->totals.lateness_max_ns = lateness;
    send_next(g, due, now);
  }
  flush(g);
}

void release_slot(struct generator *g, uint32_t slot, uint64_t now) {
  if (is_pinned(g)) {
    uint32_t client = g->slots[slot].client;
    g->idle[(size_t)client * g->plan.outstanding + g->idle_counts[client]++] = slot;
    send_pinned(g, client, now);
  } else {
    g->idle[g->idle_counts[0]++] = slot;
    if (!g->plan.rate && may_send(g)) send_next(g, now, now);
  }
}
