/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's thread: waits for edges, orders and the next deadline, and hands each to the state machine. */

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include "loop_state.h"

enum {
  EPOLL_BATCH = 32,
  DRAIN_BATCH = 32,
  /* A line in a storm gets the thread for this many batches, then the others have their turn. */
  DRAIN_ROUNDS = 64
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

  if (took_ns <= LOP_SLOW_NS)
    return;
  RNG_Push(&loop->ring, &event);
  loop->owes_wake = true;
}

static int port_write(void *context, unsigned output, bool active, int64_t *stamp_ns) {
  LOP *loop = context;
  BKD_Line *line = &loop->outputs[output];
  int64_t before_ns;
  int error;

  if (loop->output_groups[output] != 0)
    return SLW_Write(loop->slow[loop->output_groups[output] - 1], output, active);
  before_ns = BKD_Now();
  error = line->ops->write(line, active, stamp_ns);
  if (error == 0) {
    HST_Add(&loop->measures[ENG_MEASURE_WRITE], *stamp_ns - before_ns);
    atomic_store(&loop->levels[output], active);
    tell_slow_write(loop, output, *stamp_ns, *stamp_ns - before_ns);
  }
  return error;
}

static int port_read(void *context, unsigned input, bool *active) {
  LOP *loop = context;

  if (loop->input_groups[input] != 0)
    return SLW_Read(loop->slow[loop->input_groups[input] - 1], input, active);
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

const ENG_Ports LOP_ports = {
    .write = port_write, .read = port_read, .emit = port_emit, .measure = port_measure};

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
      if (loop->input_groups[input] != 0)
        SLW_Note(loop->slow[loop->input_groups[input] - 1], input, edges[i].active);
    }
  }
  if (lost > 0)
    ENG_EdgesLost(loop->engine, input, lost, BKD_Now());
  if (count < 0) {
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, line->fd, NULL);
    ENG_InputFailed(loop->engine, input, count, now_ns);
  }
}

static void drain_orders(LOP *loop, uint32_t head, int64_t now_ns) {
  uint32_t tail = atomic_load_explicit(&loop->order_tail, memory_order_relaxed);

  while (tail != head) {
    ENG_Order order = loop->orders[tail % ORDER_QUEUE];

    atomic_store_explicit(&loop->order_tail, ++tail, memory_order_release);
    ENG_Command(loop->engine, &order, now_ns);
  }
}

/* What the threads of slow chips have done. */
static void drain_slow(LOP *loop, int64_t now_ns) {
  SLW_Done done;

  for (unsigned i = 0; i < LOP_MAX_SLOW; i++) {
    while (loop->slow[i] != NULL && SLW_TakeDone(loop->slow[i], &done)) {
      /* Stamped after this turn began. */
      int64_t time_ns = done.time_ns > now_ns ? done.time_ns : now_ns;

      if (!done.is_output && done.error != 0) {
        ENG_InputFailed(loop->engine, done.line, done.error, time_ns);
      } else if (!done.is_output) {
        ENG_Sample(loop->engine, done.line, done.active, time_ns);
      } else {
        if (done.error == 0)
          atomic_store(&loop->levels[done.line], done.active);
        ENG_Written(loop->engine, done.line, done.error, done.time_ns, time_ns);
      }
    }
  }
}

/* A thread that sleeps is late by what it takes to wake it. It wakes a little before a write is due and waits awake:
   for a tenth of a millisecond at the end of a press, never for a poll or a debounce. */
static int64_t wake_time(const LOP *loop) {
  int64_t deadline_ns = ENG_NextDeadline(loop->engine), write_ns = ENG_NextWrite(loop->engine);

  if (write_ns != INT64_MAX && write_ns - LOP_LEAD_NS < deadline_ns)
    return write_ns - LOP_LEAD_NS;
  return deadline_ns;
}

static int64_t await_write(const LOP *loop, int64_t now_ns) {
  int64_t write_ns = ENG_NextWrite(loop->engine);

  if (write_ns - now_ns > LOP_LEAD_NS)
    return now_ns;
  while (now_ns < write_ns)
    now_ns = BKD_Now();
  return now_ns;
}

static void arm_timer(LOP *loop) {
  int64_t deadline_ns = wake_time(loop);
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

/* Takes what is ready; whether orders wait. */
static bool take_ready(LOP *loop, int timeout_ms, int64_t *now_ns) {
  struct epoll_event ready[EPOLL_BATCH];
  int count = epoll_wait(loop->epoll_fd, ready, EPOLL_BATCH, timeout_ms);
  bool orders = false;

  *now_ns = BKD_Now();
  for (int i = 0; i < count; i++) {
    uint32_t tag = ready[i].data.u32;

    if (tag < TAG_TIMER)
      drain_line(loop, tag, *now_ns);
    else if (tag == TAG_TIMER)
      /* Edge-triggered and set anew before the next wait: it need not be read. */
      loop->armed_ns = INT64_MAX;
    else
      orders = true;
  }
  return orders;
}

static void turn(LOP *loop) {
  uint32_t order_head = atomic_load_explicit(&loop->order_tail, memory_order_relaxed);
  int64_t now_ns;
  eventfd_t ignored;

  if (take_ready(loop, -1, &now_ns)) {
    (void)eventfd_read(loop->order_fd, &ignored);
    order_head = atomic_load_explicit(&loop->order_head, memory_order_acquire);
    /* Every edge that came before these orders is heard before them, however long this thread was kept waiting. */
    (void)take_ready(loop, 0, &now_ns);
  }
  atomic_fetch_add_explicit(&loop->wakeups, 1, memory_order_relaxed);
  drain_slow(loop, now_ns);
  ENG_Advance(loop->engine, now_ns);
  drain_orders(loop, order_head, now_ns);
  ENG_Advance(loop->engine, await_write(loop, now_ns));
  arm_timer(loop);
  end_turn(loop, now_ns);
}

void *LOP_Run(void *argument) {
  LOP *loop = argument;
  const THR_Area areas[] = {{loop, sizeof(*loop)}, {loop->engine, ENG_Size()}};
  int64_t now_ns;

  THR_Apply(&loop->thread_config, areas, sizeof(areas) / sizeof(areas[0]), &loop->thread_report);
  for (unsigned i = 0; i < LOP_MAX_SLOW; i++) {
    if (loop->slow[i] != NULL)
      loop->start_error = SLW_Start(loop->slow[i]);
    if (loop->start_error != 0)
      break;
  }
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
  /* They write what ENG_Stop() asked for, then end. */
  for (unsigned i = 0; i < LOP_MAX_SLOW; i++) {
    if (loop->slow[i] != NULL)
      SLW_Stop(loop->slow[i]);
  }
  drain_slow(loop, now_ns);
  /* Orders that came too late are answered, not forgotten. */
  drain_orders(loop, atomic_load_explicit(&loop->order_head, memory_order_acquire), now_ns);
  end_turn(loop, now_ns);
  return NULL;
}
