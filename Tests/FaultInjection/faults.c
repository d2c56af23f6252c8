// A library for LD_PRELOAD that makes system calls fail on demand, as the kernel would.
//
//   MH_FAULTS="RULE;RULE;..."       RULE = CALL:key=value:key=value...
//   MH_FAULTS_WHILE=PATH            rules act only while this file exists (default: always)
//
// CALL is recvmmsg, sendmmsg, getifaddrs, socket, bind, or netlink for recvfrom on a netlink socket. Keys:
//   errno=NAME|NUMBER   what the call fails with
//   cut=data|control    recvmmsg: the message is marked MSG_TRUNC or MSG_CTRUNC instead
//   cut=dump            netlink: the first message of the datagram is marked NLM_F_DUMP_INTR instead
//   hang=1              recvmmsg: the call does not return as long as the rules act
//   after=N             let so many pass first (sendmmsg and cut: messages; otherwise calls). Default 0
//   times=N             then act so often; 0 for ever. Default 1
//   trains=1            sendmmsg: only messages with UDP_SEGMENT
//   local=PORT          only sockets bound to this port
//   peer=PORT           sendmmsg: only messages to this port
//
// A message refused in the middle of a sendmmsg: those before it are sent, their number is returned, and the next call,
// which begins with it, fails. The first time that a rule acts, it says so in one line on standard error.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_RULES = 16 };

struct rule {
  char call[16];
  int error;
  int cut;
  long after, times;
  bool trains, hang, for_ever, said;
  int local, peer;
  long passed;
};

static struct rule rules[MOST_RULES];
static int rule_count;
static const char *armed_by;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void give_up(const char *what) {
  fprintf(stderr, "fault: cannot read MH_FAULTS at: %s\n", what);
  _exit(70);
}

static int errno_named(const char *name) {
  for (int number = 1; number < 134; number++) {
    const char *candidate = strerrorname_np(number);
    if (candidate != NULL && strcmp(candidate, name) == 0) return number;
  }
  int number = atoi(name);
  if (number <= 0) give_up(name);
  return number;
}

static int cut_named(const char *name) {
  if (strcmp(name, "data") == 0) return MSG_TRUNC;
  if (strcmp(name, "control") == 0) return MSG_CTRUNC;
  if (strcmp(name, "dump") != 0) give_up(name);
  return NLM_F_DUMP_INTR;
}

static const char *name_of_cut(int cut) {
  return cut == MSG_TRUNC ? "MSG_TRUNC" : cut == MSG_CTRUNC ? "MSG_CTRUNC" : "NLM_F_DUMP_INTR";
}

static void read_pair(struct rule *rule, char *pair) {
  char *value = strchr(pair, '=');
  if (value == NULL) give_up(pair);
  *value++ = 0;
  if (strcmp(pair, "errno") == 0) rule->error = errno_named(value);
  else if (strcmp(pair, "cut") == 0) rule->cut = cut_named(value);
  else if (strcmp(pair, "after") == 0) rule->after = atol(value);
  else if (strcmp(pair, "times") == 0) rule->times = atol(value);
  else if (strcmp(pair, "hang") == 0) rule->hang = atoi(value) != 0;
  else if (strcmp(pair, "trains") == 0) rule->trains = atoi(value) != 0;
  else if (strcmp(pair, "local") == 0) rule->local = atoi(value);
  else if (strcmp(pair, "peer") == 0) rule->peer = atoi(value);
  else give_up(pair);
}

static void read_rule(char *text) {
  if (rule_count == MOST_RULES) give_up(text);
  struct rule *rule = &rules[rule_count++];
  rule->times = 1;
  char *rest = NULL;
  char *call = strtok_r(text, ":", &rest);
  if (call == NULL) give_up(text);
  snprintf(rule->call, sizeof rule->call, "%s", call);
  for (char *pair; (pair = strtok_r(NULL, ":", &rest)) != NULL;) read_pair(rule, pair);
  rule->for_ever = rule->times == 0;
  if (rule->error == 0 && rule->cut == 0 && !rule->hang) give_up(call);
}

__attribute__((constructor)) static void read_rules(void) {
  const char *given = getenv("MH_FAULTS");
  armed_by = getenv("MH_FAULTS_WHILE");
  char *text = given == NULL ? NULL : strdup(given), *rest = NULL;
  if (text == NULL) return;
  for (char *rule = strtok_r(text, ";", &rest); rule != NULL; rule = strtok_r(NULL, ";", &rest)) read_rule(rule);
  free(text);
}

static bool armed(void) { return rule_count > 0 && (armed_by == NULL || access(armed_by, F_OK) == 0); }

static int port_of(const struct sockaddr_storage *address) {
  if (address->ss_family == AF_INET) return ntohs(((const struct sockaddr_in *)address)->sin_port);
  if (address->ss_family == AF_INET6) return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
  return -1;
}

static int local_port(int fd) {
  struct sockaddr_storage address = {0};
  socklen_t size = sizeof address;
  return getsockname(fd, (struct sockaddr *)&address, &size) < 0 ? -1 : port_of(&address);
}

static int peer_port(int fd, const struct msghdr *message) {
  struct sockaddr_storage address = {0};
  socklen_t size = sizeof address;
  if (message->msg_name != NULL) {
    memcpy(&address, message->msg_name, message->msg_namelen);
  } else if (getpeername(fd, (struct sockaddr *)&address, &size) < 0) {
    return -1;
  }
  return port_of(&address);
}

static bool is_train(struct msghdr *message) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_SEGMENT) return true;
  }
  return false;
}

static bool concerns(const struct rule *rule, const char *call, int fd, struct msghdr *message) {
  if (strcmp(rule->call, call) != 0) return false;
  if (rule->local != 0 && local_port(fd) != rule->local) return false;
  if (message == NULL) return true;
  if (rule->trains && !is_train(message)) return false;
  return rule->peer == 0 || peer_port(fd, message) == rule->peer;
}

static bool exhausted(const struct rule *rule) { return !rule->for_ever && rule->times == 0; }

static void spend(struct rule *rule) {
  if (!rule->for_ever) rule->times--;
  if (rule->said) return;
  rule->said = true;
  char line[80];
  const char *what = rule->hang ? "hangs" : rule->error != 0 ? strerrorname_np(rule->error) : name_of_cut(rule->cut);
  int length = snprintf(line, sizeof line, "fault: %s %s\n", rule->call, what);
  (void)!write(2, line, (size_t)length);
}

// A call that fails as a whole: its errno, or 0 to let it pass.
static int refusal(const char *call, int fd) {
  if (!armed()) return 0;
  int error = 0;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < rule_count && error == 0; i++) {
    struct rule *rule = &rules[i];
    if (rule->error == 0 || exhausted(rule) || !concerns(rule, call, fd, NULL)) continue;
    if (rule->passed++ < rule->after) continue;
    spend(rule);
    error = rule->error;
  }
  pthread_mutex_unlock(&lock);
  return error;
}

// How many messages may be sent before one is refused; that one's rule, or NULL.
static unsigned int messages_to_pass(int fd, struct mmsghdr *messages, unsigned int count, struct rule **refusing) {
  long passed[MOST_RULES];
  for (int r = 0; r < rule_count; r++) passed[r] = rules[r].passed;
  for (unsigned int m = 0; m < count; m++) {
    for (int r = 0; r < rule_count; r++) {
      if (exhausted(&rules[r]) || !concerns(&rules[r], "sendmmsg", fd, &messages[m].msg_hdr)) continue;
      if (passed[r]++ < rules[r].after) continue;
      *refusing = &rules[r];
      return m;
    }
  }
  return count;
}

// Only what was really sent counts as passed: the rest comes again.
static void note_sent(int fd, struct mmsghdr *messages, int sent) {
  for (int m = 0; m < sent; m++) {
    for (int r = 0; r < rule_count; r++) {
      if (!exhausted(&rules[r]) && concerns(&rules[r], "sendmmsg", fd, &messages[m].msg_hdr)) rules[r].passed++;
    }
  }
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags) {
  int (*real)(int, struct mmsghdr *, unsigned int, int) = dlsym(RTLD_NEXT, "sendmmsg");
  if (!armed()) return real(fd, messages, count, flags);
  struct rule *refusing = NULL;
  pthread_mutex_lock(&lock);
  unsigned int passing = messages_to_pass(fd, messages, count, &refusing);
  int result = -1, error = 0;
  if (passing == 0 && refusing != NULL) {
    spend(refusing);
    error = refusing->error;
  } else {
    result = real(fd, messages, passing, flags);
    error = errno;
    note_sent(fd, messages, result);
  }
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

// What is to be marked as cut on one received message, or 0.
static int cut_of(const char *call, int fd) {
  int cut = 0;
  pthread_mutex_lock(&lock);
  for (int r = 0; r < rule_count; r++) {
    struct rule *rule = &rules[r];
    if (rule->cut == 0 || exhausted(rule) || !concerns(rule, call, fd, NULL)) continue;
    if (rule->passed++ < rule->after) continue;
    spend(rule);
    cut |= rule->cut;
  }
  pthread_mutex_unlock(&lock);
  return cut;
}

static void hang(const char *call, int fd) {
  for (int r = 0; r < rule_count; r++) {
    if (!rules[r].hang || !armed() || !concerns(&rules[r], call, fd, NULL)) continue;
    pthread_mutex_lock(&lock);
    spend(&rules[r]);
    pthread_mutex_unlock(&lock);
    while (armed()) usleep(10000);
  }
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *limit) {
  int (*real)(int, struct mmsghdr *, unsigned int, int, struct timespec *) = dlsym(RTLD_NEXT, "recvmmsg");
  hang("recvmmsg", fd);
  int error = refusal("recvmmsg", fd);
  if (error != 0) {
    errno = error;
    return -1;
  }
  int result = real(fd, messages, count, flags, limit);
  for (int m = 0; m < result && armed(); m++) messages[m].msg_hdr.msg_flags |= cut_of("recvmmsg", fd);
  return result;
}

ssize_t recvfrom(int fd, void *buffer, size_t room, int flags, struct sockaddr *from, socklen_t *length) {
  ssize_t (*real)(int, void *, size_t, int, struct sockaddr *, socklen_t *) = dlsym(RTLD_NEXT, "recvfrom");
  int domain = 0;
  socklen_t size = sizeof domain;
  if (!armed() || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 || domain != AF_NETLINK) {
    return real(fd, buffer, room, flags, from, length);
  }
  int error = refusal("netlink", fd);
  if (error != 0) {
    errno = error;
    return -1;
  }
  ssize_t received = real(fd, buffer, room, flags, from, length);
  if (received >= (ssize_t)sizeof(struct nlmsghdr) && room >= sizeof(struct nlmsghdr)) {
    ((struct nlmsghdr *)buffer)->nlmsg_flags |= (uint16_t)cut_of("netlink", fd);
  }
  return received;
}

int getifaddrs(struct ifaddrs **out) {
  int (*real)(struct ifaddrs **) = dlsym(RTLD_NEXT, "getifaddrs");
  int error = refusal("getifaddrs", -1);
  if (error == 0) return real(out);
  errno = error;
  return -1;
}

int socket(int domain, int type, int protocol) {
  int (*real)(int, int, int) = dlsym(RTLD_NEXT, "socket");
  // Only UDP: the loop's and the libraries' own sockets are no concern of ours.
  int error = (type & 15) == SOCK_DGRAM ? refusal("socket", -1) : 0;
  if (error == 0) return real(domain, type, protocol);
  errno = error;
  return -1;
}

int bind(int fd, const struct sockaddr *address, socklen_t length) {
  int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
  int error = address->sa_family == AF_INET || address->sa_family == AF_INET6 ? refusal("bind", -1) : 0;
  if (error == 0) return real(fd, address, length);
  errno = error;
  return -1;
}
