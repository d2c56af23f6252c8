#define _GNU_SOURCE
#include "engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

// Enough that the generator never loses what the relay has sent: a million small datagrams with the kernel's overhead
// would take more, but a look comes every few milliseconds.
enum { SHARED_QUEUE_BYTES = 64 << 20, CLIENT_QUEUE_BYTES = 4 << 20 };

bool generator_parse_endpoint(const char *text, bool needs_port, struct generator_endpoint *endpoint) {
  char copy[INET6_ADDRSTRLEN + IF_NAMESIZE + 10];
  if (strlen(text) >= sizeof copy) return false;
  strcpy(copy, text);
  memset(endpoint, 0, sizeof *endpoint);
  char *address = copy, *port = NULL;
  if (*address == '[') {
    char *end = strchr(++address, ']');
    if (!end) return false;
    *end = 0;
    if (end[1] == ':') port = end + 2;
    else if (end[1]) return false;
  } else if ((port = strchr(address, ':')) && !strchr(port + 1, ':')) {
    *port++ = 0;
  } else {
    port = NULL;
  }
  if (port) {
    char *end;
    long value = strtol(port, &end, 10);
    if (end == port || *end || value < 1 || value > 65535) return false;
    endpoint->port = (uint16_t)value;
  }
  if (needs_port && !port) return false;
  char *scope = strchr(address, '%');
  if (scope) {
    *scope++ = 0;
    endpoint->scope = if_nametoindex(scope);
    if (!endpoint->scope) return false;
  }
  endpoint->is_ipv6 = strchr(address, ':') != NULL;
  return inet_pton(endpoint->is_ipv6 ? AF_INET6 : AF_INET, address, endpoint->address) == 1;
}

socklen_t make_address(const struct generator_endpoint *endpoint, union address *address) {
  memset(address, 0, sizeof *address);
  if (endpoint->is_ipv6) {
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = htons(endpoint->port);
    address->v6.sin6_scope_id = endpoint->scope;
    memcpy(&address->v6.sin6_addr, endpoint->address, 16);
    return sizeof address->v6;
  }
  address->v4.sin_family = AF_INET;
  address->v4.sin_port = htons(endpoint->port);
  memcpy(&address->v4.sin_addr, endpoint->address, 4);
  return sizeof address->v4;
}

void nth_address(const struct generator_endpoint *first, uint32_t n, uint8_t *address) {
  uint32_t low;
  size_t prefix = first->is_ipv6 ? 12 : 0;
  memcpy(&low, first->address + prefix, 4);
  low = htonl(ntohl(low) + n);
  memcpy(address, first->address, prefix);
  memcpy(address + prefix, &low, 4);
}

static int set(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) < 0 ? errno : 0;
}

static void enlarge_queue(int fd, int bytes) {
  // Beyond net.core.rmem_max where we may, else up to it.
  if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes)) set(fd, SOL_SOCKET, SO_RCVBUF, bytes);
  if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, bytes)) set(fd, SOL_SOCKET, SO_SNDBUF, bytes);
}

static int prepare_shared(const struct generator *g, int fd) {
  bool v6 = g->plan.first_source.is_ipv6;
  int error = v6 ? set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : set(fd, IPPROTO_IP, IP_PKTINFO, 1);
  // A block that is only routed local has no interface address; IPv6 wants to be told that we mean it.
  if (!error && v6) error = set(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
  if (error) return error;
  struct generator_endpoint any = {.is_ipv6 = v6, .port = g->plan.first_source.port};
  union address address;
  socklen_t length = make_address(&any, &address);
  return bind(fd, &address.any, length) < 0 ? errno : 0;
}

static int open_one(struct generator *g, uint32_t number) {
  const struct generator_plan *plan = &g->plan;
  int fd = socket(plan->targets[0].is_ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  g->sockets[number] = fd;
  g->socket_count = number + 1;
  enlarge_queue(fd, plan->by_source ? SHARED_QUEUE_BYTES : CLIENT_QUEUE_BYTES);
  int error = plan->receives_trains ? set(fd, SOL_UDP, UDP_GRO, 1) : 0;
  if (error) return error;
  if (plan->by_source) {
    error = prepare_shared(g, fd);
  } else {
    union address target;
    socklen_t length = make_address(&plan->targets[number % plan->target_count], &target);
    error = connect(fd, &target.any, length) < 0 ? errno : 0;
  }
  if (error) return error;
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
  return epoll_ctl(g->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? errno : 0;
}

int open_sockets(struct generator *g) {
  g->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (g->epoll < 0) return errno;
  uint32_t count = g->plan.by_source ? 1 : g->plan.clients;
  for (uint32_t number = 0; number < count; number++) {
    int error = open_one(g, number);
    if (error) return error;
  }
  return 0;
}

static void wire(struct batch *batch) {
  for (uint32_t i = 0; i < BATCH; i++) {
    batch->vectors[i] = (struct iovec){.iov_base = batch->bytes + i * batch->stride, .iov_len = batch->stride};
    batch->messages[i].msg_hdr = (struct msghdr){.msg_iov = &batch->vectors[i], .msg_iovlen = 1};
  }
}

// Control messages of every request, but for the source address, which `sending.c` fills in.
static size_t write_control(const struct generator_plan *plan, struct msghdr *message) {
  size_t used = 0;
  struct cmsghdr *control = message->msg_control;
  if (plan->by_source) {
    bool v6 = plan->first_source.is_ipv6;
    size_t bytes = v6 ? sizeof(struct in6_pktinfo) : sizeof(struct in_pktinfo);
    control->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
    control->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
    control->cmsg_len = CMSG_LEN(bytes);
    used = CMSG_SPACE(bytes);
  }
  if (plan->train > 1) {
    control = (struct cmsghdr *)((uint8_t *)message->msg_control + used);
    control->cmsg_level = SOL_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    uint16_t size = (uint16_t)plan->size;
    memcpy(CMSG_DATA(control), &size, sizeof size);
    used += CMSG_SPACE(sizeof(uint16_t));
  }
  return used;
}

void wire_batches(struct generator *g) {
  wire(&g->sending);
  wire(&g->receiving);
  for (uint32_t i = 0; i < BATCH; i++) {
    struct msghdr *message = &g->sending.messages[i].msg_hdr;
    message->msg_control = g->sending.controls[i];
    message->msg_controllen = write_control(&g->plan, message);
    if (!message->msg_controllen) message->msg_control = NULL;
    g->receiving.messages[i].msg_hdr.msg_control = g->receiving.controls[i];
    g->receiving.messages[i].msg_hdr.msg_name = g->plan.by_source ? &g->receiving.names[i] : NULL;
  }
}
