/* SPDX-License-Identifier: Apache-2.0 */
#include "../output.c"

#include <errno.h>

#include "world.h"

static unsigned button, input;

static void fresh(void) {
  world_begin();
  button = world_button(500 * MS);
  input = world_input(ENG_LEVEL, 10 * MS, 10 * MS);
  world_start();
  world_run(20 * MS);
}

static void test_pulse_has_its_width(void) {
  fresh();
  world->write_ns = 3000;
  world_pulse(button, 7, 50 * MS);
  CHECK(world->outputs[button] == 1);
  world_run(50 * MS - 10000);
  CHECK(world->outputs[button] == 1);
  world_run(20000);
  CHECK(world->outputs[button] == 0);
  CHECK(world_done(7)->outcome == ENG_COMPLETED);
  CHECK(world_done(7)->asked_ns == 50 * MS);
  CHECK(world_done(7)->achieved_ns == 50 * MS + 3000);
  CHECK(world_done(7)->ended_ns - world_done(7)->started_ns == world_done(7)->achieved_ns);
  world_end();
}

static void test_train_of_pulses(void) {
  ENG_Order order;

  fresh();
  order = world_order(ENG_PULSE, button, 1);
  order.width_ns = 10 * MS;
  order.gap_ns = 5 * MS;
  order.count = 3;
  world->write_count = 0;
  world_command(&order);
  world_run(100 * MS);
  CHECK(world->write_count == 6);
  CHECK(world->writes[5].time_ns - world->writes[0].time_ns == 40 * MS);
  CHECK(world_done(1)->achieved_ns == 30 * MS);
  world_end();
}

static void test_second_command_is_refused(void) {
  fresh();
  world_pulse(button, 1, 50 * MS);
  world_pulse(button, 2, 10 * MS);
  CHECK(world_done(2)->outcome == ENG_REFUSED && world_done(2)->reason == ENG_REASON_BUSY);
  world_run(100 * MS);
  CHECK(world_done(1)->achieved_ns == 50 * MS);
  world_end();
}

static void test_invalid_orders_never_move_a_line(void) {
  ENG_Order order;

  fresh();
  world->write_count = 0;
  world_pulse(button, 1, 0);
  world_pulse(button, 2, -1);
  world_pulse(button, 3, 501 * MS);
  world_pulse(77, 4, MS);
  order = world_order(ENG_PULSE, button, 5);
  order.width_ns = MS;
  order.count = 2;
  world_command(&order);
  order = world_order(ENG_HOLD, button, 6);
  order.width_ns = MS;
  world_command(&order);
  order.token = 7;
  order.until.input = 55;
  world_command(&order);
  order = world_order(ENG_PULSE, button, 8);
  order.width_ns = MS;
  order.precondition.input = 99;
  world_command(&order);
  order = world_order(ENG_PULSE, 0, 9);
  order.line = -3;
  world_command(&order);
  order = world_order((ENG_OrderKind)42, button, 10);
  world_command(&order);
  CHECK(world->write_count == 0);
  for (uint64_t token = 1; token <= 10; token++)
    CHECK(world_done(token)->outcome == ENG_REFUSED && world_done(token)->reason == ENG_REASON_INVALID);
  world_end();
}

/* The thread waits awake for these, and for nothing else. */
/* The edge is still in the kernel's queue, but the line tells the truth to whoever reads it. */
static void test_precondition_reads_the_line_itself(void) {
  ENG_Order order;

  fresh();
  world->write_count = 0;
  order = world_order(ENG_PULSE, button, 1);
  order.width_ns = 10 * MS;
  order.precondition = (ENG_Condition){.input = (int32_t)input, .active = 0};
  world->levels[input] = 1;
  world_command(&order);
  CHECK(world_done(1)->outcome == ENG_REFUSED && world_done(1)->reason == ENG_REASON_UNSTABLE);
  world->read_errors[input] = ENODEV;
  order.token = 2;
  world_command(&order);
  CHECK(world_done(2)->outcome == ENG_REFUSED && world_done(2)->reason == ENG_REASON_UNKNOWN_INPUT);
  CHECK(world->write_count == 0);
  world_end();
}

static void test_the_next_write_is_the_end_of_a_press(void) {
  fresh();
  CHECK(ENG_NextWrite(world->engine) == INT64_MAX);
  world_drive(input, true);
  CHECK(ENG_NextWrite(world->engine) == INT64_MAX && ENG_NextDeadline(world->engine) < INT64_MAX);
  world_pulse(button, 1, 50 * MS);
  CHECK(ENG_NextWrite(world->engine) == world_now() + 50 * MS);
  world_run(50 * MS);
  CHECK(world->outputs[button] == 0 && ENG_NextWrite(world->engine) == INT64_MAX);
  ENG_Stop(world->engine, world_now());
  CHECK(ENG_NextWrite(world->engine) == INT64_MAX);
  world_end();
}

static void test_precondition_at_the_instant_of_assertion(void) {
  ENG_Order order;

  fresh();
  world->write_count = 0;
  order = world_order(ENG_PULSE, button, 1);
  order.width_ns = 10 * MS;
  order.precondition = (ENG_Condition){.input = (int32_t)input, .active = 1};
  world_command(&order);
  CHECK(world_done(1)->reason == ENG_REASON_PRECONDITION);
  order.token = 2;
  order.precondition.active = 0;
  order.precondition.stable_ns = 1000 * MS;
  world_command(&order);
  CHECK(world_done(2)->reason == ENG_REASON_UNSTABLE);
  /* An edge has come, though it has not settled: the host may be starting by itself. */
  order.token = 3;
  order.precondition.stable_ns = 0;
  world_drive(input, true);
  world_command(&order);
  CHECK(world_done(3)->reason == ENG_REASON_UNSTABLE);
  ENG_InputFailed(world->engine, input, -ENODEV, world_now());
  order.token = 4;
  world_command(&order);
  CHECK(world_done(4)->reason == ENG_REASON_UNKNOWN_INPUT);
  CHECK(world->write_count == 0);
  world_end();
}

/* The first press changed the world: the second must not follow. */
static void test_precondition_guards_every_pulse_of_a_train(void) {
  ENG_Order order;

  fresh();
  order = world_order(ENG_PULSE, button, 1);
  order.width_ns = 50 * MS;
  order.gap_ns = 50 * MS;
  order.count = 2;
  order.precondition = (ENG_Condition){.input = (int32_t)input, .active = 0};
  world->write_count = 0;
  world_command(&order);
  world_drive(input, true);
  world_run(500 * MS);
  CHECK(world->write_count == 2);
  CHECK(world_done(1)->outcome == ENG_REFUSED && world_done(1)->achieved_ns == 50 * MS);
  world_end();
}

static void test_hold_ends_with_its_condition(void) {
  ENG_Order order;

  fresh();
  order = world_order(ENG_HOLD, button, 1);
  order.width_ns = 400 * MS;
  order.until = (ENG_Condition){.input = (int32_t)input, .active = 1, .stable_ns = 30 * MS};
  world_command(&order);
  world_run(100 * MS);
  world_drive(input, true);
  world_run(29 * MS);
  CHECK(world->outputs[button] == 1);
  world_run(1 * MS);
  CHECK(world->outputs[button] == 0);
  CHECK(world_done(1)->outcome == ENG_COMPLETED && world_done(1)->achieved_ns == 130 * MS);
  /* Already so: nothing to press for. */
  order.token = 2;
  world->write_count = 0;
  world_command(&order);
  CHECK(world->write_count == 0 && world_done(2)->reason == ENG_REASON_ALREADY);
  world_end();
}

static void test_hold_reaches_its_limit(void) {
  ENG_Order order;

  fresh();
  order = world_order(ENG_HOLD, button, 1);
  order.width_ns = 400 * MS;
  order.until = (ENG_Condition){.input = (int32_t)input, .active = 1};
  world_command(&order);
  world_run(400 * MS);
  CHECK(world->outputs[button] == 0);
  CHECK(world_done(1)->outcome == ENG_LIMIT_REACHED);
  world_end();
}

static void test_set_on_a_button_is_capped(void) {
  ENG_Order order;

  fresh();
  order = world_order(ENG_SET, button, 1);
  order.active = 1;
  world_command(&order);
  world_run(499 * MS);
  CHECK(world->outputs[button] == 1);
  world_run(1 * MS);
  CHECK(world->outputs[button] == 0);
  CHECK(world_done(1)->outcome == ENG_LIMIT_REACHED);
  order.token = 2;
  world_command(&order);
  world_run(100 * MS);
  order = world_order(ENG_RELEASE, button, 3);
  world_command(&order);
  CHECK(world->outputs[button] == 0);
  CHECK(world_done(2)->outcome == ENG_COMPLETED && world_done(2)->achieved_ns == 100 * MS);
  CHECK(world_done(3)->outcome == ENG_COMPLETED);
  world_end();
}

static void test_cancel(void) {
  ENG_Order order;

  fresh();
  world_pulse(button, 9, 100 * MS);
  world_run(10 * MS);
  order = world_order(ENG_CANCEL, 0, 8);
  world_command(&order);
  CHECK(world->outputs[button] == 1);
  order.token = 9;
  world_command(&order);
  CHECK(world->outputs[button] == 0);
  CHECK(world_done(9)->outcome == ENG_CANCELLED && world_done(9)->achieved_ns == 10 * MS);
  world_end();
}

static void test_start_and_stop_by_class(void) {
  unsigned rail;

  world_begin();
  button = world_button(500 * MS);
  rail = world_rail(true);
  world_start();
  CHECK(world->write_count == 1 && world->writes[0].output == button && world->writes[0].active == 0);
  world_pulse(button, 1, 100 * MS);
  ENG_Stop(world->engine, world_now());
  CHECK(world->outputs[button] == 0);
  CHECK(world_done(1)->outcome == ENG_CANCELLED && world_done(1)->reason == ENG_REASON_STOPPED);
  for (uint32_t i = 0; i < world->write_count; i++)
    CHECK(world->writes[i].output != rail);
  world_pulse(button, 2, 100 * MS);
  CHECK(world_done(2)->outcome == ENG_REFUSED);
  CHECK(ENG_NextDeadline(world->engine) == ENG_NEVER);
  world_end();
}

static void test_maintained_line(void) {
  ENG_Order order;
  unsigned rail;

  world_begin();
  rail = world_rail(false);
  world_start();
  order = world_order(ENG_SET, rail, 1);
  order.active = 1;
  world_command(&order);
  CHECK(world->outputs[rail] == 1 && world_done(1)->outcome == ENG_COMPLETED);
  order = world_order(ENG_RELEASE, rail, 2);
  world_command(&order);
  CHECK(world->outputs[rail] == 0 && world_done(2)->outcome == ENG_COMPLETED);
  world->write_errors[rail] = EIO;
  order = world_order(ENG_SET, rail, 3);
  world_command(&order);
  CHECK(world_done(3)->outcome == ENG_FAILED && world_done(3)->error == EIO);
  world_end();
}

/* A release that fails is tried again until the button is up. */
static void test_failing_release_is_retried(void) {
  fresh();
  world_pulse(button, 1, 50 * MS);
  world->write_errors[button] = EIO;
  world_run(200 * MS);
  CHECK(world->outputs[button] == 1);
  CHECK(world_done(1)->outcome == ENG_FAILED);
  world_pulse(button, 2, 50 * MS);
  CHECK(world_done(2)->outcome == ENG_REFUSED && world_done(2)->reason == ENG_REASON_BUSY);
  world->write_errors[button] = 0;
  world_run(10 * MS);
  CHECK(world->outputs[button] == 0);
  world_pulse(button, 3, 50 * MS);
  CHECK(world->outputs[button] == 1);
  world_end();
}

static void test_slow_chip(void) {
  fresh();
  world->slow[button] = 1;
  world_pulse(button, 1, 50 * MS);
  world_run(7 * MS);
  FAK_EndWrite(world, button, 0, world_now());
  world_run(49 * MS);
  CHECK(world->pending[button] == 0);
  world_run(1 * MS);
  CHECK(world->pending[button] == 1);
  world_run(4 * MS);
  FAK_EndWrite(world, button, 0, world_now());
  CHECK(world_done(1)->outcome == ENG_COMPLETED && world_done(1)->achieved_ns == 54 * MS);
  /* Cancelled before it was pressed: released as soon as the press is written. */
  world_pulse(button, 2, 50 * MS);
  {
    ENG_Order order = world_order(ENG_CANCEL, 0, 2);

    world_command(&order);
  }
  FAK_EndWrite(world, button, 0, world_now());
  CHECK(world->pending[button] == 1);
  FAK_EndWrite(world, button, 0, world_now());
  CHECK(world_done(2)->outcome == ENG_CANCELLED);
  world_end();
}

int main(void) {
  test_pulse_has_its_width();
  test_train_of_pulses();
  test_second_command_is_refused();
  test_invalid_orders_never_move_a_line();
  test_precondition_reads_the_line_itself();
  test_the_next_write_is_the_end_of_a_press();
  test_precondition_at_the_instant_of_assertion();
  test_precondition_guards_every_pulse_of_a_train();
  test_hold_ends_with_its_condition();
  test_hold_reaches_its_limit();
  test_set_on_a_button_is_capped();
  test_cancel();
  test_start_and_stop_by_class();
  test_maintained_line();
  test_failing_release_is_retried();
  test_slow_chip();
  puts("output: ok");
  return 0;
}
