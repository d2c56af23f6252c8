// Starts a program with sockets that it finds open, as a service manager does (sd_listen_fds(3)).
//
//   activate KIND ADDRESS PORT NAME [KIND ADDRESS PORT NAME]... -- PROGRAM [ARGUMENT]...
//
// KIND is udp, connected (a UDP socket that is connected to itself) or tcp. IPv6 addresses may have a scope: fe80::1%eth0.
#define _GNU_SOURCE
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void give_up(const char *what) {
  perror(what);
  exit(70);
}

static void open_one(char **given, int number) {
  int is_tcp = strcmp(given[0], "tcp") == 0;
  struct addrinfo hints = {.ai_socktype = is_tcp ? SOCK_STREAM : SOCK_DGRAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
  struct addrinfo *address;
  if (getaddrinfo(given[1], given[2], &hints, &address) != 0) give_up(given[1]);
  int fd = socket(address->ai_family, address->ai_socktype, 0);
  if (fd != 3 + number) give_up("socket");
  if (bind(fd, address->ai_addr, address->ai_addrlen) < 0) give_up(given[1]);
  if (is_tcp && listen(fd, 1) < 0) give_up("listen");
  if (strcmp(given[0], "connected") == 0 && connect(fd, address->ai_addr, address->ai_addrlen) < 0) give_up("connect");
  freeaddrinfo(address);
}

int main(int count, char **arguments) {
  char names[1024] = "", text[32];
  int sockets = 0;
  char **next = arguments + 1;
  for (; next + 4 < arguments + count && strcmp(*next, "--") != 0; next += 4) {
    open_one(next, sockets);
    if (sockets++ > 0) strcat(names, ":");
    strncat(names, next[3], sizeof names - strlen(names) - 2);
  }
  snprintf(text, sizeof text, "%d", sockets);
  setenv("LISTEN_FDS", text, 1);
  snprintf(text, sizeof text, "%d", (int)getpid());
  setenv("LISTEN_PID", text, 1);
  setenv("LISTEN_FDNAMES", names, 1);
  execvp(next[1], next + 1);
  give_up(next[1]);
}
