#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "netlink_request.h"

_Static_assert(MH_IP_RECVORIGDSTADDR == IP_RECVORIGDSTADDR && MH_IP_UNICAST_IF == IP_UNICAST_IF, "ip");
_Static_assert(MH_SO_MARK == SO_MARK, "socket");
_Static_assert(MH_IPV6_RECVPKTINFO == IPV6_RECVPKTINFO && MH_IPV6_UNICAST_IF == IPV6_UNICAST_IF, "ipv6");
_Static_assert(MH_IPV6_RECVORIGDSTADDR == IPV6_RECVORIGDSTADDR, "ipv6");

// ---- sock_diag(7): which UDP sockets there are ---------------------------------------------------------------------

static uint8_t is_v6_only(const struct nlmsghdr *message) {
  const struct inet_diag_msg *body = NLMSG_DATA(message);
  const struct nlattr *at = (const struct nlattr *)(body + 1);
  long rest = (long)message->nlmsg_len - (long)NLMSG_LENGTH(sizeof *body);
  while (rest >= NLA_HDRLEN && at->nla_len >= NLA_HDRLEN && at->nla_len <= rest) {
    if (at->nla_type == INET_DIAG_SKV6ONLY) return *((const uint8_t *)at + NLA_HDRLEN);
    long step = NLA_ALIGN(at->nla_len);
    rest -= step;
    at = (const struct nlattr *)((const char *)at + step);
  }
  return 0;
}

static int read_socket(const struct nlmsghdr *message, struct mh_list *list) {
  if (message->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg))) return 0;
  const struct inet_diag_msg *from = NLMSG_DATA(message);
  struct mh_udp_socket found = {.is_ipv6 = from->idiag_family == AF_INET6,
                                // TCP_ESTABLISHED: what connect(2) makes of a UDP socket.
                                .is_connected = from->idiag_state == 1,
                                .v6_only = is_v6_only(message),
                                .local_port = ntohs(from->id.idiag_sport),
                                .peer_port = ntohs(from->id.idiag_dport),
                                .interface = from->id.idiag_if,
                                .user = from->idiag_uid,
                                .inode = from->idiag_inode,
                                .cookie = (uint64_t)from->id.idiag_cookie[1] << 32 | from->id.idiag_cookie[0]};
  memcpy(found.local, from->id.idiag_src, sizeof found.local);
  memcpy(found.peer, from->id.idiag_dst, sizeof found.peer);
  return mh_append(list, &found, sizeof found);
}

int mh_read_udp_sockets(int family, int port, struct mh_udp_socket **sockets) {
  struct {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
  } request = {
      .header = {.nlmsg_len = sizeof request, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
      .body = {.sdiag_family = (uint8_t)family,
               .sdiag_protocol = IPPROTO_UDP,
               .idiag_states = ~0u,
               .id = {.idiag_sport = htons((uint16_t)port)}}};
  struct mh_list list;
  int result = mh_request(NETLINK_SOCK_DIAG, &request.header, read_socket, &list);
  if (result < 0) return result;
  *sockets = list.items;
  return (int)list.count;
}

// The header of netlink, then inet_diag_msg.
enum {
  PORT_AT = NLMSG_HDRLEN + offsetof(struct inet_diag_msg, id.idiag_sport),
  COOKIE_AT = NLMSG_HDRLEN + offsetof(struct inet_diag_msg, id.idiag_cookie),
  // BPF_MAXINSNS is 4096, and a jump goes no further than 255: each cookie is compared, and answered, by itself.
  PER_COOKIE = 5,
  MOST_COOKIES = 256,
};

int mh_limit_socket_doorbell(int fd, uint16_t port, const uint64_t *cookies, size_t count) {
  struct sock_filter code[4 + PER_COOKIE * MOST_COOKIES];
  size_t size = 0;
  code[size++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_ABS, PORT_AT);
  code[size++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 1, 0);
  code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
  if (count > MOST_COOKIES) count = 0;
  for (size_t i = 0; i < count; i++) {
    // Loads turn the order of bytes; what the kernel wrote is in the host's.
    uint32_t low = htonl((uint32_t)cookies[i]), high = htonl((uint32_t)(cookies[i] >> 32));
    code[size++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, COOKIE_AT);
    code[size++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, low, 0, 3);
    code[size++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, COOKIE_AT + 4);
    code[size++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high, 0, 1);
    code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
  }
  code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, count > 0 ? 0 : 0xffffffff);
  struct sock_fprog program = {.len = (unsigned short)size, .filter = code};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ? -errno : 0;
}

int mh_open_socket_doorbell(uint16_t port) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
  if (fd < 0) return -errno;
  struct sockaddr_nl self = {.nl_family = AF_NETLINK,
                             .nl_groups = 1u << (SKNLGRP_INET_UDP_DESTROY - 1) | 1u << (SKNLGRP_INET6_UDP_DESTROY - 1)};
  int error = mh_limit_socket_doorbell(fd, port, NULL, 0);
  if (error == 0 && bind(fd, (struct sockaddr *)&self, sizeof self) < 0) error = -errno;
  if (error == 0) return fd;
  close(fd);
  return error;
}

// ---- pidfd_open(2), pidfd_getfd(2) ---------------------------------------------------------------------------------

int mh_open_process(int pid) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 ? -errno : fd;
}

int mh_duplicate_descriptor(int process, int descriptor) {
  int fd = (int)syscall(SYS_pidfd_getfd, process, descriptor, 0);
  return fd < 0 ? -errno : fd;
}
