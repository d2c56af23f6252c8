#define _GNU_SOURCE
#include "CLinux.h"

#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

const char *mh_errno_name(int number) { return strerrorname_np(number); }

const char *mh_errno_description(int number) { return strerrordesc_np(number); }

void mh_outlive_parent(void) { (void)prctl(PR_SET_PDEATHSIG, 0); }

int mh_thread_id(void) { return gettid(); }

void mh_name_thread(const char *name) { (void)pthread_setname_np(pthread_self(), name); }
