#ifndef CMHD_SHIM_H
#define CMHD_SHIM_H

#include <microhttpd.h>

// Swift can call no function that takes any number of arguments; these are the calls that we make of them.

struct mh_http_limits {
  // At once, all together and from one address.
  unsigned int connections, connections_per_address;
  // Bytes for what one client asks, headers included.
  size_t memory;
  // Seconds without any progress.
  unsigned int patience;
};

// Serves a socket that listens, without a thread, by an epoll descriptor. NULL for want of memory or descriptors; the
// socket stays the caller's.
static inline struct MHD_Daemon *mh_http_start(
  int socket, struct mh_http_limits limits, MHD_AccessHandlerCallback answer, MHD_NotifyConnectionCallback notice,
  void *context) {
  return MHD_start_daemon(
    MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, answer, context,
    MHD_OPTION_LISTEN_SOCKET, socket,
    MHD_OPTION_CONNECTION_LIMIT, limits.connections,
    MHD_OPTION_PER_IP_CONNECTION_LIMIT, limits.connections_per_address,
    MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits.memory,
    MHD_OPTION_CONNECTION_TIMEOUT, limits.patience,
    MHD_OPTION_NOTIFY_CONNECTION, notice, context,
    MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
    MHD_OPTION_END);
}

// The epoll descriptor, which stays the daemon's; -1 when there is none.
static inline int mh_http_epoll(struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
  return info ? info->epoll_fd : -1;
}

// A connection's socket, which stays the daemon's; -1 when there is none.
static inline int mh_http_socket(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}

#endif
