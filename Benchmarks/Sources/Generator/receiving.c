#define _GNU_SOURCE
#include "engine.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

// Then the other sockets, and what is due to be sent, have their turn.
enum { BATCHES_A_LOOK = 4 };

// What the control messages of one message say.
struct arrival {
  uint32_t segment_size;
  const uint8_t *destination;
};

static struct arrival read_control(struct msghdr *message) {
  struct arrival arrival = {0};
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
      int size;
      memcpy(&size, CMSG_DATA(c), sizeof size);
      arrival.segment_size = (uint32_t)size;
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      arrival.destination = CMSG_DATA(c) + offsetof(struct in_pktinfo, ipi_addr);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      arrival.destination = CMSG_DATA(c) + offsetof(struct in6_pktinfo, ipi6_addr);
    }
  }
  return arrival;
}

static bool is_same_endpoint(const union address *a, const union address *b) {
  if (a->any.sa_family != b->any.sa_family) return false;
  if (a->any.sa_family == AF_INET)
    return a->v4.sin_port == b->v4.sin_port && a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
  return a->v6.sin6_port == b->v6.sin6_port && !memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, 16);
}

// Whether the reply went from the target that this client asked to this client.
static bool is_delivered(const struct generator *g, uint32_t client, uint32_t socket, const union address *from,
                         const struct arrival *arrival) {
  if (!g->plan.by_source) return socket == client;
  uint8_t own[16];
  nth_address(&g->plan.first_source, client, own);
  size_t bytes = g->plan.first_source.is_ipv6 ? 16 : 4;
  return arrival->destination && !memcmp(arrival->destination, own, bytes) &&
         is_same_endpoint(from, &g->targets[client % g->plan.target_count]);
}

static void note_order(struct generator *g, uint32_t client, uint32_t sequence) {
  struct client *c = &g->clients[client];
  if (c->highest_answered == 0) g->totals.answered_clients++;
  if ((int32_t)(sequence - c->highest_answered) > 0) c->highest_answered = sequence;
  else g->totals.reordered++;
}

static void take_reply(struct generator *g, const uint8_t *bytes, size_t length, uint32_t socket,
                       const union address *from, const struct arrival *arrival, uint64_t now) {
  struct header header;
  if (length != g->plan.size) {
    g->totals.foreign++;
    return;
  }
  memcpy(&header, bytes, sizeof header);
  if (header.run != g->run || header.slot >= g->slot_count || header.client >= g->plan.clients) {
    g->totals.foreign++;
    return;
  }
  if (!is_delivered(g, header.client, socket, from, arrival)) {
    g->totals.misdelivered++;
    return;
  }
  struct slot *slot = &g->slots[header.slot];
  if (!slot->busy || slot->client != header.client || slot->sequence != header.sequence) {
    g->totals.late++;
    return;
  }
  slot->busy = false;
  g->totals.in_flight--;
  g->totals.answered++;
  g->totals.answered_bytes += length;
  g->samples[g->sample_count++] = now - slot->intended;
  note_order(g, header.client, header.sequence);
  release_slot(g, header.slot, now);
}

static void take_message(struct generator *g, uint32_t index, uint32_t socket, uint64_t now) {
  struct batch *batch = &g->receiving;
  struct msghdr *message = &batch->messages[index].msg_hdr;
  size_t length = batch->messages[index].msg_len;
  const uint8_t *bytes = batch->vectors[index].iov_base;
  if (message->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
    g->totals.foreign++;
    return;
  }
  struct arrival arrival = read_control(message);
  size_t step = arrival.segment_size && arrival.segment_size < length ? arrival.segment_size : length;
  size_t offset = 0;
  do {
    size_t size = length - offset < step ? length - offset : step;
    take_reply(g, bytes + offset, size, socket, &batch->names[index], &arrival, now);
    offset += step;
  } while (offset < length);
}

void receive_from(struct generator *g, uint32_t socket) {
  struct batch *batch = &g->receiving;
  for (int turn = 0; turn < BATCHES_A_LOOK && g->sample_count < SAMPLE_ROOM - SAMPLE_RESERVE; turn++) {
    for (uint32_t i = 0; i < BATCH; i++) {
      batch->messages[i].msg_hdr.msg_controllen = CONTROL_BYTES;
      batch->messages[i].msg_hdr.msg_namelen = g->plan.by_source ? sizeof(union address) : 0;
    }
    int count = recvmmsg(g->sockets[socket], batch->messages, BATCH, MSG_DONTWAIT, NULL);
    // A refusal (ECONNREFUSED) is a request's that will time out; what is queued behind it comes with the next look.
    if (count <= 0) break;
    uint64_t now = generator_now();
    for (int i = 0; i < count; i++) take_message(g, (uint32_t)i, socket, now);
    flush(g);
    if (count < BATCH) break;
  }
}
