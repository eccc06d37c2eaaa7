/* SPDX-License-Identifier: Apache-2.0 */
#include "../interlock.c"

#include <errno.h>

#include "world.h"

static unsigned button, rail, hot, good;

static void prepare(bool host_on) {
  world_begin();
  button = world_button(6000 * MS);
  rail = world_rail(true);
  hot = world_input(ENG_LEVEL, 5 * MS, 5 * MS);
  good = world_input(ENG_LEVEL, 20 * MS, 20 * MS);
  world->levels[good] = host_on;
  world->outputs[rail] = 1;
}

static ENG_RuleConfig on_hot(int64_t quiet_ns) {
  return (ENG_RuleConfig){.input = (int32_t)hot, .active = 1, .quiet_ns = quiet_ns, .armed = 1};
}

static ENG_RuleConfig hold_off_rule(int64_t quiet_ns) {
  ENG_RuleConfig config = on_hot(quiet_ns);

  config.action_count = 1;
  config.actions[0] = (ENG_ActionConfig){
      .kind = ENG_ACTION_HOLD_OFF, .output = (int32_t)button, .power_good = (int32_t)good};
  return config;
}

static ENG_RuleConfig level_rule(int64_t quiet_ns, bool active) {
  ENG_RuleConfig config = on_hot(quiet_ns);

  config.action_count = 1;
  config.actions[0] = (ENG_ActionConfig){.kind = ENG_ACTION_LEVEL, .output = (int32_t)rail, .active = active};
  return config;
}

static void give(ENG_OrderKind kind, unsigned line, uint64_t token) {
  ENG_Order order = world_order(kind, line, token);

  order.active = 1;
  world_command(&order);
}

static void test_hold_off_until_the_host_is_off(void) {
  ENG_RuleConfig config;
  int64_t edge_ns;

  prepare(true);
  config = hold_off_rule(30 * MS);
  CHECK(ENG_AddRule(world->engine, &config) == 0);
  world_start();
  world_run(100 * MS);
  edge_ns = world_now();
  world_drive(hot, true);
  world_run(30 * MS - 1);
  CHECK(world->outputs[button] == 0);
  world_run(1);
  CHECK(world->outputs[button] == 1);
  CHECK(world_last(ENG_EVENT_INTERLOCK_FIRED)->edge_ns == edge_ns);
  CHECK(world_last(ENG_EVENT_INTERLOCK_FIRED)->started_ns == edge_ns + 30 * MS);
  world_run(4000 * MS);
  world_drive(good, false);
  world_run(20 * MS);
  CHECK(world->outputs[button] == 0);
  CHECK(world_last(ENG_EVENT_INTERLOCK_ENDED)->outcome == ENG_COMPLETED);
  CHECK(world_last(ENG_EVENT_INTERLOCK_ENDED)->achieved_ns == 4020 * MS);
  CHECK(world_last(ENG_EVENT_COMMAND_DONE) == NULL);

  /* Once: heat that comes and goes does not press again. */
  world->write_count = 0;
  world_drive(good, true);
  world_run(100 * MS);
  for (int i = 0; i < 5; i++) {
    world_drive(hot, i % 2 != 0);
    world_run(100 * MS);
  }
  CHECK(world->write_count == 0);
  world_drive(hot, true);
  world_run(100 * MS);
  give(ENG_RESET, 0, 1);
  CHECK(world->outputs[button] == 1);
  world_end();
}

/* safety.md rule 7: a press would start it. */
static void test_a_host_that_is_off_is_not_pressed(void) {
  ENG_RuleConfig config;

  prepare(false);
  config = hold_off_rule(MS);
  CHECK(ENG_AddRule(world->engine, &config) == 0);
  world_start();
  world_run(100 * MS);
  world->write_count = 0;
  world_drive(hot, true);
  world_run(10000 * MS);
  CHECK(world->write_count == 0);
  CHECK(world_last(ENG_EVENT_INTERLOCK_FIRED)->outcome == ENG_REFUSED);
  CHECK(world_last(ENG_EVENT_INTERLOCK_FIRED)->reason == ENG_REASON_NOT_POWERED);
  world_end();
}

/* Power-good falls at the same time: nothing is decided until it has settled. */
static void test_power_good_that_is_falling(void) {
  for (int bounce = 0; bounce < 2; bounce++) {
    ENG_RuleConfig config;

    prepare(true);
    config = hold_off_rule(MS);
    CHECK(ENG_AddRule(world->engine, &config) == 0);
    world_start();
    world_run(100 * MS);
    world->write_count = 0;
    world_drive(hot, true);
    world_run(2 * MS);
    world_drive(good, false);
    world_run(4 * MS);
    CHECK(world->write_count == 0);
    if (bounce)
      world_drive(good, true);
    world_run(100 * MS);
    CHECK(world->outputs[button] == bounce);
    CHECK((world_last(ENG_EVENT_INTERLOCK_FIRED)->outcome == ENG_COMPLETED) == (bounce != 0));
    world_end();
  }
}

/* Hot at start, before power-good has settled: the rule waits for it, then holds a running host's button only. */
static void test_hot_at_start(void) {
  for (int on = 0; on < 2; on++) {
    ENG_RuleConfig config;

    prepare(on != 0);
    world->levels[hot] = true;
    config = hold_off_rule(MS);
    CHECK(ENG_AddRule(world->engine, &config) == 0);
    world_start();
    world->write_count = 0;
    world_run(200 * MS);
    CHECK(world->outputs[button] == on);
    CHECK((world_last(ENG_EVENT_INTERLOCK_FIRED)->outcome == ENG_COMPLETED) == (on != 0));
    CHECK(on || world->write_count == 0);
    world_end();
  }
}

/* It fired in an earlier run: the start writes nothing, latched levels stay latched, a reset lets it act again. */
static void test_fired_in_an_earlier_run(void) {
  ENG_RuleConfig config;

  prepare(true);
  world->levels[hot] = true;
  config = hold_off_rule(MS);
  config.fired = 1;
  CHECK(ENG_AddRule(world->engine, &config) == 0);
  world_start();
  world->write_count = 0;
  world_run(10000 * MS);
  CHECK(world->write_count == 0);
  CHECK(world_last(ENG_EVENT_INTERLOCK_FIRED) == NULL);
  give(ENG_RESET, 0, 1);
  CHECK(world->outputs[button] == 1);
  world_end();
}

/* Without an input nothing but an order fires the rule: every output in one step, and as often as it is ordered. */
static void test_fired_by_order(void) {
  ENG_RuleConfig config;
  const ENG_Event *fired;

  prepare(true);
  config = hold_off_rule(MS);
  config.input = -2;
  CHECK(ENG_AddRule(world->engine, &config) == -ENG_ERROR_INDEX);
  config.input = -1;
  config.actions[1] = (ENG_ActionConfig){.kind = ENG_ACTION_LEVEL, .output = (int32_t)rail, .active = 0};
  config.action_count = 2;
  CHECK(ENG_AddRule(world->engine, &config) == 0);
  world_start();
  world_drive(hot, true);
  world_run(1000 * MS);
  CHECK(world_last(ENG_EVENT_INTERLOCK_FIRED) == NULL && world->outputs[button] == 0);
  world_pulse(button, 1, 200 * MS);
  world_run(100 * MS);
  give(ENG_DISARM, 0, 0);
  give(ENG_FIRE, 0, 0);
  CHECK(world_last(ENG_EVENT_INTERLOCK_FIRED) == NULL);
  give(ENG_ARM, 0, 0);
  give(ENG_FIRE, 0, 0);
  fired = world_last(ENG_EVENT_INTERLOCK_FIRED);
  CHECK(fired != NULL && fired->edge_ns == world_now() && fired->started_ns == world_now());
  CHECK(world_done(1)->outcome == ENG_PREEMPTED);
  CHECK(world->outputs[button] == 1 && world->outputs[rail] == 0);
  /* Again while it holds: nothing is pressed anew. */
  give(ENG_FIRE, 0, 0);
  world_drive(good, false);
  world_run(1000 * MS);
  CHECK(world->outputs[button] == 0);
  give(ENG_SET, rail, 2);
  CHECK(world->outputs[rail] == 0 && world_done(2)->reason == ENG_REASON_INTERLOCK);
  give(ENG_RESET, 0, 0);
  give(ENG_SET, rail, 3);
  CHECK(world->outputs[rail] == 1);
  /* A host that is off is not pressed; one that is on again is. */
  give(ENG_FIRE, 0, 0);
  CHECK(world->outputs[button] == 0 && world->outputs[rail] == 0);
  world_drive(good, true);
  world_run(1000 * MS);
  CHECK(world->outputs[button] == 0);
  give(ENG_FIRE, 0, 0);
  CHECK(world->outputs[button] == 1);
  world_end();
}

static void test_an_order_does_not_fire_a_rule_with_an_input(void) {
  ENG_RuleConfig config;

  prepare(true);
  config = hold_off_rule(MS);
  CHECK(ENG_AddRule(world->engine, &config) == 0);
  world_start();
  world_run(100 * MS);
  give(ENG_FIRE, 0, 0);
  CHECK(world_last(ENG_EVENT_INTERLOCK_FIRED) == NULL && world->outputs[button] == 0);
  world_end();
}

static void test_hold_off_ends_at_the_limit_of_the_line(void) {
  ENG_RuleConfig config;

  prepare(true);
  config = hold_off_rule(MS);
  CHECK(ENG_AddRule(world->engine, &config) == 0);
  world_start();
  world_run(100 * MS);
  world_drive(hot, true);
  world_run(6005 * MS);
  CHECK(world->outputs[button] == 0);
  CHECK(world_last(ENG_EVENT_INTERLOCK_ENDED)->outcome == ENG_LIMIT_REACHED);
  CHECK(world_last(ENG_EVENT_INTERLOCK_ENDED)->achieved_ns == 6000 * MS);
  world_end();
}

static void test_pre_empts_a_press_without_an_edge(void) {
  ENG_RuleConfig config;

  prepare(true);
  config = hold_off_rule(MS);
  CHECK(ENG_AddRule(world->engine, &config) == 0);
  world_start();
  world_run(100 * MS);
  world_pulse(button, 1, 200 * MS);
  world_run(100 * MS);
  world->write_count = 0;
  world_drive(hot, true);
  world_run(5 * MS);
  CHECK(world_done(1)->outcome == ENG_PREEMPTED && world_done(1)->achieved_ns == 105 * MS);
  CHECK(world->write_count == 0 && world->outputs[button] == 1);
  /* Nothing pre-empts an interlock. */
  world_pulse(button, 2, 10 * MS);
  CHECK(world_done(2)->outcome == ENG_REFUSED && world_done(2)->reason == ENG_REASON_INTERLOCK);
  give(ENG_RELEASE, button, 3);
  CHECK(world_done(3)->outcome == ENG_REFUSED);
  give(ENG_CANCEL, 0, 1);
  CHECK(world->outputs[button] == 1);
  world_run(6000 * MS);
  CHECK(world_last(ENG_EVENT_INTERLOCK_ENDED)->achieved_ns == 6000 * MS);
  world_end();
}

static void test_level_is_latched_until_reset(void) {
  ENG_RuleConfig config;

  prepare(true);
  config = level_rule(5 * MS, false);
  CHECK(ENG_AddRule(world->engine, &config) == 0);
  world_start();
  world_run(100 * MS);
  world_drive(hot, true);
  world_run(5 * MS);
  CHECK(world->outputs[rail] == 0);
  world_drive(hot, false);
  world_run(100 * MS);
  give(ENG_SET, rail, 1);
  CHECK(world->outputs[rail] == 0 && world_done(1)->reason == ENG_REASON_INTERLOCK);
  give(ENG_RESET, 0, 0);
  CHECK(world->outputs[rail] == 0);
  give(ENG_SET, rail, 2);
  CHECK(world->outputs[rail] == 1 && world_done(2)->outcome == ENG_COMPLETED);
  world_end();
}

static void test_arming(void) {
  ENG_RuleConfig config;

  prepare(true);
  config = level_rule(5 * MS, false);
  config.armed = 0;
  CHECK(ENG_AddRule(world->engine, &config) == 0);
  world_start();
  world_drive(hot, true);
  world_run(100 * MS);
  CHECK(world->outputs[rail] == 1);
  give(ENG_ARM, 0, 0);
  CHECK(world->outputs[rail] == 0);
  give(ENG_DISARM, 0, 0);
  give(ENG_RESET, 0, 0);
  give(ENG_SET, rail, 1);
  CHECK(world->outputs[rail] == 1);
  give(ENG_ARM, 7, 0);
  world_end();
}

static void test_raw_edge(void) {
  ENG_RuleConfig config;

  prepare(true);
  config = level_rule(0, false);
  CHECK(ENG_AddRule(world->engine, &config) == -ENG_ERROR_VALUE);
  config.raw_edge_ok = 1;
  CHECK(ENG_AddRule(world->engine, &config) == 0);
  config = hold_off_rule(0);
  config.raw_edge_ok = 1;
  CHECK(ENG_AddRule(world->engine, &config) == -ENG_ERROR_VALUE);
  world_start();
  world_run(100 * MS);
  world_drive(hot, true);
  CHECK(world->outputs[rail] == 0);
  world_end();
}

static void test_refused_at_load(void) {
  ENG_RuleConfig config;

  prepare(true);
  config = level_rule(5 * MS, false);
  CHECK(ENG_AddRule(world->engine, &config) == 0);
  config = level_rule(9 * MS, true);
  CHECK(ENG_AddRule(world->engine, &config) == -ENG_ERROR_CONFLICT);
  config = level_rule(5 * MS, false);
  config.action_count = 2;
  config.actions[1] = config.actions[0];
  config.actions[1].active = 1;
  CHECK(ENG_AddRule(world->engine, &config) == -ENG_ERROR_CONFLICT);
  config = level_rule(5 * MS, false);
  config.actions[0].output = (int32_t)button;
  CHECK(ENG_AddRule(world->engine, &config) == -ENG_ERROR_VALUE);
  config = hold_off_rule(5 * MS);
  config.actions[0].output = (int32_t)rail;
  CHECK(ENG_AddRule(world->engine, &config) == -ENG_ERROR_VALUE);
  config = hold_off_rule(5 * MS);
  config.actions[0].power_good = 99;
  CHECK(ENG_AddRule(world->engine, &config) == -ENG_ERROR_VALUE);
  config = hold_off_rule(MS - 1);
  CHECK(ENG_AddRule(world->engine, &config) == -ENG_ERROR_VALUE);
  config = hold_off_rule(MS);
  config.input = 99;
  CHECK(ENG_AddRule(world->engine, &config) == -ENG_ERROR_INDEX);
  config = hold_off_rule(MS);
  config.action_count = ENG_MAX_ACTIONS + 1;
  CHECK(ENG_AddRule(world->engine, &config) == -ENG_ERROR_CAPACITY);
  config.action_count = 0;
  CHECK(ENG_AddRule(world->engine, &config) == -ENG_ERROR_VALUE);
  config = level_rule(5 * MS, false);
  for (int i = 1; i < ENG_MAX_RULES; i++)
    CHECK(ENG_AddRule(world->engine, &config) == i);
  CHECK(ENG_AddRule(world->engine, &config) == -ENG_ERROR_CAPACITY);
  world_end();
}

static void test_failing_action_is_told(void) {
  ENG_RuleConfig config;

  prepare(true);
  config = level_rule(5 * MS, false);
  CHECK(ENG_AddRule(world->engine, &config) == 0);
  world_start();
  world_run(100 * MS);
  world->write_errors[rail] = EIO;
  world_drive(hot, true);
  world_run(5 * MS);
  CHECK(world_last(ENG_EVENT_INTERLOCK_FIRED)->outcome == ENG_FAILED);
  CHECK(world_last(ENG_EVENT_INTERLOCK_FIRED)->error == EIO);
  world_end();
}

int main(void) {
  test_hold_off_until_the_host_is_off();
  test_a_host_that_is_off_is_not_pressed();
  test_power_good_that_is_falling();
  test_hot_at_start();
  test_fired_in_an_earlier_run();
  test_fired_by_order();
  test_an_order_does_not_fire_a_rule_with_an_input();
  test_hold_off_ends_at_the_limit_of_the_line();
  test_pre_empts_a_press_without_an_edge();
  test_level_is_latched_until_reset();
  test_arming();
  test_raw_edge();
  test_refused_at_load();
  test_failing_action_is_told();
  puts("interlock: ok");
  return 0;
}
