#define _GNU_SOURCE
#include "netlink_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// A dump takes a millisecond or so. What changes in the middle of each of so many never rests.
enum { MOST_READINGS = 8 };

// How a conversation stands.
enum { MORE_TO_COME = 0, COMPLETE = 1 };

int mh_append(struct mh_list *list, const void *item, size_t size) {
  if (list->count == list->room) {
    size_t room = list->room ? list->room * 2 : 64;
    void *items = reallocarray(list->items, room, size);
    if (items == NULL) return -ENOMEM;
    list->items = items;
    list->room = room;
  }
  memcpy((char *)list->items + list->count++ * size, item, size);
  return 0;
}

static int read_message(const struct nlmsghdr *message, mh_netlink_reader reader, struct mh_list *list) {
  if (message->nlmsg_flags & NLM_F_DUMP_INTR) return -EAGAIN;
  if (message->nlmsg_type != NLMSG_DONE && message->nlmsg_type != NLMSG_ERROR) return reader(message, list);
  // Both begin with minus an errno, or 0: struct nlmsgerr, and what a dump has ended with.
  int error = 0;
  if (message->nlmsg_len >= NLMSG_LENGTH(sizeof error)) memcpy(&error, NLMSG_DATA(message), sizeof error);
  return error < 0 ? error : COMPLETE;
}

static int read_datagram(int fd, mh_netlink_reader reader, struct mh_list *list) {
  // As much as the kernel ever puts into one datagram of a dump (netlink_recvmsg).
  _Alignas(struct nlmsghdr) char buffer[32768];
  struct sockaddr_nl sender = {0};
  socklen_t length = sizeof sender;
  ssize_t size;
  do size = recvfrom(fd, buffer, sizeof buffer, MSG_TRUNC, (struct sockaddr *)&sender, &length);
  while (size < 0 && errno == EINTR);
  if (size < 0) return -errno;
  // Whoever has CAP_NET_ADMIN may send to us, too; the kernel is 0.
  if (sender.nl_pid != 0) return MORE_TO_COME;
  if ((size_t)size > sizeof buffer) return -EMSGSIZE;
  int result = MORE_TO_COME;
  unsigned int rest = (unsigned int)size;
  for (const struct nlmsghdr *m = (const void *)buffer; result == MORE_TO_COME && NLMSG_OK(m, rest);
       m = NLMSG_NEXT(m, rest)) {
    result = read_message(m, reader, list);
  }
  return result;
}

// A socket of its own each time: nothing of an answer that was given up can be taken for part of the next.
static int converse(int protocol, const struct nlmsghdr *request, mh_netlink_reader reader, struct mh_list *list) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (fd < 0) return -errno;
  ssize_t sent;
  do sent = send(fd, request, request->nlmsg_len, 0);
  while (sent < 0 && errno == EINTR);
  int result = sent < 0 ? -errno : MORE_TO_COME;
  while (result == MORE_TO_COME) result = read_datagram(fd, reader, list);
  close(fd);
  return result;
}

int mh_request(int protocol, const struct nlmsghdr *request, mh_netlink_reader reader, struct mh_list *list) {
  *list = (struct mh_list){0};
  int result = -EAGAIN;
  for (int i = 0; i < MOST_READINGS && (result == -EAGAIN || result == -ENOBUFS); i++) {
    list->count = 0;
    result = converse(protocol, request, reader, list);
  }
  if (result >= 0) return 0;
  free(list->items);
  *list = (struct mh_list){0};
  return result;
}
