// A UDP service that sends every datagram back and never is the bottleneck of a benchmark.
//
// usage: bench-echo [--plain] [--processes N] ADDRESS:PORT...
//
// It takes and gives GSO/GRO trains, as QUIC stacks do; with --plain one datagram at a time, as most services do. Both
// in batches. Like most services it leaves a reply's source address to the kernel. With --processes the kernel spreads
// the clients over so many of them (SO_REUSEPORT). It ends by itself after an hour.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, BUFFER_BYTES = 65536, CONTROL_BYTES = 64, QUEUE_BYTES = 64 << 20, LIFETIME_S = 3600 };
enum { BATCHES_A_LOOK = 4, MOST_PROCESSES = 256 };

struct options {
  bool trains;
  int processes;
};

static struct mmsghdr messages[BATCH];
static struct iovec vectors[BATCH];
static struct sockaddr_in6 names[BATCH];
static _Alignas(8) char controls[BATCH][CONTROL_BYTES];
static uint8_t *buffers;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static socklen_t parse(char *text, struct sockaddr_storage *address) {
  struct sockaddr_in *v4 = (struct sockaddr_in *)address;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
  memset(address, 0, sizeof *address);
  char *colon = strrchr(text, ':');
  if (!colon) return 0;
  *colon = 0;
  in_port_t port = htons((uint16_t)atoi(colon + 1));
  if (*text == '[' && colon[-1] == ']') {
    colon[-1] = 0;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = port;
    return inet_pton(AF_INET6, text + 1, &v6->sin6_addr) == 1 ? sizeof *v6 : 0;
  }
  v4->sin_family = AF_INET;
  v4->sin_port = port;
  return inet_pton(AF_INET, text, &v4->sin_addr) == 1 ? sizeof *v4 : 0;
}

static int open_service(char *text, struct options options) {
  struct sockaddr_storage address;
  socklen_t length = parse(text, &address);
  if (!length) {
    fprintf(stderr, "bench-echo: not an ADDRESS:PORT: %s\n", text);
    exit(64);
  }
  int on = 1, bytes = QUEUE_BYTES, fd = socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  if (options.processes > 1 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) fail("SO_REUSEPORT");
  if (options.trains && setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) < 0) fail("UDP_GRO");
  if (bind(fd, (struct sockaddr *)&address, length) < 0) fail("bind");
  return fd;
}

static void wire(void) {
  buffers = calloc(BATCH, BUFFER_BYTES);
  if (!buffers) fail("calloc");
  for (int i = 0; i < BATCH; i++)
    messages[i].msg_hdr = (struct msghdr){.msg_name = &names[i], .msg_iov = &vectors[i], .msg_iovlen = 1};
}

static void await_batch(bool trains) {
  for (int i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){.iov_base = buffers + (size_t)i * BUFFER_BYTES, .iov_len = BUFFER_BYTES};
    messages[i].msg_hdr.msg_namelen = sizeof names[i];
    messages[i].msg_hdr.msg_control = trains ? controls[i] : NULL;
    messages[i].msg_hdr.msg_controllen = trains ? CONTROL_BYTES : 0;
  }
}

// Turns a received message into the one that sends it back: the same bytes, cut into the same segments.
static void turn_around(struct mmsghdr *message) {
  struct msghdr *header = &message->msg_hdr;
  header->msg_iov->iov_len = message->msg_len;
  struct cmsghdr *control = CMSG_FIRSTHDR(header);
  int size = 0;
  if (control && control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO)
    memcpy(&size, CMSG_DATA(control), sizeof size);
  if (size <= 0 || (unsigned)size >= message->msg_len) {
    header->msg_control = NULL;
    header->msg_controllen = 0;
    return;
  }
  uint16_t segment = (uint16_t)size;
  control->cmsg_type = UDP_SEGMENT;
  control->cmsg_len = CMSG_LEN(sizeof segment);
  memcpy(CMSG_DATA(control), &segment, sizeof segment);
  header->msg_controllen = CMSG_SPACE(sizeof segment);
}

static void serve(int fd, bool trains) {
  for (int turn = 0; turn < BATCHES_A_LOOK; turn++) {
    await_batch(trains);
    int count = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
    if (count <= 0) return;
    for (int i = 0; i < count; i++) turn_around(&messages[i]);
    for (int done = 0; done < count;) {
      int sent = sendmmsg(fd, messages + done, (unsigned)(count - done), MSG_DONTWAIT);
      // What cannot be sent is lost, as UDP is.
      done += sent > 0 ? sent : 1;
    }
    if (count < BATCH) return;
  }
}

// A service for each address, watched by one epoll.
static int open_services(char **texts, struct options options) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) fail("epoll_create1");
  for (; *texts; texts++) {
    // A copy, since parsing cuts it, and each process opens its own.
    char *text = strdup(*texts);
    if (!text) fail("strdup");
    int fd = open_service(text, options);
    free(text);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
  }
  return epoll;
}

static void serve_for_ever(int epoll, bool trains) {
  for (;;) {
    struct epoll_event events[BATCH];
    int ready = epoll_wait(epoll, events, BATCH, -1);
    if (ready < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < ready; i++) serve(events[i].data.fd, trains);
  }
}

// The sockets are opened before there is a process to serve them, so that "ready" means all of them.
static void add_process(char **texts, struct options options) {
  int epoll = open_services(texts, options);
  pid_t parent = getpid(), child = fork();
  if (child < 0) fail("fork");
  if (child) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  serve_for_ever(epoll, options.trains);
}

static void usage(FILE *where, int status) {
  fprintf(where,
          "usage: bench-echo [--plain] [--processes 1-%d] ADDRESS:PORT...\n\n"
          "Sends every datagram back; says \"ready\" when it can. It ends by itself after an hour.\n\n"
          "  --plain        one datagram at a time, no GSO/GRO trains\n"
          "  --processes    so many, among which the kernel spreads the clients\n",
          MOST_PROCESSES);
  exit(status);
}

int main(int count, char **arguments) {
  struct options options = {.trains = true, .processes = 1};
  int first = 1;
  if (count > 1 && (!strcmp(arguments[1], "--help") || !strcmp(arguments[1], "-h"))) usage(stdout, 0);
  if (first < count && !strcmp(arguments[first], "--plain")) {
    options.trains = false;
    first++;
  }
  if (first + 1 < count && !strcmp(arguments[first], "--processes")) {
    options.processes = atoi(arguments[first + 1]);
    first += 2;
  }
  if (first >= count || options.processes < 1 || options.processes > MOST_PROCESSES) usage(stderr, 64);
  alarm(LIFETIME_S);
  wire();
  for (int i = 1; i < options.processes; i++) add_process(arguments + first, options);
  int epoll = open_services(arguments + first, options);
  printf("ready\n");
  fflush(stdout);
  serve_for_ever(epoll, options.trains);
}
