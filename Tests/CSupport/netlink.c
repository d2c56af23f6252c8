#define _GNU_SOURCE
#include "CSupport.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

int mhs_forge_netlink_message(uint32_t port) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return -errno;
  struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_pid = port};
  struct {
    struct nlmsghdr header;
    struct ifaddrmsg address;
  } message = {{sizeof message, RTM_NEWADDR, 0, 0, 0}, {AF_INET, 32, 0, 0, 1}};
  long sent = sendto(fd, &message, sizeof message, 0, (struct sockaddr *)&to, sizeof to);
  int result = sent < 0 ? -errno : 0;
  close(fd);
  return result;
}
