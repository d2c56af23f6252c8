// One request to the kernel by netlink(7), and everything that it answers: a single message, or a dump. Seen by this module
// only.
#pragma once

#include <linux/netlink.h>
#include <stddef.h>

/// An array that grows. Its items, of one size, are the owner's to free(3).
struct mh_list {
  void *items;
  size_t count, room;
};

/// Adds a copy of an item. Returns 0, or -ENOMEM.
int mh_append(struct mh_list *list, const void *item, size_t size);

/// Reads one message of an answer into a list. Returns 0, 1 when nothing more is wanted, or minus the errno.
typedef int (*mh_netlink_reader)(const struct nlmsghdr *message, struct mh_list *list);

/// Sends a request, and reads all that the kernel answers into a list, which need not be initialized.
///
/// What a signal interrupts (EINTR) goes on. A dump of something that changed meanwhile (NLM_F_DUMP_INTR), or of which
/// something was lost (ENOBUFS), is thrown away and taken again, eight times at most. Returns 0, or minus the errno, and
/// then the list is empty: what the kernel refused with; -EAGAIN, -ENOBUFS when the last time was no better than the first.
int mh_request(int protocol, const struct nlmsghdr *request, mh_netlink_reader reader, struct mh_list *list);
