// A service that does with each datagram what the datagram says. A program of its own, so that it can be killed and
// stopped.
//
//   service ADDRESS PORT [RECEIVE-BUFFER]
//
// Byte 0 of a request: how many replies; byte 1: how long they wait, in 10 ms; bytes 2 and 3, most significant first: how
// long a reply is, 0 for an echo. A request of fewer than 4 bytes is echoed. Writes `ready` when it is.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, LARGEST = 65536, TICK_MS = 10, TICKS = 256, LONGEST_LATE = 64 };

struct late {
  struct sockaddr_storage to;
  socklen_t size;
  uint8_t replies, length;
  char bytes[LONGEST_LATE];
};

// Replies that wait: a wheel with a row for each tick to come.
static struct row {
  struct late *late;
  size_t count, room;
} rows[TICKS];
static long waiting;

static int fd;
static char bytes[BATCH][LARGEST];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * (1000 / TICK_MS) + time.tv_nsec / (TICK_MS * 1000000L);
}

static void open_socket(const char *address, int port, int buffer) {
  struct sockaddr_storage name = {0};
  struct sockaddr_in *v4 = (struct sockaddr_in *)&name;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&name;
  if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)port);
  } else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
  } else {
    fail(address);
  }
  fd = socket(name.ss_family, SOCK_DGRAM, 0);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer) < 0) fail("SO_RCVBUF");
  if (bind(fd, (struct sockaddr *)&name, sizeof name) < 0) fail("bind");
}

static void answer(const struct sockaddr_storage *to, socklen_t size, const char *reply, size_t length, int times) {
  struct mmsghdr messages[BATCH];
  struct iovec piece = {.iov_base = (void *)reply, .iov_len = length};
  while (times > 0) {
    int count = times < BATCH ? times : BATCH;
    for (int i = 0; i < count; i++) {
      messages[i].msg_hdr =
          (struct msghdr){.msg_name = (void *)to, .msg_namelen = size, .msg_iov = &piece, .msg_iovlen = 1};
    }
    // A refusal is an earlier reply's that found nobody.
    int sent = sendmmsg(fd, messages, (unsigned int)count, MSG_NOSIGNAL);
    times -= sent > 0 ? sent : errno == ECONNREFUSED ? 0 : 1;
  }
}

static void delay(const struct sockaddr_storage *to, socklen_t size, const char *reply, size_t length) {
  struct row *row = &rows[(now() + (uint8_t)reply[1]) % TICKS];
  if (row->count == row->room) {
    row->room = row->room == 0 ? 1024 : row->room * 2;
    row->late = realloc(row->late, row->room * sizeof *row->late);
    if (row->late == NULL) fail("realloc");
  }
  struct late *late = &row->late[row->count++];
  *late = (struct late){.to = *to, .size = size, .replies = (uint8_t)reply[0]};
  late->length = (uint8_t)(length < LONGEST_LATE ? length : LONGEST_LATE);
  memcpy(late->bytes, reply, late->length);
  waiting++;
}

static void take(struct mmsghdr *message, const char *request) {
  size_t length = message->msg_len;
  socklen_t size = message->msg_hdr.msg_namelen;
  if (length < 4) return answer(message->msg_hdr.msg_name, size, request, length, 1);
  if (request[1] != 0) return delay(message->msg_hdr.msg_name, size, request, length);
  size_t wanted = (size_t)(uint8_t)request[2] << 8 | (uint8_t)request[3];
  answer(message->msg_hdr.msg_name, size, request, wanted == 0 ? length : wanted, (uint8_t)request[0]);
}

static void take_all(void) {
  static struct sockaddr_storage names[BATCH];
  static struct mmsghdr messages[BATCH];
  static struct iovec pieces[BATCH];
  for (int i = 0; i < BATCH; i++) {
    pieces[i] = (struct iovec){.iov_base = bytes[i], .iov_len = LARGEST};
    messages[i].msg_hdr = (struct msghdr){
        .msg_name = &names[i], .msg_namelen = sizeof names[i], .msg_iov = &pieces[i], .msg_iovlen = 1};
  }
  int count = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
  for (int i = 0; i < count; i++) take(&messages[i], bytes[i]);
}

static void send_late(long tick) {
  struct row *row = &rows[tick % TICKS];
  for (size_t i = 0; i < row->count; i++) {
    struct late *late = &row->late[i];
    answer(&late->to, late->size, late->bytes, late->length, late->replies);
  }
  waiting -= (long)row->count;
  row->count = 0;
}

int main(int count, char **arguments) {
  if (count < 3) return 64;
  open_socket(arguments[1], atoi(arguments[2]), count > 3 ? atoi(arguments[3]) : 8 << 20);
  if (puts("ready") < 0 || fflush(stdout) != 0) return 1;
  long tick = now();
  while (1) {
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    poll(&entry, 1, waiting > 0 ? TICK_MS : -1);
    take_all();
    // What is put into the row of this tick is due when the tick is over.
    for (long end = now(); tick < end; tick++) send_late(tick);
  }
}
