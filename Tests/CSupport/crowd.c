#define _GNU_SOURCE
#include "CSupport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, LONGEST = 2048 };

// What a datagram of a crowd begins with, in network order. The service (FaultInjection/service.c) reads the first four
// bytes; the rest says whose it is.
struct tag {
  uint8_t replies, delay;
  uint16_t reply_size;
  uint32_t client, number;
};
_Static_assert(sizeof(struct tag) == MHS_SMALLEST_REQUEST, "struct tag");

int mhs_crowd_prepare(int fd) {
  int one = 1;
  return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one) < 0 ? -errno : 0;
}

static size_t put_source(void *control, uint32_t address) {
  struct cmsghdr *place = control;
  struct in_pktinfo information = {.ipi_spec_dst.s_addr = htonl(address)};
  place->cmsg_level = IPPROTO_IP;
  place->cmsg_type = IP_PKTINFO;
  place->cmsg_len = CMSG_LEN(sizeof information);
  memcpy(CMSG_DATA(place), &information, sizeof information);
  return CMSG_SPACE(sizeof information);
}

static long send_all(int fd, struct mmsghdr *messages, unsigned int count) {
  unsigned int sent = 0;
  while (sent < count) {
    int result = sendmmsg(fd, messages + sent, count - sent, MSG_NOSIGNAL);
    if (result >= 0) sent += (unsigned int)result;
    else if (errno != EINTR) return -errno;
  }
  return 0;
}

long mhs_crowd_send(int fd, uint32_t to_address, uint16_t to_port, struct mhs_crowd_order order) {
  static _Thread_local char bytes[BATCH][LONGEST];
  _Alignas(struct cmsghdr) char controls[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(to_port), .sin_addr.s_addr = htonl(to_address)};
  struct mmsghdr messages[BATCH];
  struct iovec pieces[BATCH];
  if (order.size < sizeof(struct tag) || order.size > LONGEST) return -EINVAL;
  unsigned int filled = 0;
  for (uint32_t i = 0; i < order.clients * order.each; i++) {
    struct tag tag = {.replies = order.replies,
                      .delay = order.late_every != 0 && i % order.late_every == 0 ? order.delay : 0,
                      .reply_size = htons(order.reply_size),
                      .client = htonl(order.first + i / order.each),
                      .number = htonl(order.number + i)};
    memcpy(bytes[filled], &tag, sizeof tag);
    pieces[filled] = (struct iovec){.iov_base = bytes[filled], .iov_len = order.size};
    messages[filled].msg_hdr = (struct msghdr){.msg_name = &to,
                                               .msg_namelen = sizeof to,
                                               .msg_iov = &pieces[filled],
                                               .msg_iovlen = 1,
                                               .msg_control = controls[filled],
                                               .msg_controllen = put_source(controls[filled], ntohl(tag.client))};
    if (++filled < BATCH && i + 1 < order.clients * order.each) continue;
    long error = send_all(fd, messages, filled);
    if (error < 0) return error;
    filled = 0;
  }
  return 0;
}

// Whether a reply is for whoever it was delivered to. What is too short to say so is somebody else's.
static int is_own(const struct mmsghdr *message, const char *bytes) {
  struct tag tag;
  if (message->msg_len < sizeof tag) return 0;
  memcpy(&tag, bytes, sizeof tag);
  struct msghdr header = message->msg_hdr;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c != NULL; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO) continue;
    struct in_pktinfo information;
    memcpy(&information, CMSG_DATA(c), sizeof information);
    return information.ipi_addr.s_addr == tag.client;
  }
  return 0;
}

long mhs_crowd_receive(int fd, uint32_t from_address, uint16_t from_port, struct mhs_crowd_tally *tally) {
  static _Thread_local char bytes[BATCH][LONGEST];
  _Alignas(struct cmsghdr) char controls[BATCH][64];
  struct sockaddr_in names[BATCH];
  struct mmsghdr messages[BATCH];
  struct iovec pieces[BATCH];
  for (int i = 0; i < BATCH; i++) {
    pieces[i] = (struct iovec){.iov_base = bytes[i], .iov_len = LONGEST};
    messages[i].msg_hdr = (struct msghdr){.msg_name = &names[i],
                                          .msg_namelen = sizeof names[i],
                                          .msg_iov = &pieces[i],
                                          .msg_iovlen = 1,
                                          .msg_control = controls[i],
                                          .msg_controllen = sizeof controls[i]};
  }
  int count = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
  if (count < 0) return errno == EAGAIN || errno == EINTR ? 0 : -errno;
  for (int i = 0; i < count; i++) {
    int is_asked = names[i].sin_addr.s_addr == htonl(from_address) && names[i].sin_port == htons(from_port);
    if (is_asked && is_own(&messages[i], bytes[i])) tally->own++;
    else tally->foreign++;
  }
  return count;
}
