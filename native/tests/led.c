/* SPDX-License-Identifier: Apache-2.0 */
#include "../led.c"

#include "world.h"

static unsigned led;

static void begin(bool active) {
  world_begin();
  led = world_input(ENG_LED, 20 * MS, 20 * MS);
  world->levels[led] = active;
  world_start();
  world_run(8000 * MS);
}

static void blink(int64_t on_ns, int64_t off_ns, int periods) {
  for (int i = 0; i < periods; i++) {
    world_drive(led, false);
    world_run(off_ns);
    world_drive(led, true);
    world_run(on_ns);
  }
}

static int changes_to(ENG_Steady steady) {
  int count = 0;

  for (uint32_t i = 0; i < world->event_count; i++)
    count += world->events[i].kind == ENG_EVENT_INPUT_CHANGED && world->events[i].steady == (int32_t)steady;
  return count;
}

static void test_state_at_start_takes_longer_than_a_blink(void) {
  world_begin();
  led = world_input(ENG_LED, 20 * MS, 20 * MS);
  world->levels[led] = 1;
  world_start();
  world_run(7400 * MS);
  CHECK(world_state(led).steady == ENG_UNKNOWN);
  world_run(200 * MS);
  CHECK(world_state(led).steady == ENG_ACTIVE);
  world_end();
}

static void test_every_period_is_told_from_off(void) {
  const int64_t periods_ns[] = {200 * MS, 500 * MS, 1000 * MS, 2000 * MS, 4900 * MS};

  for (size_t i = 0; i < sizeof(periods_ns) / sizeof(periods_ns[0]); i++) {
    begin(true);
    CHECK(world_state(led).steady == ENG_ACTIVE);
    blink(periods_ns[i] / 2, periods_ns[i] / 2, 10);
    CHECK(world_state(led).steady == ENG_BLINKING);
    CHECK(llabs(world_state(led).blink_period_ns - periods_ns[i]) <= 2 * MS);
    CHECK(changes_to(ENG_INACTIVE) == 0);
    CHECK(changes_to(ENG_BLINKING) == 1);
    world_run(periods_ns[i] * 2);
    CHECK(world_state(led).steady == ENG_ACTIVE);
    world_end();
  }
}

static void test_off_counts_after_one_and_a_half_periods(void) {
  begin(true);
  blink(500 * MS, 500 * MS, 5);
  world_drive(led, false);
  world_run(1490 * MS);
  CHECK(world_state(led).steady == ENG_BLINKING);
  world_run(20 * MS);
  CHECK(world_state(led).steady == ENG_INACTIVE);
  world_end();
}

static void test_off_without_a_known_period(void) {
  begin(true);
  world_drive(led, false);
  world_run(7400 * MS);
  CHECK(world_state(led).steady == ENG_ACTIVE);
  world_run(200 * MS);
  CHECK(world_state(led).steady == ENG_INACTIVE);
  world_end();
}

static void test_on_counts_at_once(void) {
  begin(false);
  CHECK(world_state(led).steady == ENG_INACTIVE);
  world_drive(led, true);
  world_run(20 * MS);
  CHECK(world_state(led).steady == ENG_ACTIVE);
  world_end();
}

/* A board that trains its memory goes on, off and on again once. */
static void test_a_second_start_is_not_blinking(void) {
  begin(false);
  world_drive(led, true);
  world_run(2000 * MS);
  world_drive(led, false);
  world_run(1500 * MS);
  world_drive(led, true);
  world_run(10000 * MS);
  CHECK(world_state(led).steady == ENG_ACTIVE);
  CHECK(changes_to(ENG_BLINKING) == 0);
  world_end();
}

static void test_flicker_is_not_blinking(void) {
  begin(true);
  blink(50 * MS, 50 * MS, 40);
  CHECK(changes_to(ENG_BLINKING) == 0);
  world_end();
}

/* safety.md rule 8: no early end of a hold. */
static void test_hold_outlasts_blinking(void) {
  ENG_Order order;
  unsigned button;

  world_begin();
  led = world_input(ENG_LED, 20 * MS, 20 * MS);
  button = world_button(60000 * MS);
  world->levels[led] = 1;
  world_start();
  world_run(8000 * MS);
  order = world_order(ENG_HOLD, button, 1);
  order.width_ns = 60000 * MS;
  order.until = (ENG_Condition){.input = (int32_t)led, .active = 0};
  world_command(&order);
  blink(500 * MS, 500 * MS, 8);
  CHECK(world->outputs[button] == 1);
  world_drive(led, false);
  world_run(1600 * MS);
  CHECK(world->outputs[button] == 0);
  CHECK(world_done(1)->outcome == ENG_COMPLETED);
  world_end();
}

static ENG_Reason pressed_when(ENG_Steady steady, unsigned button, uint64_t token, int64_t stable_ns) {
  ENG_Order order = world_order(ENG_PULSE, button, token);

  order.width_ns = 10 * MS;
  order.precondition = (ENG_Condition){.input = (int32_t)led, .steady = (int32_t)steady, .stable_ns = stable_ns};
  world_command(&order);
  world_run(20 * MS);
  return (ENG_Reason)world_done(token)->reason;
}

/* To wake a host, or to force it off in its sleep, the press must find it asleep. */
static void test_a_press_can_ask_for_a_sleeping_host(void) {
  unsigned button;

  world_begin();
  led = world_input(ENG_LED, 20 * MS, 20 * MS);
  button = world_button(1000 * MS);
  world->levels[led] = 1;
  world_start();
  world_run(8000 * MS);
  CHECK(pressed_when(ENG_BLINKING, button, 1, 0) == ENG_REASON_PRECONDITION);
  blink(500 * MS, 500 * MS, 4);
  CHECK(world_state(led).steady == ENG_BLINKING);
  CHECK(pressed_when(ENG_ACTIVE, button, 2, 0) == ENG_REASON_PRECONDITION);
  CHECK(pressed_when(ENG_INACTIVE, button, 3, 0) == ENG_REASON_PRECONDITION);
  CHECK(pressed_when(ENG_BLINKING, button, 4, 60000 * MS) == ENG_REASON_UNSTABLE);
  CHECK(pressed_when(ENG_BLINKING, button, 5, 100 * MS) == ENG_REASON_NONE);
  CHECK(world_done(5)->outcome == ENG_COMPLETED && world_done(5)->achieved_ns == 10 * MS);
  CHECK(pressed_when((ENG_Steady)99, button, 6, 0) == ENG_REASON_INVALID);
  /* No edge for longer than a period: it is not asleep any more, even if nobody can say yet what it is. */
  world_run(600 * MS);
  CHECK(world_state(led).steady == ENG_BLINKING);
  CHECK(pressed_when(ENG_BLINKING, button, 7, 0) == ENG_REASON_UNSTABLE);
  world_end();
}

static void test_hold_until_blinking(void) {
  ENG_Order order;
  unsigned button;

  world_begin();
  led = world_input(ENG_LED, 20 * MS, 20 * MS);
  button = world_button(60000 * MS);
  world->levels[led] = 1;
  world_start();
  world_run(8000 * MS);
  order = world_order(ENG_HOLD, button, 1);
  order.width_ns = 60000 * MS;
  order.until = (ENG_Condition){.input = (int32_t)led, .steady = ENG_BLINKING};
  world_command(&order);
  CHECK(world->outputs[button] == 1);
  blink(500 * MS, 500 * MS, 4);
  CHECK(world->outputs[button] == 0);
  CHECK(world_done(1)->outcome == ENG_COMPLETED);
  world_end();
}

int main(void) {
  test_state_at_start_takes_longer_than_a_blink();
  test_every_period_is_told_from_off();
  test_off_counts_after_one_and_a_half_periods();
  test_off_without_a_known_period();
  test_on_counts_at_once();
  test_a_second_start_is_not_blinking();
  test_flicker_is_not_blinking();
  test_hold_outlasts_blinking();
  test_a_press_can_ask_for_a_sleeping_host();
  test_hold_until_blinking();
  puts("led: ok");
  return 0;
}
