/* SPDX-License-Identifier: Apache-2.0 */
#include "../watch.c"

#include <errno.h>

#include "world.h"

static unsigned button, good;

static void begin(bool host_on) {
  ENG_WatchConfig config = {.press_count = 1, .rise_ns = 500 * MS, .hold_off_ns = 100 * MS};

  world_begin();
  button = world_button(1000 * MS);
  good = world_input(ENG_LEVEL, 10 * MS, 10 * MS);
  config.input = (int32_t)good;
  config.presses[0] = (int32_t)button;
  CHECK(ENG_AddWatch(world->engine, &config) == 0);
  world->levels[good] = host_on;
  world_start();
  world_run(50 * MS);
}

static const ENG_Event *told(void) { return world_last(ENG_EVENT_POWER_GOOD); }

static void test_rises_in_time(void) {
  int64_t pressed_ns;

  begin(false);
  pressed_ns = world_now();
  world_pulse(button, 1, 200 * MS);
  world_run(300 * MS);
  CHECK(told() == NULL);
  world_drive(good, true);
  world_run(1000 * MS);
  CHECK(told()->outcome == ENG_PG_ROSE);
  CHECK(told()->started_ns == pressed_ns && told()->ended_ns == pressed_ns + 300 * MS);
  world_end();
}

static void test_does_not_rise(void) {
  begin(false);
  world_pulse(button, 1, 200 * MS);
  world_run(499 * MS);
  CHECK(told() == NULL);
  world_run(1 * MS);
  CHECK(told()->outcome == ENG_PG_MISSING);
  world_end();
}

static void test_press_on_a_running_host_awaits_nothing(void) {
  begin(true);
  world_pulse(button, 1, 200 * MS);
  world_run(2000 * MS);
  CHECK(told() == NULL);
  world_end();
}

static void test_short_drop_and_loss(void) {
  int64_t drop_ns;

  begin(true);
  drop_ns = world_now();
  world_drive(good, false);
  world_run(60 * MS);
  world_drive(good, true);
  world_run(200 * MS);
  CHECK(told()->outcome == ENG_PG_DIPPED);
  CHECK(told()->started_ns == drop_ns && told()->ended_ns == drop_ns + 60 * MS);

  drop_ns = world_now();
  world_drive(good, false);
  world_run(99 * MS);
  CHECK(told()->outcome == ENG_PG_DIPPED);
  world_run(1 * MS);
  CHECK(told()->outcome == ENG_PG_LOST && told()->started_ns == drop_ns);
  world_run(5000 * MS);
  world_drive(good, true);
  world_run(10 * MS);
  CHECK(told()->outcome == ENG_PG_RECOVERED && told()->ended_ns == drop_ns + 5100 * MS);
  world_end();
}

static void test_line_that_fails_is_not_a_loss(void) {
  begin(true);
  world->read_errors[good] = ENODEV;
  ENG_InputFailed(world->engine, good, -ENODEV, world_now());
  world_run(3000 * MS);
  CHECK(told() == NULL);
  world_end();
}

/* safety.md rule 8 */
static void test_blinking_is_not_a_loss(void) {
  ENG_WatchConfig config = {.rise_ns = 500 * MS, .hold_off_ns = 100 * MS};

  world_begin();
  good = world_input(ENG_LED, 10 * MS, 10 * MS);
  config.input = (int32_t)good;
  CHECK(ENG_AddWatch(world->engine, &config) == 0);
  world->levels[good] = 1;
  world_start();
  world_run(8000 * MS);
  for (int i = 0; i < 20; i++) {
    world_drive(good, i % 2 != 0);
    world_run(500 * MS);
  }
  CHECK(world_state(good).steady == ENG_BLINKING);
  CHECK(told() == NULL);
  world_drive(good, false);
  world_run(2000 * MS);
  CHECK(told()->outcome == ENG_PG_LOST);
  world_end();
}

static void test_refused_at_load(void) {
  ENG_WatchConfig config = {.rise_ns = MS, .input = 0};

  begin(true);
  CHECK(ENG_AddWatch(world->engine, &config) == -ENG_ERROR_RUNNING);
  world_end();
  world_begin();
  CHECK(ENG_AddWatch(world->engine, &config) == -ENG_ERROR_INDEX);
  (void)world_input(ENG_LEVEL, 0, 0);
  config.press_count = 1;
  CHECK(ENG_AddWatch(world->engine, &config) == -ENG_ERROR_INDEX);
  config.press_count = 0;
  config.rise_ns = 0;
  CHECK(ENG_AddWatch(world->engine, &config) == -ENG_ERROR_VALUE);
  config.rise_ns = MS;
  for (int i = 0; i < ENG_MAX_WATCHES; i++)
    CHECK(ENG_AddWatch(world->engine, &config) == i);
  CHECK(ENG_AddWatch(world->engine, &config) == -ENG_ERROR_CAPACITY);
  world_end();
}

int main(void) {
  test_rises_in_time();
  test_does_not_rise();
  test_press_on_a_running_host_awaits_nothing();
  test_short_drop_and_loss();
  test_line_that_fails_is_not_a_loss();
  test_blinking_is_not_a_loss();
  test_refused_at_load();
  puts("watch: ok");
  return 0;
}
