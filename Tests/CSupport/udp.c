#define _GNU_SOURCE
#include "CSupport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

union any_address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

static socklen_t to_socket(const struct mhs_endpoint *endpoint, union any_address *out) {
  memset(out, 0, sizeof *out);
  if (endpoint->is_ipv4) {
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons(endpoint->port);
    memcpy(&out->v4.sin_addr, endpoint->address, 4);
    return sizeof out->v4;
  }
  out->v6.sin6_family = AF_INET6;
  out->v6.sin6_port = htons(endpoint->port);
  out->v6.sin6_scope_id = endpoint->scope;
  memcpy(&out->v6.sin6_addr, endpoint->address, 16);
  return sizeof out->v6;
}

static void from_socket(const union any_address *address, struct mhs_endpoint *out) {
  memset(out, 0, sizeof *out);
  out->is_ipv4 = address->any.sa_family == AF_INET;
  if (out->is_ipv4) {
    out->port = ntohs(address->v4.sin_port);
    memcpy(out->address, &address->v4.sin_addr, 4);
  } else {
    out->port = ntohs(address->v6.sin6_port);
    out->scope = address->v6.sin6_scope_id;
    memcpy(out->address, &address->v6.sin6_addr, 16);
  }
}

static int set(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

int mhs_tell_all(int fd, int is_ipv4, int trains) {
  // A dual-stack socket takes the settings of both families.
  int error = set(fd, IPPROTO_IP, IP_RECVTTL, 1);
  if (error == 0) error = set(fd, IPPROTO_IP, IP_RECVTOS, 1);
  if (error == 0 && !is_ipv4) error = set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
  if (error == 0 && !is_ipv4) error = set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
  if (error == 0 && trains) error = set(fd, SOL_UDP, UDP_GRO, 1);
  return error;
}

int mhs_receive_buffer(int fd, int bytes) { return set(fd, SOL_SOCKET, SO_RCVBUF, bytes); }

static struct cmsghdr *say(struct msghdr *message, struct cmsghdr *place, int level, int type, const void *data,
                           size_t size) {
  place->cmsg_level = level;
  place->cmsg_type = type;
  place->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(place), data, size);
  message->msg_controllen += CMSG_SPACE(size);
  return (struct cmsghdr *)((char *)place + CMSG_SPACE(size));
}

static void say_all(struct msghdr *message, int ip, struct mhs_beside beside) {
  struct cmsghdr *place = message->msg_control;
  uint16_t segment = (uint16_t)beside.segment_size;
  if (segment != 0) place = say(message, place, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment);
  if (beside.traffic_class != 0) {
    place = say(message, place, ip ? IPPROTO_IP : IPPROTO_IPV6, ip ? IP_TOS : IPV6_TCLASS, &beside.traffic_class,
                sizeof(int));
  }
  if (beside.hop_limit != 0) {
    say(message, place, ip ? IPPROTO_IP : IPPROTO_IPV6, ip ? IP_TTL : IPV6_HOPLIMIT, &beside.hop_limit, sizeof(int));
  }
}

static int family_of(int fd) {
  int domain = AF_INET;
  socklen_t size = sizeof domain;
  (void)getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
  return domain;
}

int mhs_send(int fd, const struct mhs_endpoint *to, const void *bytes, size_t length, struct mhs_beside beside) {
  union any_address address;
  _Alignas(struct cmsghdr) char control[3 * CMSG_SPACE(sizeof(int))];
  struct iovec piece = {.iov_base = (void *)bytes, .iov_len = length};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control};
  if (to != NULL) {
    message.msg_namelen = to_socket(to, &address);
    message.msg_name = &address;
  }
  say_all(&message, family_of(fd) == AF_INET, beside);
  if (message.msg_controllen == 0) message.msg_control = NULL;
  ssize_t sent;
  do sent = sendmsg(fd, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : 0;
}

static void hear(struct cmsghdr *c, struct mhs_beside *out) {
  int value = 0;
  if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
    out->traffic_class = *CMSG_DATA(c);
    return;
  }
  memcpy(&value, CMSG_DATA(c), sizeof value);
  if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) out->hop_limit = value;
  if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) out->traffic_class = value;
  if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT) out->hop_limit = value;
  if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) out->segment_size = value;
}

long mhs_receive(int fd, struct mhs_endpoint *from, void *bytes, size_t size, struct mhs_beside *beside) {
  union any_address address;
  _Alignas(struct cmsghdr) char control[256];
  struct iovec piece = {.iov_base = bytes, .iov_len = size};
  struct msghdr message = {.msg_name = &address,
                           .msg_namelen = sizeof address,
                           .msg_iov = &piece,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof control};
  memset(beside, 0, sizeof *beside);
  memset(&address, 0, sizeof address);
  ssize_t length;
  do length = recvmsg(fd, &message, MSG_DONTWAIT);
  while (length < 0 && errno == EINTR);
  if (length < 0) return -errno;
  from_socket(&address, from);
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) hear(c, beside);
  beside->truncated = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  return length;
}
