#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

static int join(int fd) {
  static const int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR};
  struct sockaddr_nl self = {.nl_family = AF_NETLINK};
  if (bind(fd, (struct sockaddr *)&self, sizeof self) < 0) return -errno;
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
    if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof groups[i]) < 0) return -errno;
  }
  return 0;
}

int mh_open_address_doorbell(int receive_buffer) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (fd < 0) return -errno;
  // SO_RCVBUFFORCE needs CAP_NET_ADMIN; without it the kernel's limit holds, and a lost message is only a ring more.
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) < 0) {
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  int error = join(fd);
  if (error < 0) {
    close(fd);
    return error;
  }
  return fd;
}

int mh_drain_address_doorbell(int fd) {
  int from_kernel = 0;
  for (;;) {
    // What the message says is of no interest: a snapshot is taken anyhow. So it may be cut off.
    char byte;
    struct sockaddr_nl sender;
    socklen_t size = sizeof sender;
    ssize_t n = recvfrom(fd, &byte, sizeof byte, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&sender, &size);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return from_kernel;
      return -errno;
    }
    if (sender.nl_pid == 0) from_kernel++;
  }
}
