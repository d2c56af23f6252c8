#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

int mh_open_notifier(void) {
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  // A manager that hangs must not hang us.
  struct timeval patience = {.tv_usec = 200000};
  if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

int mh_notify(int fd, int attached, const void *address, size_t length, const void *text, size_t size) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  if (length == 0 || length >= sizeof to.sun_path) return -ENAMETOOLONG;
  memcpy(to.sun_path, address, length);
  // An abstract name begins with a zero, has no zero at its end, and counts by its length.
  int is_abstract = to.sun_path[0] == '@';
  if (is_abstract) to.sun_path[0] = 0;
  socklen_t whole = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (is_abstract ? 0 : 1));
  struct iovec piece = {.iov_base = (void *)text, .iov_len = size};
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof attached)] = {0};
  struct msghdr message = {.msg_name = &to, .msg_namelen = whole, .msg_iov = &piece, .msg_iovlen = 1};
  if (attached >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof attached), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(c), &attached, sizeof attached);
  }
  ssize_t sent;
  do sent = sendmsg(fd, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : 0;
}
