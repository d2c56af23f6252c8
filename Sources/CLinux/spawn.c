#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// dup2() onto itself would leave close-on-exec on, which happens when we were started without standard input.
static int place(int fd, int target) { return fd == target ? fcntl(fd, F_SETFD, 0) : dup2(fd, target); }

// Handlers of ours must not run in the child: what they write to is the parent's.
static void forget_handlers(const sigset_t *before) {
  for (int number = 1; number < NSIG; number++) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) < 0 || action.sa_handler == SIG_IGN) continue;
    signal(number, SIG_DFL);
  }
  sigprocmask(SIG_SETMASK, before, NULL);
}

// Runs in the child, where other threads may have held any lock: only async-signal-safe calls.
static int prepare(int parent, const sigset_t *mask, int rights, int network, int input, int output, int error) {
  forget_handlers(mask);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return errno;
  if (getppid() != parent) return ESRCH;  // It died before the line above.
  signal(SIGPIPE, SIG_DFL);               // Ignored by us, and inherited otherwise.
  if (rights) mh_hand_on_capabilities();
  if (network >= 0 && setns(network, CLONE_NEWNET) < 0) return errno;
  // Above the first three, so that placing one does not overwrite another.
  if (output < 3 && (output = fcntl(output, F_DUPFD_CLOEXEC, 3)) < 0) return errno;
  if (error < 3 && (error = fcntl(error, F_DUPFD_CLOEXEC, 3)) < 0) return errno;
  if (place(input, 0) < 0 || dup2(output, 1) < 0 || dup2(error, 2) < 0) return errno;
  return 0;
}

int mh_spawn(char *const *arguments, const char *program, char *const *environment, int rights, int network, int input,
             int output, int error) {
  // A successful exec closes it; otherwise it brings the errno.
  int news[2];
  if (pipe2(news, O_CLOEXEC) < 0) return -errno;
  int parent = getpid();
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = fork();
  int failure = pid < 0 ? errno : 0;
  if (pid == 0) {
    failure = prepare(parent, &before, rights, network, input, output, error);
    if (failure == 0) {
      execvpe(program, arguments, environment);
      failure = errno;
    }
    (void)!write(news[1], &failure, sizeof failure);
    _exit(127);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(news[1]);
  if (pid > 0 && read(news[0], &failure, sizeof failure) > 0) (void)mh_reap(pid);
  close(news[0]);
  return failure != 0 ? -failure : pid;
}

int mh_reap(int pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return -errno;
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int mh_open_pipe(int *ends) { return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0; }

int mh_open_text(const void *text, size_t length) {
  int fd = memfd_create("text", MFD_CLOEXEC);
  if (fd < 0) return -errno;
  if (write(fd, text, length) != (ssize_t)length || lseek(fd, 0, SEEK_SET) != 0) {
    close(fd);
    return -ENOSPC;
  }
  return fd;
}

int mh_open_nameless(void) {
  int fd = memfd_create("multihomed", MFD_CLOEXEC);
  return fd < 0 ? -errno : fd;
}
