#define _GNU_SOURCE
#include "CSupport.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

int mhs_resize(int terminal, uint16_t columns, uint16_t rows) {
  struct winsize size = {.ws_col = columns, .ws_row = rows};
  return ioctl(terminal, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

int mhs_terminal(uint16_t columns, uint16_t rows, int *ends) {
  char name[64];
  ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (ends[0] < 0) return -errno;
  ends[1] = -1;
  if (grantpt(ends[0]) == 0 && unlockpt(ends[0]) == 0 && ptsname_r(ends[0], name, sizeof name) == 0) {
    ends[1] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  }
  int result = ends[1] < 0 ? -errno : mhs_resize(ends[0], columns, rows);
  if (result < 0) {
    close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
  }
  return result;
}
