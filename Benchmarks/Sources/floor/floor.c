// The floor: the least that a relay of multihomed's design can cost. It receives in batches, gives each client a source
// address in 127.0.0.0/8, groups what belongs together into GSO trains, and sends in batches. No limits, no expiry, no
// counters, no filter, no traffic class, no second listener, IPv4 only. It is a measure, not a tool.
//
// usage: floor ADDRESS:PORT BACKEND:PORT
//
// It ends by itself after an hour.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, SLOT_BYTES = 65536, CONTROL_BYTES = 64, BATCHES_A_TURN = 4, LIFETIME_S = 3600 };
// What multihomed asks for, too.
enum { QUEUE_BYTES = 4 << 20, MAX_SEGMENTS = 64, MAX_BYTES = 65000 };
enum { SESSIONS = 1 << 21, BUCKETS = 1 << 22 };
static const uint32_t first_source = 0x7f400001; // 127.64.0.1

struct session {
  struct in_addr address;
  in_port_t port;
  uint8_t train;
};

// Consecutive messages of one session and one segment size, chained through `next_slot`.
struct train {
  uint32_t session;
  uint32_t segment, bytes, segments;
  uint8_t first, last;
  bool open;
};

static struct mmsghdr received[BATCH], sending[BATCH];
static struct iovec slots[BATCH], pieces[BATCH];
static struct sockaddr_in peers[BATCH], destinations[BATCH];
static _Alignas(8) char receive_controls[BATCH][CONTROL_BYTES], send_controls[BATCH][CONTROL_BYTES];
static uint8_t *payload;

static struct session *sessions;
static uint32_t session_count, *buckets;

static struct train trains[BATCH];
static uint32_t train_count;
static uint8_t next_slot[BATCH];

static struct sockaddr_in backend;
static int listener, upstream;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

// MARK: Sessions

static void *untouched(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) fail("mmap");
  return memory;
}

static uint32_t session_of(const struct sockaddr_in *peer) {
  uint64_t key = (uint64_t)peer->sin_addr.s_addr << 16 | peer->sin_port;
  uint64_t hash = key * 0x9e3779b97f4a7c15u;
  uint32_t bucket = (uint32_t)(hash >> 42);
  for (;; bucket = (bucket + 1) % BUCKETS) {
    uint32_t number = buckets[bucket];
    if (!number) break;
    struct session *session = &sessions[number - 1];
    if (session->address.s_addr == peer->sin_addr.s_addr && session->port == peer->sin_port) return number - 1;
  }
  if (session_count == SESSIONS) {
    fprintf(stderr, "floor: more clients than there is room for\n");
    exit(1);
  }
  sessions[session_count] = (struct session){.address = peer->sin_addr, .port = peer->sin_port, .train = BATCH};
  buckets[bucket] = ++session_count;
  return session_count - 1;
}

// MARK: Receiving and grouping

static int receive(int fd) {
  for (int i = 0; i < BATCH; i++) {
    received[i].msg_hdr.msg_namelen = sizeof peers[i];
    received[i].msg_hdr.msg_controllen = CONTROL_BYTES;
  }
  return recvmmsg(fd, received, BATCH, MSG_DONTWAIT, NULL);
}

static void read_control(struct msghdr *message, uint32_t *segment, struct in_addr *destination) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level == SOL_UDP) memcpy(segment, CMSG_DATA(c), sizeof *segment);
    else memcpy(destination, CMSG_DATA(c) + offsetof(struct in_pktinfo, ipi_addr), sizeof *destination);
  }
}

static bool join(struct train *train, uint32_t number, uint8_t slot, uint32_t length, uint32_t segment) {
  uint32_t segments = (length + segment - 1) / segment;
  bool is_last = segment == length && segment < train->segment;
  if (train->session != number || !train->open || (segment != train->segment && !is_last)) return false;
  if (train->bytes + length > MAX_BYTES || train->segments + segments > MAX_SEGMENTS) return false;
  next_slot[train->last] = slot;
  train->last = slot;
  train->bytes += length;
  train->segments += segments;
  train->open = length % train->segment == 0;
  return true;
}

static void group(uint32_t number, uint8_t slot, uint32_t segment) {
  uint32_t length = received[slot].msg_len;
  if (!segment || segment > length) segment = length;
  struct session *session = &sessions[number];
  if (length && session->train < train_count && join(&trains[session->train], number, slot, length, segment)) return;
  session->train = (uint8_t)train_count;
  trains[train_count++] = (struct train){.session = number,
                                         .segment = segment,
                                         .bytes = length,
                                         .segments = length ? (length + segment - 1) / segment : 1,
                                         .first = slot,
                                         .last = slot,
                                         .open = length && length % segment == 0};
}

// MARK: Sending

static struct cmsghdr *add_control(struct msghdr *message, int level, int type, const void *data, size_t bytes) {
  struct cmsghdr *control = (struct cmsghdr *)((char *)message->msg_control + message->msg_controllen);
  control->cmsg_level = level;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(bytes);
  memcpy(CMSG_DATA(control), data, bytes);
  message->msg_controllen += CMSG_SPACE(bytes);
  return control;
}

static void send_trains(bool to_backend) {
  uint32_t piece = 0;
  for (uint32_t i = 0; i < train_count; i++) {
    struct train *train = &trains[i];
    struct session *session = &sessions[train->session];
    struct msghdr *message = &sending[i].msg_hdr;
    *message = (struct msghdr){.msg_name = &destinations[i],
                               .msg_namelen = sizeof destinations[i],
                               .msg_iov = &pieces[piece],
                               .msg_control = send_controls[i]};
    if (to_backend) {
      destinations[i] = backend;
      struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(first_source + train->session)};
      add_control(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else {
      destinations[i] = (struct sockaddr_in){AF_INET, session->port, session->address, {0}};
    }
    uint16_t segment = (uint16_t)train->segment;
    if (train->segments > 1) add_control(message, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment);
    if (!message->msg_controllen) message->msg_control = NULL;
    for (uint8_t slot = train->first;; slot = next_slot[slot]) {
      pieces[piece++] = (struct iovec){payload + (size_t)slot * SLOT_BYTES, received[slot].msg_len};
      message->msg_iovlen++;
      if (slot == train->last) break;
    }
  }
  for (uint32_t done = 0; done < train_count;) {
    int sent = sendmmsg(to_backend ? upstream : listener, sending + done, train_count - done, MSG_DONTWAIT);
    done += sent > 0 ? (uint32_t)sent : 1;
  }
}

static void forward(bool to_backend) {
  for (int turn = 0; turn < BATCHES_A_TURN; turn++) {
    int count = receive(to_backend ? listener : upstream);
    if (count <= 0) return;
    train_count = 0;
    for (uint8_t slot = 0; slot < count; slot++) {
      uint32_t segment = 0;
      struct in_addr destination = {0};
      read_control(&received[slot].msg_hdr, &segment, &destination);
      uint32_t number = to_backend ? session_of(&peers[slot]) : ntohl(destination.s_addr) - first_source;
      if (number < session_count) group(number, slot, segment);
    }
    send_trains(to_backend);
    if (count < BATCH) return;
  }
}

// Each direction under a name of its own, so that a profile tells them apart.
static __attribute__((noinline)) void forward_requests(void) { forward(true); }
static __attribute__((noinline)) void forward_replies(void) { forward(false); }

// MARK: Start

static struct sockaddr_in parse(char *text) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  char *colon = strrchr(text, ':');
  if (colon) {
    *colon = 0;
    address.sin_port = htons((uint16_t)atoi(colon + 1));
  }
  if (!colon || inet_pton(AF_INET, text, &address.sin_addr) != 1) {
    fprintf(stderr, "floor: not an ADDRESS:PORT\n");
    exit(64);
  }
  return address;
}

static int open_socket(struct sockaddr_in address, bool receives_destination) {
  int on = 1, bytes = QUEUE_BYTES, fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  if (setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) < 0) fail("UDP_GRO");
  if (receives_destination && setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) < 0) fail("IP_PKTINFO");
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
  return fd;
}

static void make_room(void) {
  sessions = untouched(SESSIONS * sizeof *sessions);
  buckets = untouched(BUCKETS * sizeof *buckets);
  payload = untouched((size_t)BATCH * SLOT_BYTES);
  for (int i = 0; i < BATCH; i++) {
    slots[i] = (struct iovec){payload + (size_t)i * SLOT_BYTES, SLOT_BYTES};
    received[i].msg_hdr = (struct msghdr){
        .msg_name = &peers[i], .msg_iov = &slots[i], .msg_iovlen = 1, .msg_control = receive_controls[i]};
  }
}

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: floor ADDRESS:PORT BACKEND:PORT\n");
    return 64;
  }
  alarm(LIFETIME_S);
  make_room();
  listener = open_socket(parse(arguments[1]), false);
  backend = parse(arguments[2]);
  upstream = open_socket((struct sockaddr_in){.sin_family = AF_INET}, true);
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < 2; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, i ? upstream : listener, &event) < 0) fail("epoll_ctl");
  }
  printf("ready\n");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[2];
    int ready = epoll_wait(epoll, events, 2, -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.u32 == 0) forward_requests();
      else forward_replies();
    }
  }
}
