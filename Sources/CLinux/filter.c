#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>

int mh_admit_only(int fd, uint32_t address, uint16_t low_port, uint16_t high_port, int interface) {
  // A UDP socket's filter sees the datagram from its UDP header on; the IPv4 header lies at SKF_NET_OFF.
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)SKF_NET_OFF + 12),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, address, 0, 6),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, low_port, 0, 4),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, high_port, 3, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(SKF_AD_OFF + SKF_AD_IFINDEX)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)interface, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ? -errno : 0;
}
