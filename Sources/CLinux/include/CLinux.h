// The part of Linux's socket interface that Swift cannot import by itself.
//
// _GNU_SOURCE must not be defined here: with it, <sys/select.h> defines fd_set otherwise than the libuv module sees it,
// and the two modules clash. What needs it is declared again under the prefix mh_, defined in a .c file, and its layout
// checked there by _Static_assert.
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

// ---- Batches: recvmmsg(2), sendmmsg(2) -----------------------------------------------------------------------------

/// struct mmsghdr.
struct mh_mmsghdr {
  struct msghdr header;
  unsigned int length;
};

/// recvmmsg(2), never blocking. Returns the number of messages, or minus the errno.
int mh_receive(int fd, struct mh_mmsghdr *_Nonnull messages, unsigned int count);

/// sendmmsg(2), never blocking, never raising SIGPIPE. Returns the number of messages, or minus the errno of the first.
int mh_send(int fd, struct mh_mmsghdr *_Nonnull messages, unsigned int count);

// ---- Control messages: cmsg(3), ip(7), ipv6(7), udp(7) -------------------------------------------------------------

enum {
  MH_SOL_UDP = 17,
  MH_UDP_SEGMENT = 103,
  MH_UDP_GRO = 104,
  MH_IP_RECVTTL = 12,
  MH_IP_RECVTOS = 13,
  MH_IP_PKTINFO = 8,
  MH_IP_RECVORIGDSTADDR = 20,
  MH_IP_UNICAST_IF = 50,
  MH_IPV6_RECVPKTINFO = 49,
  MH_IPV6_PKTINFO = 50,
  MH_IPV6_RECVHOPLIMIT = 51,
  MH_IPV6_HOPLIMIT = 52,
  MH_IPV6_RECVTCLASS = 66,
  MH_IPV6_TCLASS = 67,
  MH_IPV6_RECVORIGDSTADDR = 74,
  MH_IPV6_UNICAST_IF = 76,
  MH_SO_MARK = 36,
  MH_SO_RXQ_OVFL = 40,
  MH_SO_RCVBUFFORCE = 33,
  MH_SO_SELECT_ERR_QUEUE = 45,
  MH_SO_NETNS_COOKIE = 71,
  MH_SO_MEMINFO = 55,
  MH_SK_MEMINFO_DROPS = 8,
  MH_MSG_TRUNC = 0x20,
  MH_MSG_CTRUNC = 0x08,
};

/// Room for every control message that one of our sockets asks for: segment size, traffic class, hop limit, packet
/// information and the queue's overflow counter come to 112 bytes with their headers on a 64-bit machine.
enum { MH_RECEIVE_CONTROL = 128 };

/// Room for every control message that we send: packet information, traffic class, hop limit and segment size.
enum { MH_SEND_CONTROL = 104 };

/// struct in_pktinfo and struct in6_pktinfo, which need _GNU_SOURCE.
struct mh_in_pktinfo {
  int32_t interface;
  uint32_t specific_destination;
  uint32_t destination;
};

/// What the control messages of one received message say. Absent values are 0.
struct mh_control {
  /// The size of each datagram but the last in a GRO train, in bytes; 0 when the message is one datagram.
  int32_t segment_size;
  /// The IPv4 destination of the datagram, in network order, when IP_PKTINFO is on.
  uint32_t destination;
  /// Datagrams that this socket's receive queue has lost since it was made (SO_RXQ_OVFL).
  uint32_t queue_drops;
  uint8_t traffic_class;
  uint8_t hop_limit;
};

/// `length` bytes of data: fewer than a message of its type has when the kernel had no room for it (MSG_CTRUNC).
static inline void mh_read_one_control(const struct cmsghdr *_Nonnull c, size_t length,
                                       struct mh_control *_Nonnull out) {
  const unsigned char *data = CMSG_DATA(c);
  int value;
  // The only one of a single byte.
  if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
    if (length > 0) out->traffic_class = *data;
    return;
  }
  if (length < sizeof value) return;
  memcpy(&value, data, sizeof value);
  if (c->cmsg_level == IPPROTO_IP) {
    if (c->cmsg_type == IP_TTL) {
      out->hop_limit = (uint8_t)value;
    } else if (c->cmsg_type == MH_IP_PKTINFO && length >= sizeof(struct mh_in_pktinfo)) {
      struct mh_in_pktinfo info;
      memcpy(&info, data, sizeof info);
      out->destination = info.destination;
    }
  } else if (c->cmsg_level == MH_SOL_UDP && c->cmsg_type == MH_UDP_GRO) {
    out->segment_size = value;
  } else if (c->cmsg_level == IPPROTO_IPV6) {
    if (c->cmsg_type == MH_IPV6_TCLASS) {
      out->traffic_class = (uint8_t)value;
    } else if (c->cmsg_type == MH_IPV6_HOPLIMIT) {
      out->hop_limit = (uint8_t)value;
    }
  } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == MH_SO_RXQ_OVFL) {
    out->queue_drops = (uint32_t)value;
  }
}

static inline struct mh_control mh_read_control(struct msghdr *_Nonnull m) {
  struct mh_control out = {0, 0, 0, 0, 0};
  // Not CMSG_NXTHDR, which is a call into the C library for each.
  const unsigned char *at = (const unsigned char *)m->msg_control;
  size_t rest = m->msg_controllen;
  while (rest >= sizeof(struct cmsghdr)) {
    const struct cmsghdr *c = (const struct cmsghdr *)at;
    if (c->cmsg_len < sizeof *c || c->cmsg_len > rest) break;
    mh_read_one_control(c, c->cmsg_len - CMSG_LEN(0), &out);
    // The last one's padding need not be there.
    size_t step = CMSG_ALIGN(c->cmsg_len);
    if (step >= rest) break;
    at += step;
    rest -= step;
  }
  return out;
}

/// What to say beside a message that is sent. Zero leaves the socket's own setting.
struct mh_send_options {
  /// The IPv4 source address (ipi_spec_dst), in network order.
  uint32_t source;
  /// UDP_SEGMENT: the payload is cut into datagrams of this size.
  uint16_t segment_size;
  uint8_t traffic_class;
  uint8_t hop_limit;
};

static inline size_t mh_put_control(unsigned char *_Nonnull buffer, size_t used, int level, int type,
                                    const void *_Nonnull data, size_t size) {
  struct cmsghdr header = {.cmsg_len = CMSG_LEN(size), .cmsg_level = level, .cmsg_type = type};
  memcpy(buffer + used, &header, sizeof header);
  memcpy(buffer + used + CMSG_LEN(0), data, size);
  return used + CMSG_SPACE(size);
}

/// Writes the control messages into a buffer of MH_SEND_CONTROL bytes and returns how many it used.
static inline size_t mh_write_control(unsigned char *_Nonnull buffer, int family, struct mh_send_options options) {
  const int ip = family == AF_INET;
  size_t used = 0;
  int value;
  if (options.source != 0) {
    struct mh_in_pktinfo info = {0, options.source, 0};
    used = mh_put_control(buffer, used, IPPROTO_IP, MH_IP_PKTINFO, &info, sizeof info);
  }
  if (options.segment_size != 0) {
    used = mh_put_control(buffer, used, MH_SOL_UDP, MH_UDP_SEGMENT, &options.segment_size, sizeof(uint16_t));
  }
  if (options.traffic_class != 0) {
    value = options.traffic_class;
    used = mh_put_control(buffer, used, ip ? IPPROTO_IP : IPPROTO_IPV6, ip ? IP_TOS : MH_IPV6_TCLASS, &value,
                          sizeof value);
  }
  if (options.hop_limit != 0) {
    value = options.hop_limit;
    used = mh_put_control(buffer, used, ip ? IPPROTO_IP : IPPROTO_IPV6, ip ? IP_TTL : MH_IPV6_HOPLIMIT, &value,
                          sizeof value);
  }
  return used;
}

// ---- Socket filter: bpf(4), SO_ATTACH_FILTER -----------------------------------------------------------------------

/// Lets a socket receive only datagrams from one IPv4 address (host order), a range of source ports, and one incoming
/// interface. Returns 0, or minus the errno.
int mh_admit_only(int fd, uint32_t address, uint16_t low_port, uint16_t high_port, int interface);

// ---- rtnetlink(7) --------------------------------------------------------------------------------------------------

/// A non-blocking netlink socket that hears of links and addresses coming and going. Returns it, or minus the errno.
int mh_open_address_doorbell(int receive_buffer);

/// Reads everything that waits. Returns how many messages came from the kernel (those of other senders are ignored), or
/// minus the errno; -ENOBUFS means that some were lost.
int mh_drain_address_doorbell(int fd);

// ---- Namespaces: setns(2), unshare(2), mount(2) ---------------------------------------------------------------------

/// Moves the calling thread into the network namespace behind a descriptor. Returns 0, or minus the errno.
int mh_enter_network_namespace(int fd);

/// Gives the process a network and a mount namespace of its own, and with `user` a user namespace, too. Returns 0, or
/// minus the errno.
int mh_unshare(int user);

/// Gives the calling thread, and no other, a network namespace of its own. Returns 0, or minus the errno.
int mh_unshare_network(void);

/// Keeps this mount namespace's mounts to itself. Returns 0, or minus the errno.
int mh_make_mounts_private(void);

/// Lays an empty tmpfs over a directory. Returns 0, or minus the errno.
int mh_mount_tmpfs(const char *_Nonnull path);

/// Switches the loopback interface of this network namespace on. Returns 0, or minus the errno.
int mh_loopback_up(void);

// ---- Captures: packet(7) -------------------------------------------------------------------------------------------

enum { MH_ETH_P_IP = 0x0800, MH_ETH_P_IPV6 = 0x86dd };

/// What the kernel tells of a captured packet beside its bytes.
struct mh_capture {
  /// When it was captured, in nanoseconds since 1970.
  uint64_t time;
  /// Its size, of which fewer bytes may have been received.
  size_t length;
  /// ETH_P_IP, ETH_P_IPV6, or another ETH_P_*, in host order.
  uint16_t protocol;
  /// Whether this host sent it.
  uint8_t outgoing;
};

/// A non-blocking socket that hears every packet of one interface, from the network header on. Returns it, or minus the
/// errno.
int mh_open_capture(int interface, int receive_buffer);

/// Receives one packet. Returns 0, or minus the errno.
int mh_receive_capture(int fd, void *_Nonnull buffer, size_t size, struct mh_capture *_Nonnull out);

/// How many packets the socket has lost since the last time that this was asked. Returns it, or minus the errno.
int mh_capture_losses(int fd);

// ---- Which sockets there are: sock_diag(7) --------------------------------------------------------------------------

/// A UDP socket of this network namespace. Addresses in network order; an IPv4 address in the first four bytes.
struct mh_udp_socket {
  uint8_t local[16];
  uint8_t peer[16];
  uint16_t local_port;
  uint16_t peer_port;
  /// SO_BINDTODEVICE: the interface's index, or 0.
  uint32_t interface;
  /// The user that the socket belongs to: the file system user of whoever made it.
  uint32_t user;
  /// 0 for a socket of the kernel's own, such as WireGuard's.
  uint32_t inode;
  /// What the kernel knows it by, as in the messages of the doorbell.
  uint64_t cookie;
  uint8_t is_ipv6;
  uint8_t is_connected;
  /// IPV6_V6ONLY.
  uint8_t v6_only;
};

/// Lists the UDP sockets of a family, of one local port or with 0 of all. The list is the caller's to free(3). Returns how
/// many there are, or minus the errno: -ENOENT where the kernel lacks udp_diag, -ENOBUFS when it ran out of memory.
int mh_read_udp_sockets(int family, int port, struct mh_udp_socket *_Nullable *_Nonnull sockets);

/// A non-blocking netlink socket that becomes readable whenever a UDP socket with this local port is gone: when its last
/// descriptor, in whatever process, was closed. Needs no privilege. Returns it, or minus the errno.
int mh_open_socket_doorbell(uint16_t port);

/// Has it ring for the sockets with these cookies alone; with none of them, or more than fit into a filter, for all of the
/// port. Returns 0, or minus the errno; then nothing has changed.
int mh_limit_socket_doorbell(int fd, uint16_t port, const uint64_t *_Nullable cookies, size_t count);

// ---- Routes: rtnetlink(7) --------------------------------------------------------------------------------------------

/// A route, or of a routing rule its destination and table. Addresses in network order; an IPv4 address in the first four
/// bytes.
struct mh_route {
  uint8_t destination[16];
  uint8_t gateway[16];
  /// RTA_PREFSRC: the source address that the route asks for; in an answer, the one that the kernel chooses.
  uint8_t source[16];
  uint32_t table;
  /// The outgoing interface's index, or 0: several, or none.
  uint32_t interface;
  uint8_t is_ipv6;
  /// Bits of the destination that count.
  uint8_t length;
  /// RTN_UNICAST and so on.
  uint8_t type;
  uint8_t has_gateway;
  uint8_t has_source;
};

enum { MH_RTN_UNICAST = 1, MH_RTN_LOCAL = 2, MH_RTN_BROADCAST = 3, MH_RTN_ANYCAST = 4, MH_RTN_MULTICAST = 5 };

/// What a routing decision depends on beside the destination.
struct mh_route_question {
  uint8_t destination[16];
  uint32_t interface;
  uint32_t mark;
  uint32_t user;
  /// The port that is sent from, in host order; 0 for one that no rule names.
  uint16_t port;
  uint8_t is_ipv6;
};

/// Lists the routes of a family, of all tables. The list is the caller's to free(3). Returns how many there are, or minus
/// the errno: -EAGAIN when they changed in the middle of each of eight readings.
int mh_read_routes(int family, struct mh_route *_Nullable *_Nonnull routes);

/// Lists the routing rules of a family, in the same way.
int mh_read_rules(int family, struct mh_route *_Nullable *_Nonnull rules);

/// Asks how a UDP datagram would be sent whose source address is left to the kernel. Returns 0, or minus the errno:
/// -ENETUNREACH, -EHOSTUNREACH, -EACCES and -EINVAL where it would not be sent.
int mh_ask_route(const struct mh_route_question *_Nonnull asked, struct mh_route *_Nonnull answer);

// ---- Other processes: pidfd_open(2), pidfd_getfd(2) ------------------------------------------------------------------

/// A descriptor that stands for a process. Returns it, or minus the errno.
int mh_open_process(int pid);

/// Another process's descriptor as one of ours; it shares everything with its model. Returns it, or minus the errno.
int mh_duplicate_descriptor(int process, int descriptor);

// ---- Rights: capabilities(7), setfsuid(2) ----------------------------------------------------------------------------

/// The calling thread's effective capabilities, one bit each.
uint64_t mh_effective_capabilities(void);

/// The capabilities that a file gives to whoever executes it, one bit each; 0 where it gives none, or is not there.
uint64_t mh_file_capabilities(const char *_Nonnull path);

/// Gives up all of the calling thread's capabilities but these, for good, and what executing a file might give. Returns 0,
/// or minus the errno.
int mh_limit_capabilities(uint64_t kept);

/// Becomes another user for good, without supplementary groups; capabilities stay permitted, to be limited next. Returns 0, or minus the errno.
int mh_become(uint32_t user, uint32_t group);

/// Sets the user to whom what this thread makes belongs, sockets included. Returns the one before; a refusal is seen only
/// by asking again.
uint32_t mh_set_file_system_user(uint32_t user);

/// Puts every permitted capability of the calling thread into effect again. Returns 0, or minus the errno.
int mh_restore_capabilities(void);

/// Has whatever this thread executes get the capabilities that it has itself (the ambient set, capabilities(7)), as far as
/// the kernel allows. Whoever has limited its capabilities (`mh_limit_capabilities`) has emptied that set with the inheritable
/// one: what a service manager gave would otherwise end with the first execve. Async-signal-safe.
void mh_hand_on_capabilities(void);

// ---- Programs: fork(2), execve(2), waitpid(2) ------------------------------------------------------------------------

/// Starts a program, found by PATH when its name has no slash. It gets SIGKILL when the calling thread ends.
///
/// With `rights` it has the capabilities that we have; otherwise those that execve(2) gives it by itself.
/// `network` is a descriptor of the network namespace to start it in, or -1; `input`, `output` and `error` become its first
/// three. Both arrays end with NULL. Returns the pid, or minus the errno.
int mh_spawn(char *_Nullable const *_Nonnull arguments, const char *_Nonnull program,
             char *_Nullable const *_Nonnull environment, int rights, int network, int input, int output, int error);

/// Waits for the end of a child. Returns its exit status, 128 and the number of the signal that killed it, or minus the
/// errno.
int mh_reap(int pid);

/// Opens a pipe of which no child inherits an end. Returns 0, or minus the errno.
int mh_open_pipe(int *_Nonnull ends);

/// A descriptor from which a text can be read (memfd_create(2)). Returns it, or minus the errno.
int mh_open_text(const void *_Nonnull text, size_t length);

/// An empty file without a name (memfd_create(2)). Returns it, or minus the errno.
int mh_open_nameless(void);

// ---- Descriptors from process to process: unix(7), SCM_RIGHTS --------------------------------------------------------

/// A pair of connected sockets that keep messages apart (SOCK_SEQPACKET). Returns 0, or minus the errno.
int mh_open_conversation(int *_Nonnull ends);

/// Sends a message with a descriptor, or with none when that is -1. Blocks. Returns 0, or minus the errno.
int mh_say(int fd, const void *_Nonnull text, size_t length, int attached);

/// Receives a message and its descriptor, -1 when it has none. Blocks. Returns the message's length, 0 when the other end
/// is closed, or minus the errno; -EMSGSIZE when the message is longer than the room.
int mh_hear(int fd, void *_Nonnull text, size_t size, int *_Nonnull attached);

/// Puts another open file behind a descriptor in one step (dup3(2)); the one before is closed, whoever uses it. Returns 0,
/// or minus the errno.
int mh_replace(int fd, int replacement);

// ---- Service managers: sd_notify(3) ---------------------------------------------------------------------------------

/// A socket to tell a service manager by, which waits a fifth of a second at most. Returns it, or minus the errno.
int mh_open_notifier(void);

/// Sends a message to a path, or to an abstract name when it begins with '@'. Returns 0, or minus the errno.
int mh_notify(int fd, int attached, const void *_Nonnull address, size_t length, const void *_Nonnull text, size_t size);

// ---- Others --------------------------------------------------------------------------------------------------------

/// The symbol of an errno ("ECONNREFUSED"), or NULL.
const char *_Nullable mh_errno_name(int number);

/// Its description in the C locale.
const char *_Nullable mh_errno_description(int number);

/// Takes back what `mh_spawn` has asked for: the end of the parent is no signal any more.
void mh_outlive_parent(void);

/// The calling thread's number, as /proc/PID/task has it.
int mh_thread_id(void);

/// Gives the calling thread a name of at most 15 bytes, as ps -L and top -H show it.
void mh_name_thread(const char *_Nonnull name);
