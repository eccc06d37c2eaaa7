/* SPDX-License-Identifier: Apache-2.0 */
#include "../loop.c"

#include <poll.h>
#include <sched.h>

#include "test.h"

static MEM_Chip *chip;
static LOP *loop;
static const LOP_ThreadConfig plain = {.fifo_priority = -1, .cpu = -1};

enum { BUTTON, RAIL, GOOD, LINES };

static void start(void) {
  LOP_ThreadReport report;
  LOP_Source source = {.fd = -1};
  ENG_OutputConfig button = {.line_class = ENG_MOMENTARY, .max_press_ns = 500 * MS};
  ENG_OutputConfig rail = {.line_class = ENG_MAINTAINED, .initial = 1};
  ENG_InputConfig good = {.source = ENG_LEVEL, .rise_ns = 5 * MS, .fall_ns = 5 * MS};

  chip = MEM_Create(LINES);
  MEM_Drive(chip, RAIL, 1);
  loop = LOP_Create();
  CHECK(loop != NULL);
  source.chip = chip;
  source.index = BUTTON;
  CHECK(LOP_AddOutput(loop, &source, &button) == 0);
  source.index = RAIL;
  CHECK(LOP_AddOutput(loop, &source, &rail) == 1);
  CHECK(LOP_AddOutput(loop, &source, &rail) == -EBUSY);
  source.index = GOOD;
  CHECK(LOP_AddInput(loop, &source, &good) == 0);
  CHECK(LOP_Start(loop, &plain, &report) == 0);
  CHECK(LOP_Start(loop, &plain, &report) == -EALREADY);
}

static void stop(void) {
  LOP_Close(loop);
  LOP_Destroy(loop);
  MEM_Destroy(chip);
}

/* The next event of a kind; the loop has two seconds for it. */
static ENG_Event await(ENG_EventKind kind) {
  struct pollfd watched = {.fd = LOP_EventFd(loop), .events = POLLIN};
  ENG_Event event;

  for (;;) {
    while (LOP_TakeEvents(loop, &event, 1) == 1) {
      if (event.kind == (int32_t)kind)
        return event;
    }
    CHECK(poll(&watched, 1, 2000) == 1);
  }
}

static ENG_Order pulse(uint64_t token, int64_t width_ns) {
  return (ENG_Order){.kind = ENG_PULSE,
                     .line = BUTTON,
                     .token = token,
                     .count = 1,
                     .width_ns = width_ns,
                     .precondition = {.input = -1},
                     .until = {.input = -1}};
}

static void test_pulse(void) {
  ENG_Order order = pulse(1, 20 * MS);
  MEM_Change changes[8];
  ENG_Event event;
  LOP_Statistics statistics;

  start();
  CHECK(LOP_Submit(loop, &order) == 0);
  CHECK(LOP_GetClaim(loop, BUTTON) == 1);
  order.token = 2;
  CHECK(LOP_Submit(loop, &order) == -EBUSY);
  event = await(ENG_EVENT_COMMAND_DONE);
  CHECK(event.token == 1 && event.outcome == ENG_COMPLETED && event.achieved_ns >= 20 * MS);
  CHECK(LOP_GetClaim(loop, BUTTON) == 0 && LOP_GetOutput(loop, BUTTON) == 0);
  CHECK(MEM_TakeChanges(chip, changes, 8) == 2);
  CHECK(changes[1].time_ns - changes[0].time_ns == event.achieved_ns);
  LOP_GetStatistics(loop, &statistics);
  CHECK(statistics.lateness.count == 1 && statistics.lateness.max_ns == event.achieved_ns - 20 * MS);
  stop();
}

static void test_input_state_precedes_its_event(void) {
  ENG_InputState state;
  ENG_Event event;

  start();
  event = await(ENG_EVENT_INPUT_CHANGED);
  CHECK(event.steady == ENG_INACTIVE);
  MEM_Drive(chip, GOOD, 1);
  event = await(ENG_EVENT_INPUT_CHANGED);
  LOP_GetInput(loop, 0, &state);
  CHECK(event.steady == ENG_ACTIVE && state.steady == ENG_ACTIVE && state.stable_since_ns == event.edge_ns);
  stop();
}

static void test_lost_edges(void) {
  ENG_InputState state;
  ENG_Event event;

  start();
  (void)await(ENG_EVENT_INPUT_CHANGED);
  MEM_LoseEdges(chip, GOOD, 2);
  for (int i = 1; i <= 3; i++)
    MEM_Drive(chip, GOOD, i % 2);
  event = await(ENG_EVENT_RESYNC);
  CHECK(event.count == 2 && event.reason == ENG_REASON_EDGES_LOST);
  event = await(ENG_EVENT_INPUT_CHANGED);
  LOP_GetInput(loop, 0, &state);
  CHECK(event.steady == ENG_ACTIVE && state.resyncs == 1);
  stop();
}

static void test_close_releases_buttons_and_keeps_rails(void) {
  ENG_Order order = pulse(1, 400 * MS);
  ENG_Event event;

  start();
  CHECK(LOP_Submit(loop, &order) == 0);
  while (LOP_GetOutput(loop, BUTTON) == 0)
    sched_yield();
  LOP_Close(loop);
  CHECK(MEM_Level(chip, BUTTON) == 0 && MEM_Level(chip, RAIL) == 1);
  event = await(ENG_EVENT_COMMAND_DONE);
  CHECK(event.outcome == ENG_CANCELLED && event.reason == ENG_REASON_STOPPED);
  CHECK(LOP_Submit(loop, &order) == -ESHUTDOWN);
  stop();
}

static void test_unplugged_chip(void) {
  ENG_InputState state;
  ENG_Order order = pulse(1, 20 * MS);

  start();
  MEM_Unplug(chip);
  CHECK(await(ENG_EVENT_LINE_FAILED).error == ENODEV);
  LOP_GetInput(loop, 0, &state);
  CHECK(LOP_Submit(loop, &order) == 0);
  CHECK(await(ENG_EVENT_COMMAND_DONE).outcome == ENG_FAILED);
  stop();
}

static void test_many_orders(void) {
  ENG_Order order = pulse(0, 1);
  uint64_t done = 0;

  start();
  for (uint64_t token = 1; token <= 2000; token++) {
    int error;

    order.token = token;
    while ((error = LOP_Submit(loop, &order)) == -EBUSY)
      sched_yield();
    CHECK(error == 0);
    if (token % 100 == 0) {
      while (done < token)
        done = await(ENG_EVENT_COMMAND_DONE).token;
    }
  }
  stop();
}

static _Atomic bool reading;

static void *read_states(void *unused) {
  (void)unused;
  while (atomic_load(&reading)) {
    LOP_Statistics statistics;
    ENG_InputState state;

    LOP_GetInput(loop, 0, &state);
    LOP_GetStatistics(loop, &statistics);
    (void)LOP_GetOutput(loop, BUTTON);
  }
  return NULL;
}

/* Commands, edges, readers and events at the same time; of use under the thread sanitizer. */
static void test_all_threads_at_once(void) {
  pthread_t reader;
  ENG_Event events[64];

  start();
  atomic_store(&reading, true);
  CHECK(pthread_create(&reader, NULL, read_states, NULL) == 0);
  for (uint64_t i = 1; i <= 1000; i++) {
    ENG_Order order = pulse(i, 100000);

    (void)LOP_Submit(loop, &order);
    MEM_Drive(chip, GOOD, i % 2 == 0);
    (void)LOP_TakeEvents(loop, events, 64);
    if (i % 100 == 0)
      LOP_ResetStatistics(loop);
  }
  atomic_store(&reading, false);
  pthread_join(reader, NULL);
  stop();
}

int main(void) {
  test_pulse();
  test_input_state_precedes_its_event();
  test_lost_edges();
  test_close_releases_buttons_and_keeps_rails();
  test_unplugged_chip();
  test_many_orders();
  test_all_threads_at_once();
  puts("loop: ok");
  return 0;
}
