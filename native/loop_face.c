/* SPDX-License-Identifier: Apache-2.0 */
/* What Python calls: configuration and life of the engine's thread, orders, events, states. */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop_state.h"

enum {
  STACK_SIZE = 256 * 1024,
  /* Groups that are declared come first; the last one is for lines that were measured to be slow. */
  GROUP_MEASURED = LOP_MAX_SLOW,
  /* A line is measured until one read was quick, else at least so many times and so long. */
  MEASURED_READS = 3,
  MEASURED_NS = 20 * 1000 * 1000,
  CALLS_PER_SLOW_READ = 10
};

static int add_to_epoll(LOP *loop, int fd, uint32_t tag) {
  struct epoll_event event = {.events = tag == TAG_TIMER ? EPOLLIN | EPOLLET : EPOLLIN, .data.u32 = tag};

  return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

LOP *LOP_Create(void) {
  LOP *loop = calloc(1, sizeof(*loop));
  ENG_Ports ports = LOP_ports;

  if (loop == NULL)
    return NULL;
  loop->engine = ENG_Create();
  loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  loop->order_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  loop->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  pthread_mutex_init(&loop->submit_lock, NULL);
  sem_init(&loop->ready, 0, 0);
  if (loop->engine == NULL || loop->epoll_fd < 0 || loop->timer_fd < 0 || loop->order_fd < 0 || loop->event_fd < 0 ||
      add_to_epoll(loop, loop->timer_fd, TAG_TIMER) != 0 || add_to_epoll(loop, loop->order_fd, TAG_ORDERS) != 0) {
    LOP_Destroy(loop);
    return NULL;
  }
  ports.context = loop;
  ENG_SetPorts(loop->engine, &ports);
  return loop;
}

static int to_errno(int index) {
  if (index >= 0)
    return index;
  switch (-index) {
    case ENG_ERROR_CAPACITY:
      return -ENOSPC;
    case ENG_ERROR_INDEX:
      return -ENOENT;
    case ENG_ERROR_CONFLICT:
      return -EEXIST;
    default:
      return -EINVAL;
  }
}

static int open_line(BKD_Line *line, const LOP_Source *source, bool output) {
  return source->chip != NULL ? MEM_Open(line, source->chip, source->index, output)
                              : KRN_Open(line, source->fd, output);
}

/* What a system call costs here that waits for nothing. */
static int64_t idle_call_ns(void) {
  int64_t before_ns = BKD_Now();

  (void)syscall(SYS_getppid);
  return BKD_Now() - before_ns;
}

/*
 * The quickest of some reads: a line that sleeps does so every time, a thread that was interrupted does not. On a
 * machine that is overloaded, or is itself a guest of one, every call is late: that says nothing about the chip.
 */
static bool is_slow(BKD_Line *line) {
  int64_t began_ns = BKD_Now(), best_read_ns = INT64_MAX, best_call_ns = INT64_MAX;

  for (int i = 0; i < MEASURED_READS || BKD_Now() - began_ns < MEASURED_NS; i++) {
    int64_t before_ns = BKD_Now(), took_ns;
    bool active;

    (void)line->ops->read(line, &active);
    took_ns = BKD_Now() - before_ns;
    if (took_ns <= LOP_SLOW_NS)
      return false;
    if (took_ns < best_read_ns)
      best_read_ns = took_ns;
    took_ns = idle_call_ns();
    if (took_ns < best_call_ns)
      best_call_ns = took_ns;
  }
  return best_read_ns > CALLS_PER_SLOW_READ * best_call_ns;
}

/* The group of a line, made when it is the first one in it; 0: none, negative: -errno. */
static int find_group(LOP *loop, const LOP_Source *source, BKD_Line *line) {
  int group = source->slow_group;

  if (group < 0 || group > LOP_MAX_SLOW)
    return -EINVAL;
  if (group == 0 && is_slow(line))
    group = GROUP_MEASURED;
  if (group > 0 && loop->slow[group - 1] == NULL) {
    loop->slow[group - 1] = SLW_Create(loop->order_fd);
    if (loop->slow[group - 1] == NULL)
      return -ENOMEM;
  }
  return group;
}

int LOP_AddOutput(LOP *loop, const LOP_Source *source, const ENG_OutputConfig *config) {
  BKD_Line line;
  int group, index = open_line(&line, source, true);

  if (index < 0)
    return index;
  group = find_group(loop, source, &line);
  index = group < 0 ? group : to_errno(ENG_AddOutput(loop->engine, config));
  if (index < 0) {
    line.ops->close(&line);
    return index;
  }
  loop->outputs[index] = line;
  loop->output_groups[index] = (uint8_t)group;
  if (group > 0)
    SLW_AddOutput(loop->slow[group - 1], (unsigned)index, &loop->outputs[index]);
  atomic_store(&loop->momentary[index], config->line_class == ENG_MOMENTARY);
  atomic_store(&loop->levels[index], config->line_class == ENG_MAINTAINED && config->initial != 0);
  return index;
}

int LOP_AddInput(LOP *loop, const LOP_Source *source, const ENG_InputConfig *config) {
  ENG_InputConfig settings = *config;
  BKD_Line line;
  int error, group, index = open_line(&line, source, false);

  if (index < 0)
    return index;
  group = find_group(loop, source, &line);
  /* A slow chip is polled by its own thread. */
  if (group > 0)
    settings.poll_ns = 0;
  index = group < 0 ? group : to_errno(ENG_AddInput(loop->engine, &settings));
  if (index < 0) {
    line.ops->close(&line);
    return index;
  }
  loop->inputs[index] = line;
  loop->input_groups[index] = (uint8_t)group;
  if (group > 0)
    SLW_AddInput(loop->slow[group - 1], (unsigned)index, &loop->inputs[index], config->poll_ns);
  error = config->poll_ns > 0 ? 0 : add_to_epoll(loop, line.fd, (uint32_t)index);
  return error != 0 ? error : index;
}

int LOP_AddRule(LOP *loop, const ENG_RuleConfig *config) {
  for (int i = 0; i < config->action_count && i < ENG_MAX_ACTIONS; i++) {
    int32_t output = config->actions[i].output;

    /* An interlock does not wait for a bus. */
    if (output >= 0 && output < ENG_MAX_OUTPUTS && loop->output_groups[output] != 0)
      return -EOPNOTSUPP;
  }
  return to_errno(ENG_AddRule(loop->engine, config));
}

int LOP_AddSequence(LOP *loop, const ENG_SequenceConfig *config) {
  return to_errno(ENG_AddSequence(loop->engine, config));
}

int LOP_AddWatch(LOP *loop, const ENG_WatchConfig *config) { return to_errno(ENG_AddWatch(loop->engine, config)); }

int LOP_Start(LOP *loop, const LOP_ThreadConfig *config, LOP_ThreadReport *report) {
  pthread_attr_t attributes;
  sigset_t all, before;
  int error;

  if (loop->started)
    return -EALREADY;
  loop->thread_config = *config;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_SIZE);
  /* Signals belong to Python's main thread. */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  error = pthread_create(&loop->thread, &attributes, LOP_Run, loop);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  if (error != 0)
    return -error;
  loop->started = true;
  while (sem_wait(&loop->ready) < 0 && errno == EINTR)
    continue;
  atomic_store(&loop->running, true);
  *report = loop->thread_report;
  return loop->start_error;
}

void LOP_Close(LOP *loop) {
  pthread_mutex_lock(&loop->submit_lock);
  atomic_store(&loop->running, false);
  pthread_mutex_unlock(&loop->submit_lock);
  if (loop->started && !atomic_exchange(&loop->stopping, true)) {
    (void)eventfd_write(loop->order_fd, 1);
    pthread_join(loop->thread, NULL);
  }
  for (unsigned i = 0; i < ENG_MAX_OUTPUTS; i++) {
    if (loop->outputs[i].ops != NULL)
      loop->outputs[i].ops->close(&loop->outputs[i]);
    loop->outputs[i].ops = NULL;
  }
  for (unsigned i = 0; i < ENG_MAX_INPUTS; i++) {
    if (loop->inputs[i].ops != NULL)
      loop->inputs[i].ops->close(&loop->inputs[i]);
    loop->inputs[i].ops = NULL;
  }
}

void LOP_Destroy(LOP *loop) {
  const int fds[] = {loop->epoll_fd, loop->timer_fd, loop->order_fd, loop->event_fd};

  LOP_Close(loop);
  for (unsigned i = 0; i < LOP_MAX_SLOW; i++)
    SLW_Destroy(loop->slow[i]);
  for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
    if (fds[i] >= 0)
      close(fds[i]);
  }
  if (loop->engine != NULL)
    ENG_Destroy(loop->engine);
  sem_destroy(&loop->ready);
  pthread_mutex_destroy(&loop->submit_lock);
  free(loop);
}

static bool is_for_output(const ENG_Order *order) {
  return order->kind == ENG_PULSE || order->kind == ENG_HOLD || order->kind == ENG_SET || order->kind == ENG_RELEASE;
}

/* A press occupies its line from the moment it is asked for, so that the second one is refused at once. */
static bool occupies(const LOP *loop, const ENG_Order *order) {
  bool presses = order->kind == ENG_PULSE || order->kind == ENG_HOLD || (order->kind == ENG_SET && order->active != 0);

  return presses && loop->momentary[order->line];
}

static int enqueue(LOP *loop, const ENG_Order *order) {
  uint32_t head = atomic_load_explicit(&loop->order_head, memory_order_relaxed);

  if (!atomic_load(&loop->running))
    return -ESHUTDOWN;
  if (head - atomic_load_explicit(&loop->order_tail, memory_order_acquire) == ORDER_QUEUE)
    return -EAGAIN;
  if (occupies(loop, order)) {
    uint64_t nobody = 0;

    if (!atomic_compare_exchange_strong(&loop->claims[order->line], &nobody, order->token))
      return -EBUSY;
  }
  loop->orders[head % ORDER_QUEUE] = *order;
  atomic_store_explicit(&loop->order_head, head + 1, memory_order_release);
  return 0;
}

int LOP_Submit(LOP *loop, const ENG_Order *order) {
  int error;

  if (is_for_output(order) && (order->line < 0 || (unsigned)order->line >= ENG_OutputCount(loop->engine)))
    return -EINVAL;
  pthread_mutex_lock(&loop->submit_lock);
  error = enqueue(loop, order);
  if (error == 0)
    (void)eventfd_write(loop->order_fd, 1);
  pthread_mutex_unlock(&loop->submit_lock);
  return error;
}

int LOP_EventFd(const LOP *loop) { return loop->event_fd; }

uint32_t LOP_TakeEvents(LOP *loop, ENG_Event *events, uint32_t capacity) {
  eventfd_t ignored;
  uint32_t taken;

  /* Cleared before reading: an event that comes in between makes the descriptor readable again. */
  (void)eventfd_read(loop->event_fd, &ignored);
  taken = RNG_Pop(&loop->ring, events, capacity);
  if (!RNG_IsEmpty(&loop->ring))
    (void)eventfd_write(loop->event_fd, 1);
  return taken;
}

void LOP_GetInput(LOP *loop, uint32_t index, ENG_InputState *state) { VIEW_Read(&loop->views[index], state); }

int LOP_GetOutput(LOP *loop, uint32_t index) { return atomic_load(&loop->levels[index]); }

uint64_t LOP_GetClaim(LOP *loop, uint32_t index) { return atomic_load(&loop->claims[index]); }

void LOP_GetStatistics(LOP *loop, LOP_Statistics *statistics) {
  memset(statistics, 0, sizeof(*statistics));
  HST_Summarise(&loop->measures[ENG_MEASURE_LATENESS], &statistics->lateness);
  HST_Summarise(&loop->measures[ENG_MEASURE_EDGE_TO_ACTION], &statistics->edge_to_action);
  HST_Summarise(&loop->measures[ENG_MEASURE_WRITE], &statistics->write);
  statistics->wakeups = atomic_load(&loop->wakeups);
  statistics->since_ns = atomic_load(&loop->since_ns);
  statistics->now_ns = BKD_Now();
  statistics->events_lost = atomic_load(&loop->ring.lost);
  statistics->ring_high_water = atomic_load(&loop->ring.high_water);
  statistics->ring_capacity = RNG_CAPACITY;
}

uint64_t LOP_Nudge(LOP *loop) {
  uint64_t wakeups = atomic_load(&loop->wakeups);

  (void)eventfd_write(loop->order_fd, 1);
  return wakeups;
}

void LOP_ResetStatistics(LOP *loop) {
  for (unsigned i = 0; i < ENG_MEASURES; i++)
    HST_Reset(&loop->measures[i]);
  atomic_store(&loop->wakeups, 0);
  atomic_store(&loop->since_ns, BKD_Now());
  atomic_store(&loop->ring.high_water, 0);
}
