#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(MH_IP_RECVORIGDSTADDR == IP_RECVORIGDSTADDR && MH_IP_UNICAST_IF == IP_UNICAST_IF, "ip");
_Static_assert(MH_SO_MARK == SO_MARK, "socket");
_Static_assert(MH_IPV6_RECVPKTINFO == IPV6_RECVPKTINFO && MH_IPV6_UNICAST_IF == IPV6_UNICAST_IF, "ipv6");
_Static_assert(MH_IPV6_RECVORIGDSTADDR == IPV6_RECVORIGDSTADDR, "ipv6");

// ---- sock_diag(7): which UDP sockets there are ---------------------------------------------------------------------

struct list {
  struct mh_udp_socket *sockets;
  size_t count, room;
};

static int append(struct list *list, const struct inet_diag_msg *from, uint8_t v6_only) {
  if (list->count == list->room) {
    size_t room = list->room ? list->room * 2 : 64;
    struct mh_udp_socket *more = realloc(list->sockets, room * sizeof *more);
    if (more == NULL) return -ENOMEM;
    list->sockets = more;
    list->room = room;
  }
  struct mh_udp_socket *to = &list->sockets[list->count++];
  *to = (struct mh_udp_socket){.is_ipv6 = from->idiag_family == AF_INET6,
                               // TCP_ESTABLISHED: what connect(2) makes of a UDP socket.
                               .is_connected = from->idiag_state == 1,
                               .v6_only = v6_only,
                               .local_port = ntohs(from->id.idiag_sport),
                               .peer_port = ntohs(from->id.idiag_dport),
                               .interface = from->id.idiag_if,
                               .user = from->idiag_uid,
                               .inode = from->idiag_inode};
  memcpy(to->local, from->id.idiag_src, sizeof to->local);
  memcpy(to->peer, from->id.idiag_dst, sizeof to->peer);
  return 0;
}

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

static int ask(int fd, int family, int port) {
  struct {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
  } request = {
      .header = {.nlmsg_len = sizeof request, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
      .body = {.sdiag_family = (uint8_t)family,
               .sdiag_protocol = IPPROTO_UDP,
               .idiag_states = ~0u,
               .id = {.idiag_sport = htons((uint16_t)port)}}};
  return send(fd, &request, sizeof request, 0) < 0 ? -errno : 0;
}

// Returns 1 at the end of the list, 0 when more is to come, or minus the errno.
static int read_some(int fd, struct list *list) {
  _Alignas(struct nlmsghdr) char buffer[32768];
  ssize_t size;
  do size = recv(fd, buffer, sizeof buffer, 0);
  while (size < 0 && errno == EINTR);
  if (size < 0) return -errno;
  unsigned int rest = (unsigned int)size;
  for (const struct nlmsghdr *m = (const void *)buffer; NLMSG_OK(m, rest); m = NLMSG_NEXT(m, rest)) {
    if (m->nlmsg_type == NLMSG_DONE) return 1;
    if (m->nlmsg_type == NLMSG_ERROR) {
      int error = ((const struct nlmsgerr *)NLMSG_DATA(m))->error;
      return error == 0 ? 1 : error;
    }
    if (m->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg))) continue;
    int error = append(list, NLMSG_DATA(m), is_v6_only(m));
    if (error < 0) return error;
  }
  return 0;
}

int mh_read_udp_sockets(int family, int port, struct mh_udp_socket **sockets) {
  struct list list = {0};
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) return -errno;
  int result = ask(fd, family, port);
  while (result == 0) result = read_some(fd, &list);
  close(fd);
  if (result < 0) {
    free(list.sockets);
    return result;
  }
  *sockets = list.sockets;
  return (int)list.count;
}

int mh_open_socket_doorbell(uint16_t port) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
  if (fd < 0) return -errno;
  // The header of netlink, then inet_diag_msg: the local port comes after four single bytes.
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, NLMSG_HDRLEN + offsetof(struct inet_diag_msg, id.idiag_sport)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
  struct sockaddr_nl self = {.nl_family = AF_NETLINK,
                             .nl_groups = 1u << (SKNLGRP_INET_UDP_DESTROY - 1) | 1u << (SKNLGRP_INET6_UDP_DESTROY - 1)};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ||
      bind(fd, (struct sockaddr *)&self, sizeof self) < 0) {
    int error = -errno;
    close(fd);
    return error;
  }
  return fd;
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
