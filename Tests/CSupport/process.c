#define _GNU_SOURCE
#include "CSupport.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// Runs in the child, which has one thread: only async-signal-safe calls.
static int prepare(int parent, int news, int network, int input, int output, int error) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return errno;
  if (getppid() != parent) return ESRCH;
  if (network >= 0 && setns(network, CLONE_NEWNET) < 0) return errno;
  if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(error, 2) < 0) return errno;
  // Closed now and not by exec: so all of them are gone for certain when the parent reads the end of the news.
  unsigned int kept = (unsigned int)news;
  if (kept > 3 && close_range(3, kept - 1, 0) < 0) return errno;
  if (close_range(kept + 1, ~0U, 0) < 0) return errno;
  return 0;
}

int mhs_spawn(char *const *arguments, char *const *environment, int network, int input, int output, int error) {
  // Closed by a successful exec; otherwise it brings the errno.
  int news[2];
  if (pipe2(news, O_CLOEXEC) < 0) return -errno;
  int parent = getpid();
  pid_t pid = fork();
  if (pid == 0) {
    int failure = prepare(parent, news[1], network, input, output, error);
    if (failure == 0) {
      execvpe(arguments[0], arguments, environment);
      failure = errno;
    }
    (void)!write(news[1], &failure, sizeof failure);
    _exit(127);
  }
  int failure = pid < 0 ? errno : 0;
  close(news[1]);
  if (pid > 0 && read(news[0], &failure, sizeof failure) > 0) waitpid(pid, NULL, 0);
  close(news[0]);
  return failure != 0 ? -failure : pid;
}

int mhs_text(const char *text, size_t length) {
  int fd = memfd_create("text", MFD_CLOEXEC);
  if (fd < 0) return -errno;
  if (write(fd, text, length) != (ssize_t)length || lseek(fd, 0, SEEK_SET) != 0) {
    close(fd);
    return -ENOSPC;
  }
  return fd;
}

int mhs_pipe(int *ends) { return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0; }

int mhs_await(int pid) {
  siginfo_t information;
  while (waitid(P_PID, (id_t)pid, &information, WEXITED | WNOWAIT) < 0) {
    if (errno != EINTR) return -errno;
  }
  return 0;
}

int mhs_reap(int pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}
