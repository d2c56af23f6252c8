#define _GNU_SOURCE
#include "CLinux.h"

#include <endian.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/xattr.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

// Each call is for the calling thread (capget(2)); the C library has no wrapper.
static const struct __user_cap_header_struct own = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};

uint64_t mh_effective_capabilities(void) {
  struct __user_cap_header_struct header = own;
  struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
  if (syscall(SYS_capget, &header, data) < 0) return 0;
  return data[0].effective | (uint64_t)data[1].effective << 32;
}

uint64_t mh_file_capabilities(const char *path) {
  struct vfs_ns_cap_data set;
  // Revisions 2 and 3; the first one, of half the size, is older than Linux 2.6.25.
  if (getxattr(path, XATTR_NAME_CAPS, &set, sizeof set) < (ssize_t)XATTR_CAPS_SZ_2) return 0;
  return le32toh(set.data[0].permitted) | (uint64_t)le32toh(set.data[1].permitted) << 32;
}

int mh_limit_capabilities(uint64_t kept) {
  struct __user_cap_header_struct header = own;
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) < 0) return -errno;
  for (int half = 0; half < 2; half++) {
    uint32_t mask = (uint32_t)(kept >> (32 * half));
    data[half].permitted &= mask;
    data[half].effective = data[half].permitted;
    data[half].inheritable = 0;
  }
  if (syscall(SYS_capset, &header, data) < 0) return -errno;
  // Whatever is executed from here on gains nothing by file capabilities or set-user-ID bits.
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int mh_become(uint32_t user, uint32_t group) {
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return -errno;
  if (setgroups(0, NULL) < 0 || setresgid(group, group, group) < 0 || setresuid(user, user, user) < 0) return -errno;
  return 0;
}

uint32_t mh_set_file_system_user(uint32_t user) { return (uint32_t)setfsuid(user); }

int mh_restore_capabilities(void) {
  struct __user_cap_header_struct header = own;
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) < 0) return -errno;
  for (int half = 0; half < 2; half++) data[half].effective = data[half].permitted;
  return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

void mh_hand_on_capabilities(void) {
  struct __user_cap_header_struct header = own;
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) < 0) return;
  for (int half = 0; half < 2; half++) data[half].inheritable |= data[half].permitted;
  if (syscall(SYS_capset, &header, data) < 0) return;
  for (int number = 0; number < 64; number++) {
    if (data[number / 32].permitted >> number % 32 & 1) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0);
  }
}
