/* SPDX-License-Identifier: Apache-2.0 */
/* Everything at once, at random: rules, sequences, watches, LEDs, slow and failing lines. What must hold in any case:
   no button is down for longer than its limit, every order has exactly one answer, nothing that is due stays undone. */

#include "../engine.c"

#include "world.h"

enum { BUTTONS = 2, RAILS = 2, OUTPUTS = BUTTONS + RAILS, INPUTS = 3, ROUNDS = 60, STEPS = 2000 };

#define LIMIT_NS (300 * MS)

static uint8_t answers[STEPS + 1];
static int64_t down_since_ns[BUTTONS];
static bool exact;

static void configure(void) {
  ENG_RuleConfig rule = {.input = 1, .active = 1, .quiet_ns = 5 * MS, .armed = 1, .action_count = 2};
  ENG_SequenceConfig sequence = {.step_count = 2};
  ENG_WatchConfig watch = {.input = 0, .press_count = 1, .rise_ns = 200 * MS, .hold_off_ns = 50 * MS};

  for (int i = 0; i < BUTTONS; i++)
    (void)world_button(LIMIT_NS);
  for (int i = 0; i < RAILS; i++)
    (void)world_rail(i != 0);
  (void)world_input(ENG_LEVEL, 5 * MS, 10 * MS);
  (void)world_input(ENG_LEVEL, 0, MS);
  (void)world_input(ENG_LED, 20 * MS, 20 * MS);
  rule.actions[0] = (ENG_ActionConfig){.kind = ENG_ACTION_HOLD_OFF, .output = 0, .power_good = 0};
  rule.actions[1] = (ENG_ActionConfig){.kind = ENG_ACTION_LEVEL, .output = BUTTONS, .active = 0};
  CHECK(ENG_AddRule(world->engine, &rule) == 0);
  sequence.on_failure = (int32_t)random_below(2);
  for (int i = 0; i < 2; i++)
    sequence.steps[i] = (ENG_StepConfig){.output = BUTTONS + i,
                                         .active = 1,
                                         .wait = {.input = i == 0 ? -1 : 0, .active = 1},
                                         .within_ns = 40 * MS,
                                         .delay_ns = (int64_t)random_below(10) * MS};
  CHECK(ENG_AddSequence(world->engine, &sequence) == 0);
  CHECK(ENG_AddWatch(world->engine, &watch) == 0);
}

static ENG_Condition random_condition(void) {
  return (ENG_Condition){.input = (int32_t)random_below(INPUTS + 3) - 1,
                         .active = (int32_t)random_below(2),
                         .stable_ns = (int64_t)random_below(3) * 5 * MS};
}

static void random_order(uint64_t token) {
  ENG_Order order = world_order((ENG_OrderKind)random_below(ENG_FIRE + 1), (unsigned)random_below(OUTPUTS + 1), token);

  order.active = (int32_t)random_below(2);
  order.count = (int32_t)random_below(4);
  order.width_ns = (int64_t)random_below(400) * MS;
  order.gap_ns = (int64_t)random_below(20) * MS;
  if (random_below(2))
    order.precondition = random_condition();
  if (order.kind == ENG_HOLD)
    order.until = random_condition();
  if (order.kind == ENG_CANCEL && token > 3)
    order.token = token - random_below(3);
  if (order.kind == ENG_CANCEL || order.kind >= ENG_ARM)
    answers[token]++;
  world_command(&order);
}

/* Follows the log of writes: how long is each button down? */
static void check_presses(void) {
  for (uint32_t i = 0; i < world->write_count; i++) {
    const FAK_Write *write = &world->writes[i];

    if (write->output >= BUTTONS)
      continue;
    if (write->active)
      down_since_ns[write->output] = write->time_ns;
    else if (down_since_ns[write->output] != 0 && exact)
      CHECK(write->time_ns - down_since_ns[write->output] <= LIMIT_NS);
    if (!write->active)
      down_since_ns[write->output] = 0;
  }
  world->write_count = 0;
  for (uint32_t i = 0; i < world->event_count; i++) {
    const ENG_Event *event = &world->events[i];

    if (event->token != 0 &&
        (event->kind == ENG_EVENT_COMMAND_DONE || event->kind == ENG_EVENT_SEQUENCE_DONE))
      CHECK(++answers[event->token] == 1);
  }
  world->event_count = 0;
}

static void random_step(uint64_t token) {
  unsigned input = (unsigned)random_below(INPUTS), output = (unsigned)random_below(OUTPUTS);

  answers[token] = 0;
  switch (random_below(10)) {
    case 0:
    case 1:
    case 2:
      random_order(token);
      return;
    case 3:
    case 4:
      world_drive(input, random_below(2) != 0);
      break;
    case 5:
      ENG_EdgesLost(world->engine, input, 1 + random_below(3), world_now());
      break;
    case 6:
      world->read_errors[input] = random_below(4) == 0 ? 5 : 0;
      break;
    case 7:
      if (!exact)
        world->write_errors[output] = random_below(4) == 0 ? 5 : 0;
      break;
    default:
      if (!exact && random_below(4) == 0)
        world->clock_ns += (int64_t)random_below(500) * MS;
      world_run((int64_t)random_below(60) * MS);
      CHECK(ENG_NextDeadline(world->engine) > world_now());
      break;
  }
  answers[token] = 1;
}

int main(void) {
  for (int round = 0; round < ROUNDS; round++) {
    /* Every other round without oversleeping and without writes that fail: then the limits hold to the nanosecond. */
    exact = round % 2 == 0;
    memset(down_since_ns, 0, sizeof(down_since_ns));
    memset(answers, 0, sizeof(answers));
    world_begin();
    configure();
    world_start();
    for (uint64_t token = 1; token <= STEPS; token++) {
      random_step(token);
      check_presses();
    }
    memset(world->write_errors, 0, sizeof(world->write_errors));
    ENG_Stop(world->engine, world_now());
    check_presses();
    for (uint64_t token = 1; token <= STEPS; token++)
      CHECK(answers[token] == 1);
    for (int i = 0; i < BUTTONS; i++)
      CHECK(world->outputs[i] == 0);
    world_end();
  }
  puts("engine: ok");
  return 0;
}
