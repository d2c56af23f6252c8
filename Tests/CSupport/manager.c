#define _GNU_SOURCE
#include "CSupport.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int mhs_open_manager(const char *address) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  size_t length = strlen(address);
  if (length >= sizeof at.sun_path) return -ENAMETOOLONG;
  memcpy(at.sun_path, address, length);
  if (address[0] == '@') at.sun_path[0] = 0;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  if (bind(fd, (struct sockaddr *)&at, size) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}
