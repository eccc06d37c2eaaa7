/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's thread: waits for edges, orders and the next deadline, and hands each to the state machine. */

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"
#include "engine.h"
#include "histogram.h"
#include "ring.h"
#include "thread.h"
#include "view.h"

enum {
  ORDER_QUEUE = 256,
  EPOLL_BATCH = 32,
  DRAIN_BATCH = 32,
  /* A line in a storm gets the thread for this many batches, then the others have their turn. */
  DRAIN_ROUNDS = 64,
  STACK_SIZE = 256 * 1024,
  TAG_TIMER = ENG_MAX_INPUTS,
  TAG_ORDERS
};

/* A write that sleeps (an expander on I2C takes 200 us and more) makes every other line late. */
#define SLOW_WRITE_NS INT64_C(200000)

struct LOP_Loop {
  ENG *engine;
  pthread_t thread;
  pthread_mutex_t submit_lock;
  sem_t ready;
  _Atomic bool running;
  _Atomic bool stopping;
  bool started;
  bool owes_wake;
  int epoll_fd, timer_fd, order_fd, event_fd;
  int64_t armed_ns;
  LOP_ThreadConfig thread_config;
  LOP_ThreadReport thread_report;
  BKD_Line outputs[ENG_MAX_OUTPUTS];
  BKD_Line inputs[ENG_MAX_INPUTS];
  ENG_Order orders[ORDER_QUEUE];
  _Atomic uint32_t order_head, order_tail;
  _Atomic uint64_t claims[ENG_MAX_OUTPUTS];
  _Atomic bool momentary[ENG_MAX_OUTPUTS];
  _Atomic bool levels[ENG_MAX_OUTPUTS];
  VIEW_Input views[ENG_MAX_INPUTS];
  RNG_Ring ring;
  HST_Histogram measures[ENG_MEASURES];
  _Atomic uint64_t wakeups;
  _Atomic int64_t since_ns;
};

int64_t BKD_Now(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Ports of the state machine ------------------------------------------------------------------------------------- */

static void tell_slow_write(LOP *loop, unsigned output, int64_t stamp_ns, int64_t took_ns) {
  ENG_Event event = {
      .kind = ENG_EVENT_SLOW_WRITE, .line = (int32_t)output, .time_ns = stamp_ns, .achieved_ns = took_ns};

  if (took_ns <= SLOW_WRITE_NS)
    return;
  RNG_Push(&loop->ring, &event);
  loop->owes_wake = true;
}

static int port_write(void *context, unsigned output, bool active, int64_t *stamp_ns) {
  LOP *loop = context;
  BKD_Line *line = &loop->outputs[output];
  int64_t before_ns = BKD_Now();
  int error = line->ops->write(line, active, stamp_ns);

  if (error == 0) {
    HST_Add(&loop->measures[ENG_MEASURE_WRITE], *stamp_ns - before_ns);
    atomic_store(&loop->levels[output], active);
    tell_slow_write(loop, output, *stamp_ns, *stamp_ns - before_ns);
  }
  return error;
}

static int port_read(void *context, unsigned input, bool *active) {
  LOP *loop = context;

  return loop->inputs[input].ops->read(&loop->inputs[input], active);
}

static void publish(LOP *loop, unsigned input) {
  ENG_InputState state;

  if (!ENG_TakeDirty(loop->engine, input))
    return;
  ENG_GetInput(loop->engine, input, &state);
  VIEW_Publish(&loop->views[input], &state);
}

static void port_emit(void *context, const ENG_Event *event) {
  LOP *loop = context;

  /* State first: whoever reads the event finds the state that it announces. */
  if (event->kind == ENG_EVENT_INPUT_CHANGED) {
    publish(loop, (unsigned)event->line);
  } else if (event->kind == ENG_EVENT_COMMAND_DONE && event->line >= 0 && event->line < ENG_MAX_OUTPUTS) {
    uint64_t token = event->token;

    atomic_compare_exchange_strong(&loop->claims[event->line], &token, 0);
  }
  RNG_Push(&loop->ring, event);
  loop->owes_wake = true;
}

static void port_measure(void *context, ENG_Measure what, int64_t delay_ns) {
  LOP *loop = context;

  HST_Add(&loop->measures[what], delay_ns);
}

/* Thread --------------------------------------------------------------------------------------------------------- */

static void drain_line(LOP *loop, unsigned input, int64_t now_ns) {
  BKD_Line *line = &loop->inputs[input];
  BKD_Edge edges[DRAIN_BATCH];
  uint64_t lost = 0;
  int count = DRAIN_BATCH;

  for (unsigned round = 0; round < DRAIN_ROUNDS && count == DRAIN_BATCH; round++) {
    count = line->ops->drain(line, edges, DRAIN_BATCH);
    for (int i = 0; i < count; i++) {
      lost += (uint32_t)(edges[i].seqno - line->last_seqno - 1);
      line->last_seqno = edges[i].seqno;
      /* The edge may be younger than the start of this turn. */
      ENG_Edge(loop->engine, input, edges[i].active, edges[i].time_ns,
               edges[i].time_ns > now_ns ? edges[i].time_ns : now_ns);
    }
  }
  if (lost > 0)
    ENG_EdgesLost(loop->engine, input, lost, BKD_Now());
  if (count < 0) {
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, line->fd, NULL);
    ENG_InputFailed(loop->engine, input, count, now_ns);
  }
}

static void drain_orders(LOP *loop, int64_t now_ns) {
  uint32_t tail = atomic_load_explicit(&loop->order_tail, memory_order_relaxed);

  while (tail != atomic_load_explicit(&loop->order_head, memory_order_acquire)) {
    ENG_Order order = loop->orders[tail % ORDER_QUEUE];

    atomic_store_explicit(&loop->order_tail, ++tail, memory_order_release);
    ENG_Command(loop->engine, &order, now_ns);
  }
}

static void arm_timer(LOP *loop) {
  int64_t deadline_ns = ENG_NextDeadline(loop->engine);
  struct itimerspec when = {.it_value = {0, 0}};

  if (deadline_ns == loop->armed_ns)
    return;
  loop->armed_ns = deadline_ns;
  if (deadline_ns != INT64_MAX) {
    /* Zero would disarm. */
    if (deadline_ns < 1)
      deadline_ns = 1;
    when.it_value.tv_sec = (time_t)(deadline_ns / INT64_C(1000000000));
    when.it_value.tv_nsec = (long)(deadline_ns % INT64_C(1000000000));
  }
  timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void end_turn(LOP *loop, int64_t now_ns) {
  for (unsigned i = 0; i < ENG_InputCount(loop->engine); i++)
    publish(loop, i);
  if (RNG_Owes(&loop->ring)) {
    RNG_Flush(&loop->ring, now_ns);
    loop->owes_wake = true;
  }
  if (loop->owes_wake) {
    loop->owes_wake = false;
    (void)eventfd_write(loop->event_fd, 1);
  }
}

static void turn(LOP *loop) {
  struct epoll_event ready[EPOLL_BATCH];
  int count = epoll_wait(loop->epoll_fd, ready, EPOLL_BATCH, -1);
  int64_t now_ns = BKD_Now();
  eventfd_t ignored;

  atomic_fetch_add_explicit(&loop->wakeups, 1, memory_order_relaxed);
  for (int i = 0; i < count; i++) {
    uint32_t tag = ready[i].data.u32;

    if (tag < TAG_TIMER) {
      drain_line(loop, tag, now_ns);
    } else if (tag == TAG_TIMER) {
      (void)eventfd_read(loop->timer_fd, &ignored);
      loop->armed_ns = INT64_MAX;
    } else {
      (void)eventfd_read(loop->order_fd, &ignored);
    }
  }
  ENG_Advance(loop->engine, now_ns);
  drain_orders(loop, now_ns);
  arm_timer(loop);
  end_turn(loop, now_ns);
}

static void *run(void *argument) {
  LOP *loop = argument;
  int64_t now_ns;

  THR_Apply(&loop->thread_config, loop, sizeof(*loop), &loop->thread_report);
  now_ns = BKD_Now();
  atomic_store(&loop->since_ns, now_ns);
  ENG_Start(loop->engine, now_ns);
  loop->armed_ns = INT64_MAX;
  arm_timer(loop);
  end_turn(loop, now_ns);
  sem_post(&loop->ready);

  while (!atomic_load(&loop->stopping))
    turn(loop);

  now_ns = BKD_Now();
  ENG_Stop(loop->engine, now_ns);
  /* Orders that came too late are answered, not forgotten. */
  drain_orders(loop, now_ns);
  end_turn(loop, now_ns);
  return NULL;
}

/* Face ----------------------------------------------------------------------------------------------------------- */

static int add_to_epoll(LOP *loop, int fd, uint32_t tag) {
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = tag};

  return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

LOP *LOP_Create(void) {
  LOP *loop = calloc(1, sizeof(*loop));
  ENG_Ports ports = {loop, port_write, port_read, port_emit, port_measure};

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

int LOP_AddOutput(LOP *loop, const LOP_Source *source, const ENG_OutputConfig *config) {
  BKD_Line line;
  int index = open_line(&line, source, true);

  if (index < 0)
    return index;
  index = to_errno(ENG_AddOutput(loop->engine, config));
  if (index < 0) {
    line.ops->close(&line);
    return index;
  }
  loop->outputs[index] = line;
  atomic_store(&loop->momentary[index], config->line_class == ENG_MOMENTARY);
  atomic_store(&loop->levels[index], config->line_class == ENG_MAINTAINED && config->initial != 0);
  return index;
}

int LOP_AddInput(LOP *loop, const LOP_Source *source, const ENG_InputConfig *config) {
  BKD_Line line;
  int error, index = open_line(&line, source, false);

  if (index < 0)
    return index;
  index = to_errno(ENG_AddInput(loop->engine, config));
  if (index < 0) {
    line.ops->close(&line);
    return index;
  }
  loop->inputs[index] = line;
  error = config->poll_ns > 0 ? 0 : add_to_epoll(loop, line.fd, (uint32_t)index);
  return error != 0 ? error : index;
}

int LOP_AddRule(LOP *loop, const ENG_RuleConfig *config) { return to_errno(ENG_AddRule(loop->engine, config)); }

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
  error = pthread_create(&loop->thread, &attributes, run, loop);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  if (error != 0)
    return -error;
  loop->started = true;
  while (sem_wait(&loop->ready) < 0 && errno == EINTR)
    continue;
  atomic_store(&loop->running, true);
  *report = loop->thread_report;
  return 0;
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

void LOP_ResetStatistics(LOP *loop) {
  for (unsigned i = 0; i < ENG_MEASURES; i++)
    HST_Reset(&loop->measures[i]);
  atomic_store(&loop->wakeups, 0);
  atomic_store(&loop->since_ns, BKD_Now());
  atomic_store(&loop->ring.high_water, 0);
}
