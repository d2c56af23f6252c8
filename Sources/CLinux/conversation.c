#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int mh_open_conversation(int *ends) { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : 0; }

int mh_say(int fd, const void *text, size_t length, int attached) {
  struct iovec piece = {.iov_base = (void *)text, .iov_len = length};
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof attached)] = {0};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
  if (attached >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof attached), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(c), &attached, sizeof attached);
  }
  return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int mh_hear(int fd, void *text, size_t size, int *attached) {
  struct iovec piece = {.iov_base = text, .iov_len = size};
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof *attached)];
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control};
  // Room for one descriptor and no more: the padding would hold another.
  message.msg_controllen = CMSG_LEN(sizeof *attached);
  ssize_t length;
  do length = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  while (length < 0 && errno == EINTR);
  if (length < 0) return -errno;
  *attached = -1;
  struct cmsghdr *c = CMSG_FIRSTHDR(&message);
  if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
    memcpy(attached, CMSG_DATA(c), sizeof *attached);
  }
  return (message.msg_flags & MSG_TRUNC) ? -EMSGSIZE : (int)length;
}

int mh_replace(int fd, int replacement) {
  // Not through the C library: to a thread sanitizer's eye, this is a race with whoever uses the descriptor. It is meant to be.
  return syscall(SYS_dup3, replacement, fd, O_CLOEXEC) < 0 ? -errno : 0;
}
