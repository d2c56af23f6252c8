// A library for LD_PRELOAD that makes a program's time pass MH_CLOCK_SPEED times as fast: what takes minutes by its own
// rules can be tested within seconds. Monotonic clocks, and how long an event loop sleeps.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

static long speed = 1;

__attribute__((constructor)) static void read_speed(void) {
  const char *given = getenv("MH_CLOCK_SPEED");
  if (given != NULL && atol(given) > 0) speed = atol(given);
}

int clock_gettime(clockid_t clock, struct timespec *out) {
  static int (*real)(clockid_t, struct timespec *);
  if (real == NULL) real = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, out);
  if (result != 0 || (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE)) return result;
  __int128 passed = ((__int128)out->tv_sec * 1000000000 + out->tv_nsec) * speed;
  out->tv_sec = (time_t)(passed / 1000000000);
  out->tv_nsec = (long)(passed % 1000000000);
  return result;
}

static int shortened(int limit) { return limit <= 0 ? limit : (int)((limit + speed - 1) / speed); }

int epoll_pwait(int fd, struct epoll_event *events, int count, int limit, const sigset_t *signals) {
  int (*real)(int, struct epoll_event *, int, int, const sigset_t *) = dlsym(RTLD_NEXT, "epoll_pwait");
  return real(fd, events, count, shortened(limit), signals);
}

int epoll_wait(int fd, struct epoll_event *events, int count, int limit) {
  int (*real)(int, struct epoll_event *, int, int) = dlsym(RTLD_NEXT, "epoll_wait");
  return real(fd, events, count, shortened(limit));
}
