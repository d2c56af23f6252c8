// Sends and receives one batch on loopback and prints what came of it: the program in which the tests of faults.c let
// calls fail.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { COUNT = 6, TRAIN = 3 };

static struct mmsghdr messages[COUNT];
static struct iovec pieces[COUNT];
static char payload[COUNT][100];
static _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))];

static int open_socket(struct sockaddr_in *address) {
  socklen_t size = sizeof *address;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0 || bind(fd, (struct sockaddr *)address, size) < 0) {
    printf("socket %s\n", strerrorname_np(errno));
    return -1;
  }
  getsockname(fd, (struct sockaddr *)address, &size);
  return fd;
}

static void wire(void) {
  for (int i = 0; i < COUNT; i++) {
    payload[i][0] = (char)('a' + i);
    pieces[i] = (struct iovec){payload[i], i == TRAIN ? 100 : 10};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
  }
  struct cmsghdr header = {.cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof(uint16_t))};
  uint16_t segment = 50;
  memcpy(control, &header, sizeof header);
  memcpy(CMSG_DATA((struct cmsghdr *)control), &segment, sizeof segment);
  messages[TRAIN].msg_hdr.msg_control = control;
  messages[TRAIN].msg_hdr.msg_controllen = sizeof control;
}

// As a relay does: what is refused is skipped, the rest goes on.
static void send_all(int fd) {
  for (int next = 0; next < COUNT;) {
    int sent = sendmmsg(fd, messages + next, (unsigned)(COUNT - next), MSG_DONTWAIT);
    if (sent < 0) printf("refused %c %s\n", payload[next][0], strerrorname_np(errno));
    else printf("sent %d\n", sent);
    next += sent < 0 ? 1 : sent;
  }
}

static void receive_all(int fd) {
  for (;;) {
    for (int i = 0; i < COUNT; i++) {
      messages[i].msg_hdr.msg_controllen = 0;
      pieces[i].iov_len = sizeof payload[i];
    }
    int received = recvmmsg(fd, messages, COUNT, MSG_DONTWAIT, NULL);
    if (received < 0) printf("receive %s\n", strerrorname_np(errno));
    if (received < 0 && errno == EAGAIN) return;
    for (int i = 0; i < received; i++) {
      int flags = messages[i].msg_hdr.msg_flags;
      printf("received %c%s%s\n", payload[i][0] == 0 ? '-' : payload[i][0], flags & MSG_TRUNC ? " data cut" : "",
             flags & MSG_CTRUNC ? " control cut" : "");
    }
  }
}

int main(void) {
  struct sockaddr_in to, from;
  int receiver = open_socket(&to);
  int sender = open_socket(&from);
  if (receiver < 0 || sender < 0) return 1;
  connect(sender, (struct sockaddr *)&to, sizeof to);
  wire();
  send_all(sender);
  receive_all(receiver);
  return 0;
}
