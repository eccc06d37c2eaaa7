/* SPDX-License-Identifier: Apache-2.0 */
#include "../input.c"

#include <errno.h>

#include "world.h"

static void test_asymmetric_debounce(void) {
  unsigned line;
  ENG_InputState state;

  world_begin();
  line = world_input(ENG_LEVEL, 20 * MS, 5 * MS);
  world_start();
  CHECK(world_state(line).steady == ENG_UNKNOWN);
  world_run(5 * MS);
  CHECK(world_state(line).steady == ENG_INACTIVE);

  world_drive(line, true);
  world_run(20 * MS - 1);
  CHECK(world_state(line).steady == ENG_INACTIVE);
  CHECK(world_state(line).level == 1);
  world_run(1);
  state = world_state(line);
  CHECK(state.steady == ENG_ACTIVE);
  CHECK(state.stable_since_ns == world_now() - 20 * MS);
  CHECK(world_last(ENG_EVENT_INPUT_CHANGED)->edge_ns == state.stable_since_ns);

  world_drive(line, false);
  world_run(5 * MS - 1);
  CHECK(world_state(line).steady == ENG_ACTIVE);
  world_run(1);
  CHECK(world_state(line).steady == ENG_INACTIVE);
  CHECK(world_state(line).glitches == 0);
  CHECK(world_state(line).raw_edges == 2);
  world_end();
}

static void test_bounces_are_glitches(void) {
  unsigned line;

  world_begin();
  line = world_input(ENG_LEVEL, 20 * MS, 20 * MS);
  world_start();
  world_run(30 * MS);
  for (int i = 0; i < 50; i++) {
    world_drive(line, true);
    world_run(3 * MS);
    world_drive(line, false);
    world_run(3 * MS);
  }
  world_run(100 * MS);
  CHECK(world_state(line).steady == ENG_INACTIVE);
  CHECK(world_state(line).glitches == 50);
  CHECK(world_state(line).raw_edges == 100);
  CHECK(world_state(line).stable_since_ns == 1000 * MS);
  world_end();
}

/* The thread slept: both edges are read late, with the times at which they happened. */
static void test_kernel_times_decide_not_reading_times(void) {
  unsigned line;
  int64_t then_ns;

  world_begin();
  line = world_input(ENG_LEVEL, 20 * MS, 20 * MS);
  world_start();
  world_run(30 * MS);
  then_ns = world_now();
  world->clock_ns += 500 * MS;
  ENG_Edge(world->engine, line, true, then_ns, world_now());
  ENG_Edge(world->engine, line, false, then_ns + 60 * MS, world_now());
  CHECK(world->event_count == 2);
  CHECK(world->events[1].steady == ENG_ACTIVE && world->events[1].edge_ns == then_ns);
  world_run(0);
  CHECK(world_state(line).steady == ENG_INACTIVE);
  CHECK(world_state(line).stable_since_ns == then_ns + 60 * MS);
  world_end();
}

static void test_times_that_run_backwards(void) {
  unsigned line;

  world_begin();
  line = world_input(ENG_LEVEL, 20 * MS, 20 * MS);
  world_start();
  world_run(30 * MS);
  world_drive(line, true);
  ENG_Edge(world->engine, line, false, 5, world_now());
  ENG_Edge(world->engine, line, true, world_now() + 900 * MS, world_now());
  world_run(20 * MS);
  CHECK(world_state(line).steady == ENG_ACTIVE);
  CHECK(world_state(line).stable_since_ns == world_now() - 20 * MS);
  world_end();
}

static void test_no_debounce_settles_at_the_edge(void) {
  unsigned line;

  world_begin();
  line = world_input(ENG_LEVEL, 0, 0);
  world_start();
  CHECK(world_state(line).steady == ENG_INACTIVE);
  world_drive(line, true);
  CHECK(world_state(line).steady == ENG_ACTIVE);
  world_end();
}

static void test_lost_edges_are_answered_by_a_resync(void) {
  unsigned line;

  world_begin();
  line = world_input(ENG_LEVEL, 10 * MS, 10 * MS);
  world_start();
  world_run(20 * MS);
  world->levels[line] = 1;
  ENG_EdgesLost(world->engine, line, 3, world_now());
  CHECK(world_last(ENG_EVENT_RESYNC)->count == 3);
  CHECK(world_last(ENG_EVENT_RESYNC)->reason == ENG_REASON_EDGES_LOST);
  /* A storm of losses is one more event, with the sum. */
  for (int i = 0; i < 10; i++)
    ENG_EdgesLost(world->engine, line, 2, world_now());
  world_run(150 * MS);
  CHECK(world_last(ENG_EVENT_RESYNC)->count == 20);
  CHECK(world_state(line).resyncs == 11);
  CHECK(world_state(line).steady == ENG_ACTIVE);
  world_end();
}

static void test_reread_finds_what_no_edge_told(void) {
  unsigned line;

  world_begin();
  line = world_input(ENG_LEVEL, 10 * MS, 10 * MS);
  world_start();
  world_run(20 * MS);
  world->levels[line] = 1;
  world_run(1100 * MS);
  CHECK(world_state(line).steady == ENG_ACTIVE);
  CHECK(world_last(ENG_EVENT_RESYNC)->reason == ENG_REASON_LEVEL_DIFFERS);
  world_end();
}

/* The re-read comes between an edge and its arrival: nothing was lost. */
static void test_reread_waits_for_an_edge_that_is_on_its_way(void) {
  unsigned line;

  world_begin();
  line = world_input(ENG_LEVEL, 10 * MS, 10 * MS);
  world_start();
  world_run(999 * MS);
  world->levels[line] = 1;
  world_run(1 * MS);
  ENG_Edge(world->engine, line, true, world_now() - MS, world_now());
  world_run(100 * MS);
  CHECK(world_state(line).steady == ENG_ACTIVE);
  CHECK(world_last(ENG_EVENT_RESYNC) == NULL);
  world_end();
}

static void test_polled_line(void) {
  ENG_InputConfig config = {.source = ENG_LEVEL, .rise_ns = 5 * MS, .fall_ns = 5 * MS, .poll_ns = MS};
  unsigned line;

  world_begin();
  line = (unsigned)ENG_AddInput(world->engine, &config);
  world_start();
  world_run(10 * MS);
  world->levels[line] = 1;
  world_run(7 * MS);
  CHECK(world_state(line).steady == ENG_ACTIVE);
  CHECK(world_state(line).raw_edges == 1);
  /* A sleep of many periods is followed by one poll, not by a burst. */
  world->clock_ns += 500 * MS;
  ENG_Advance(world->engine, world_now());
  CHECK(ENG_NextDeadline(world->engine) > world_now());
  world_end();
}

static void test_failed_line_is_unknown_until_it_answers(void) {
  unsigned line;

  world_begin();
  line = world_input(ENG_LEVEL, 10 * MS, 10 * MS);
  world->levels[line] = 1;
  world_start();
  world_run(20 * MS);
  ENG_InputFailed(world->engine, line, -ENODEV, world_now());
  CHECK(world_state(line).steady == ENG_UNKNOWN);
  CHECK(world_last(ENG_EVENT_LINE_FAILED)->error == ENODEV);
  world->read_errors[line] = ENODEV;
  world_run(5000 * MS);
  CHECK(world_state(line).steady == ENG_UNKNOWN);
  world->read_errors[line] = 0;
  world_run(1100 * MS);
  CHECK(world_state(line).steady == ENG_ACTIVE);
  world_end();
}

static void test_capacity(void) {
  ENG_InputConfig config = {.source = ENG_LEVEL};

  world_begin();
  for (int i = 0; i < ENG_MAX_INPUTS; i++)
    CHECK(ENG_AddInput(world->engine, &config) == i);
  CHECK(ENG_AddInput(world->engine, &config) == -ENG_ERROR_CAPACITY);
  config.rise_ns = -1;
  world_end();
  world_begin();
  CHECK(ENG_AddInput(world->engine, &config) == -ENG_ERROR_VALUE);
  world_start();
  config.rise_ns = 0;
  CHECK(ENG_AddInput(world->engine, &config) == -ENG_ERROR_RUNNING);
  world_end();
}

int main(void) {
  test_asymmetric_debounce();
  test_bounces_are_glitches();
  test_kernel_times_decide_not_reading_times();
  test_times_that_run_backwards();
  test_no_debounce_settles_at_the_edge();
  test_lost_edges_are_answered_by_a_resync();
  test_reread_finds_what_no_edge_told();
  test_reread_waits_for_an_edge_that_is_on_its_way();
  test_polled_line();
  test_failed_line_is_unknown_until_it_answers();
  test_capacity();
  puts("input: ok");
  return 0;
}
