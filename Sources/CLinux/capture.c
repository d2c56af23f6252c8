#define _GNU_SOURCE
#include "CLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

_Static_assert(MH_ETH_P_IP == ETH_P_IP && MH_ETH_P_IPV6 == ETH_P_IPV6, "ethernet");

static int listen_to(int fd, int interface, int receive_buffer) {
  int on = 1;
  // SO_RCVBUFFORCE needs CAP_NET_ADMIN; without it the kernel's limit holds, and losses are counted.
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) < 0) {
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0) return -errno;
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = interface};
  return bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
}

int mh_open_capture(int interface, int receive_buffer) {
  // With protocol 0 the socket is deaf until bind names the one interface. SOCK_DGRAM leaves the link's header out.
  int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  int error = listen_to(fd, interface, receive_buffer);
  if (error < 0) {
    close(fd);
    return error;
  }
  return fd;
}

static uint64_t time_of(struct msghdr *message) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    struct timespec time;
    memcpy(&time, CMSG_DATA(c), sizeof time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
  }
  return 0;
}

int mh_receive_capture(int fd, void *buffer, size_t size, struct mh_capture *out) {
  struct sockaddr_ll from = {0};
  struct iovec piece = {.iov_base = buffer, .iov_len = size};
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct timespec))];
  struct msghdr message = {.msg_name = &from,
                           .msg_namelen = sizeof from,
                           .msg_iov = &piece,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof control};
  ssize_t length;
  do length = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC);
  while (length < 0 && errno == EINTR);
  if (length < 0) return -errno;
  out->time = time_of(&message);
  out->length = (size_t)length;
  out->protocol = ntohs(from.sll_protocol);
  out->outgoing = from.sll_pkttype == PACKET_OUTGOING;
  return 0;
}

int mh_capture_losses(int fd) {
  struct tpacket_stats statistics;
  socklen_t size = sizeof statistics;
  if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &size) < 0) return -errno;
  return (int)statistics.tp_drops;
}
