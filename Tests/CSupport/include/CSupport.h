// What the tests ask of the kernel. Written apart from CLinux on purpose: an instrument must not share the faults of what
// it measures.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Starts a program, found by PATH. It gets SIGKILL when the calling thread ends, and inherits no other descriptors.
///
/// `network` is a descriptor of the network namespace to start it in, or -1. Returns the pid, or minus the errno.
int mhs_spawn(char *_Nullable const *_Nonnull arguments, char *_Nullable const *_Nonnull environment, int network,
              int input, int output, int error);

/// A Unix datagram socket bound to a path, or to an abstract name when the address begins with '@'; it does not block.
/// Returns it, or minus the errno.
int mhs_open_manager(const char *_Nonnull address);

/// A descriptor from which the text can be read. Returns it, or minus the errno.
int mhs_text(const char *_Nonnull text, size_t length);

/// A pipe whose ends no child inherits. Returns 0, or minus the errno.
int mhs_pipe(int *_Nonnull ends);

/// Waits for the end of a child, without reaping it. Returns 0, or minus the errno.
int mhs_await(int pid);

/// Reaps a child that has ended. Returns its exit status, or 256 and the number of the signal that killed it.
int mhs_reap(int pid);

/// A terminal of so many columns and rows (openpty(3)): ends[0] is who sits in front of it, ends[1] is for programs. Returns 0,
/// or minus the errno.
int mhs_terminal(uint16_t columns, uint16_t rows, int *_Nonnull ends);

/// Gives it another size; minus the errno where that fails.
int mhs_resize(int terminal, uint16_t columns, uint16_t rows);

/// One end of an exchange; all numbers in host order, IPv4 in the first four bytes.
struct mhs_endpoint {
  uint8_t address[16];
  uint32_t scope;
  uint16_t port;
  uint8_t is_ipv4;
};

/// What is said beside a message. Zero says nothing.
struct mhs_beside {
  int32_t segment_size;
  int32_t traffic_class;
  int32_t hop_limit;
  int32_t truncated;
};

/// Asks a UDP socket for traffic class and hop limit, and for trains if wished. Returns 0, or minus the errno.
int mhs_tell_all(int fd, int is_ipv4, int trains);

/// Sets SO_RCVBUF. Returns 0, or minus the errno.
int mhs_receive_buffer(int fd, int bytes);

/// Sends one message. `to` is NULL on a connected socket. Returns 0, or minus the errno.
int mhs_send(int fd, const struct mhs_endpoint *_Nullable to, const void *_Nonnull bytes, size_t length,
             struct mhs_beside beside);

/// Receives one message without blocking. Returns its length, or minus the errno.
long mhs_receive(int fd, struct mhs_endpoint *_Nonnull from, void *_Nonnull bytes, size_t size,
                 struct mhs_beside *_Nonnull beside);

/// What every datagram of a crowd begins with takes so many bytes.
enum { MHS_SMALLEST_REQUEST = 12 };

/// What a crowd is to send. Addresses in host order.
struct mhs_crowd_order {
  /// The address of the first client, and how many there are behind it.
  uint32_t first, clients;
  /// How many datagrams each sends, one after the other, and the number of the first of all.
  uint32_t each, number;
  /// Bytes of each, 12 to 2,048.
  uint32_t size;
  /// What the service is to do with them: see FaultInjection/service.c. Every `late_every`th reply is delayed; 0 for none.
  uint8_t replies, delay;
  uint16_t reply_size;
  uint32_t late_every;
};

/// What a crowd has received.
struct mhs_crowd_tally {
  /// Replies from the endpoint asked, to whoever asked.
  uint64_t own;
  /// Anything else.
  uint64_t foreign;
};

/// Readies an unconnected IPv4 socket to be a crowd of clients. Returns 0, or minus the errno.
int mhs_crowd_prepare(int fd);

/// Sends for a crowd. Every client's address must be local. Returns 0, or minus the errno.
long mhs_crowd_send(int fd, uint32_t to_address, uint16_t to_port, struct mhs_crowd_order order);

/// Takes what waits, without blocking, and adds it to the tally. Returns how many there were, or minus the errno.
long mhs_crowd_receive(int fd, uint32_t from_address, uint16_t from_port, struct mhs_crowd_tally *_Nonnull tally);

/// Sends one datagram whose source is a lie, of one family with its destination, in the calling thread's namespace.
/// Needs CAP_NET_RAW. Returns 0, or minus the errno.
int mhs_forge(const struct mhs_endpoint *_Nonnull from, const struct mhs_endpoint *_Nonnull to,
              const void *_Nonnull bytes, size_t length);

/// Sends what looks like news of an address (rtnetlink(7)) from a socket of this process to another's. Needs CAP_NET_ADMIN.
/// Returns 0, or minus the errno.
int mhs_forge_netlink_message(uint32_t port);
