/* SPDX-License-Identifier: Apache-2.0 */
#include "../sequence.c"

#include <errno.h>

#include "world.h"

static unsigned rails[3], good, hot;
static ENG_SequenceConfig up;

/* Three rails; the second one waits for its power-good, the first one for 5 ms. */
static void prepare(ENG_OnFailure on_failure) {
  world_begin();
  for (int i = 0; i < 3; i++)
    rails[i] = world_rail(false);
  good = world_input(ENG_LEVEL, MS, MS);
  hot = world_input(ENG_LEVEL, MS, MS);
  up = (ENG_SequenceConfig){.on_failure = (int32_t)on_failure, .step_count = 3};
  for (int i = 0; i < 3; i++)
    up.steps[i] = (ENG_StepConfig){.output = (int32_t)rails[i], .active = 1, .wait = {.input = -1}};
  up.steps[0].delay_ns = 5 * MS;
  up.steps[1].wait = (ENG_Condition){.input = (int32_t)good, .active = 1};
  up.steps[1].within_ns = 50 * MS;
}

static void begin(void) {
  CHECK(ENG_AddSequence(world->engine, &up) == 0);
  world_start();
  world_run(10 * MS);
  world->write_count = 0;
}

static void run_sequence(uint64_t token) {
  ENG_Order order = world_order(ENG_RUN, 0, token);

  world_command(&order);
}

static const ENG_Event *done(void) { return world_last(ENG_EVENT_SEQUENCE_DONE); }

static void test_steps_follow_each_other(void) {
  int64_t start_ns;
  unsigned steps = 0;

  prepare(ENG_UNWIND);
  begin();
  start_ns = world_now();
  run_sequence(7);
  CHECK(world->outputs[rails[0]] == 1 && world->outputs[rails[1]] == 0);
  world_run(5 * MS);
  CHECK(world->outputs[rails[1]] == 1 && world->outputs[rails[2]] == 0);
  world_run(20 * MS);
  world_drive(good, true);
  world_run(MS);
  CHECK(world->outputs[rails[2]] == 1);
  CHECK(done()->outcome == ENG_COMPLETED && done()->token == 7 && done()->item == -1);
  CHECK(done()->started_ns == start_ns && done()->ended_ns == start_ns + 26 * MS);
  for (uint32_t i = 0; i < world->event_count; i++) {
    if (world->events[i].kind == ENG_EVENT_SEQUENCE_STEP)
      CHECK(world->events[i].item == (int32_t)steps++);
  }
  CHECK(steps == 3);
  world_end();
}

static void test_timeout_unwinds_in_reverse(void) {
  prepare(ENG_UNWIND);
  begin();
  run_sequence(1);
  world_run(5 * MS + 50 * MS);
  CHECK(done()->outcome == ENG_FAILED && done()->reason == ENG_REASON_TIMEOUT && done()->item == 1);
  CHECK(world->write_count == 4);
  CHECK(world->writes[2].output == rails[1] && world->writes[2].active == 0);
  CHECK(world->writes[3].output == rails[0] && world->writes[3].active == 0);
  world_end();
}

/* What was on before is not switched off by a sequence that failed. */
static void test_unwinding_restores_what_was(void) {
  ENG_Order order;

  prepare(ENG_UNWIND);
  begin();
  order = world_order(ENG_SET, rails[0], 9);
  order.active = 1;
  world_command(&order);
  run_sequence(1);
  world_run(100 * MS);
  CHECK(done()->outcome == ENG_FAILED);
  CHECK(world->outputs[rails[0]] == 1 && world->outputs[rails[1]] == 0);
  world_end();
}

static void test_freeze(void) {
  prepare(ENG_FREEZE);
  begin();
  run_sequence(1);
  world_run(100 * MS);
  CHECK(done()->outcome == ENG_FAILED);
  CHECK(world->outputs[rails[0]] == 1 && world->outputs[rails[1]] == 1 && world->outputs[rails[2]] == 0);
  world_end();
}

static void test_rails_are_reserved(void) {
  ENG_Order order;

  prepare(ENG_UNWIND);
  begin();
  run_sequence(1);
  order = world_order(ENG_SET, rails[2], 2);
  order.active = 1;
  world_command(&order);
  CHECK(world_done(2)->outcome == ENG_REFUSED && world_done(2)->reason == ENG_REASON_BUSY);
  run_sequence(3);
  CHECK(done()->token == 3 && done()->outcome == ENG_REFUSED);
  order = world_order(ENG_CANCEL, 0, 1);
  world_command(&order);
  CHECK(done()->token == 1 && done()->outcome == ENG_CANCELLED);
  CHECK(world->outputs[rails[0]] == 0);
  order = world_order(ENG_SET, rails[2], 4);
  world_command(&order);
  CHECK(world_done(4)->outcome == ENG_COMPLETED);
  world_end();
}

static void test_interlock_ends_it_and_keeps_its_rail(void) {
  ENG_RuleConfig rule = {.active = 1, .quiet_ns = MS, .armed = 1, .action_count = 1};

  prepare(ENG_UNWIND);
  rule.input = (int32_t)hot;
  rule.actions[0] = (ENG_ActionConfig){.kind = ENG_ACTION_LEVEL, .output = (int32_t)rails[1], .active = 1};
  CHECK(ENG_AddRule(world->engine, &rule) == 0);
  begin();
  run_sequence(1);
  world_run(10 * MS);
  world_drive(hot, true);
  world_run(MS);
  CHECK(done()->outcome == ENG_PREEMPTED);
  CHECK(world->outputs[rails[0]] == 0 && world->outputs[rails[1]] == 1);
  run_sequence(2);
  CHECK(done()->outcome == ENG_REFUSED && done()->reason == ENG_REASON_INTERLOCK);
  world_end();
}

static void test_failing_write(void) {
  prepare(ENG_UNWIND);
  begin();
  world->write_errors[rails[1]] = EIO;
  run_sequence(1);
  world_run(10 * MS);
  CHECK(done()->outcome == ENG_FAILED && done()->error == EIO && done()->item == 1);
  CHECK(world->outputs[rails[0]] == 0);
  world_end();
}

static void test_slow_rail_that_is_cancelled(void) {
  ENG_Order order;

  prepare(ENG_UNWIND);
  begin();
  world->slow[rails[0]] = 1;
  run_sequence(1);
  order = world_order(ENG_CANCEL, 0, 1);
  world_command(&order);
  CHECK(done() == NULL);
  FAK_EndWrite(world, rails[0], 0, world_now());
  CHECK(world->pending[rails[0]] == 1);
  FAK_EndWrite(world, rails[0], 0, world_now());
  CHECK(done()->outcome == ENG_CANCELLED && world->outputs[rails[0]] == 0);
  world_end();
}

static void test_stop_keeps_rails(void) {
  prepare(ENG_UNWIND);
  begin();
  run_sequence(1);
  ENG_Stop(world->engine, world_now());
  CHECK(world->outputs[rails[0]] == 1);
  CHECK(done()->outcome == ENG_CANCELLED && done()->reason == ENG_REASON_STOPPED);
  world_end();
}

static void test_precondition_and_bad_orders(void) {
  ENG_Order order;

  prepare(ENG_UNWIND);
  begin();
  order = world_order(ENG_RUN, 0, 1);
  order.precondition = (ENG_Condition){.input = (int32_t)good, .active = 1};
  world_command(&order);
  CHECK(done()->outcome == ENG_REFUSED && done()->reason == ENG_REASON_PRECONDITION);
  order.line = 5;
  world_command(&order);
  CHECK(done()->reason == ENG_REASON_INVALID);
  CHECK(world->write_count == 0);
  world_end();
}

static void test_refused_at_load(void) {
  ENG_SequenceConfig bad;
  unsigned button;

  prepare(ENG_UNWIND);
  button = world_button(MS);
  bad = up;
  bad.steps[2].output = (int32_t)button;
  CHECK(ENG_AddSequence(world->engine, &bad) == -ENG_ERROR_VALUE);
  bad = up;
  bad.steps[1].within_ns = 0;
  CHECK(ENG_AddSequence(world->engine, &bad) == -ENG_ERROR_VALUE);
  bad = up;
  bad.steps[0].delay_ns = -1;
  CHECK(ENG_AddSequence(world->engine, &bad) == -ENG_ERROR_VALUE);
  bad = up;
  bad.step_count = 0;
  CHECK(ENG_AddSequence(world->engine, &bad) == -ENG_ERROR_VALUE);
  bad.step_count = ENG_MAX_STEPS + 1;
  CHECK(ENG_AddSequence(world->engine, &bad) == -ENG_ERROR_CAPACITY);
  for (int i = 0; i < ENG_MAX_SEQUENCES; i++)
    CHECK(ENG_AddSequence(world->engine, &up) == i);
  CHECK(ENG_AddSequence(world->engine, &up) == -ENG_ERROR_CAPACITY);
  world_end();
}

int main(void) {
  test_steps_follow_each_other();
  test_timeout_unwinds_in_reverse();
  test_unwinding_restores_what_was();
  test_freeze();
  test_rails_are_reserved();
  test_interlock_ends_it_and_keeps_its_rail();
  test_failing_write();
  test_slow_rail_that_is_cancelled();
  test_stop_keeps_rails();
  test_precondition_and_bad_orders();
  test_refused_at_load();
  puts("sequence: ok");
  return 0;
}
