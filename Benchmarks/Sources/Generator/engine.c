#define _GNU_SOURCE
#include "engine.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

// Slots are looked through for lost requests so often.
static const uint64_t expiry_interval_ns = 20000000;

uint64_t generator_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// MARK: Birth and death

static bool allocate(struct generator *g) {
  const struct generator_plan *plan = &g->plan;
  bool pinned = plan->window == 0;
  g->slot_count = pinned ? plan->clients * plan->outstanding : plan->window;
  g->targets = calloc(plan->target_count, sizeof *g->targets);
  g->sockets = calloc(plan->by_source ? 1 : plan->clients, sizeof *g->sockets);
  g->clients = calloc(plan->clients, sizeof *g->clients);
  g->slots = calloc(g->slot_count, sizeof *g->slots);
  g->idle = calloc(g->slot_count, sizeof *g->idle);
  g->idle_counts = calloc(pinned ? plan->clients : 1, sizeof *g->idle_counts);
  g->samples = calloc(SAMPLE_ROOM, sizeof *g->samples);
  g->sending.stride = (size_t)plan->size * plan->train;
  g->sending.bytes = calloc(BATCH, g->sending.stride);
  // One byte more than a request has, so that a longer reply does not pass for one.
  g->receiving.stride = plan->receives_trains ? TRAIN_BYTES : plan->size + 1;
  g->receiving.bytes = calloc(BATCH, g->receiving.stride);
  return g->targets && g->sockets && g->clients && g->slots && g->idle && g->idle_counts && g->samples &&
         g->sending.bytes && g->receiving.bytes;
}

static void fill(struct generator *g) {
  for (uint32_t i = 0; i < g->plan.target_count; i++) make_address(&g->plan.targets[i], &g->targets[i]);
  for (uint32_t i = 0; i < g->slot_count; i++) g->idle[i] = i;
  if (g->plan.window) g->idle_counts[0] = g->slot_count;
  else
    for (uint32_t i = 0; i < g->plan.clients; i++) g->idle_counts[i] = g->plan.outstanding;
}

// Whoever spins never sleeps, and so would keep a service on the same core waiting for up to a tick.
static void step_back(void) {
  struct sched_param none = {0};
  sched_setscheduler(0, SCHED_IDLE, &none);
}

struct generator *generator_make(const struct generator_plan *plan, int *error) {
  struct generator *g = calloc(1, sizeof *g);
  if (!g) {
    *error = ENOMEM;
    return NULL;
  }
  g->plan = *plan;
  g->epoll = -1;
  if (getrandom(&g->run, sizeof g->run, 0) != sizeof g->run) g->run = (uint32_t)generator_now();
  *error = allocate(g) ? 0 : ENOMEM;
  if (!*error) *error = open_sockets(g);
  if (*error) {
    generator_free(g);
    return NULL;
  }
  wire_batches(g);
  fill(g);
  // Else the kernel may let us sleep 50 us too long.
  prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul);
  if (plan->spins) step_back();
  return g;
}

void generator_free(struct generator *g) {
  for (uint32_t i = 0; i < g->socket_count; i++) close(g->sockets[i]);
  if (g->epoll >= 0) close(g->epoll);
  free(g->targets);
  free(g->sockets);
  free(g->clients);
  free(g->slots);
  free(g->idle);
  free(g->idle_counts);
  free(g->samples);
  free(g->sending.bytes);
  free(g->receiving.bytes);
  free(g);
}

void generator_stop(struct generator *g) { g->stopping = true; }

void generator_count_losses(struct generator *g) { g->losses_since = generator_now(); }

// MARK: What came of it

struct generator_totals generator_totals(const struct generator *g) { return g->totals; }

const uint64_t *generator_samples(const struct generator *g, size_t *count) {
  *count = g->sample_count;
  return g->samples;
}

void generator_forget_samples(struct generator *g) { g->sample_count = 0; }

// MARK: The loop

static void expire(struct generator *g, uint64_t now) {
  if (now - g->expired_at < expiry_interval_ns) return;
  g->expired_at = now;
  for (uint32_t i = 0; i < g->slot_count; i++) {
    struct slot *slot = &g->slots[i];
    // A slot used again in this very pass was sent later than `now`.
    if (!slot->busy || now < slot->sent + g->plan.timeout_ns) continue;
    slot->busy = false;
    g->totals.in_flight--;
    if (slot->sent >= g->losses_since) g->totals.lost++;
    release_slot(g, i, now);
  }
  flush(g);
}

static int wait_for(struct generator *g, struct epoll_event *events, uint64_t wake) {
  uint64_t now = generator_now();
  uint64_t rest = wake > now && !g->plan.spins ? wake - now : 0;
  struct timespec timeout = {.tv_sec = (time_t)(rest / 1000000000u), .tv_nsec = (long)(rest % 1000000000u)};
  int count = epoll_pwait2(g->epoll, events, EVENTS, &timeout, NULL);
  if (count < 0) return errno == EINTR ? 0 : -errno;
  if (count == 0 && g->plan.spins) sched_yield();
  return count;
}

static bool is_priming(const struct generator *g) {
  uint32_t all = g->plan.window ? g->plan.window : g->plan.clients;
  return !g->plan.rate && g->primed < all && may_send(g);
}

int generator_run(struct generator *g, uint64_t until_ns) {
  struct epoll_event events[EVENTS];
  if (!g->started) g->started = generator_now();
  for (uint64_t now; (now = generator_now()) < until_ns;) {
    if (g->sample_count >= SAMPLE_ROOM - SAMPLE_RESERVE) break;
    if (is_priming(g)) prime(g, now);
    send_due(g, now);
    expire(g, now);
    uint64_t due = next_due(g);
    int count = wait_for(g, events, is_priming(g) ? 0 : due < until_ns ? due : until_ns);
    if (count < 0) return -count;
    for (int i = 0; i < count; i++) receive_from(g, events[i].data.u32);
  }
  return 0;
}
