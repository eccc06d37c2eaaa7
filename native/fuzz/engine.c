/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer on the configuration and command interface of the state machine: any bytes become lines, rules, sequences,
   watches, orders, edges and jumps of the clock. Whatever comes, no press outlasts its line's limit, no rail moves
   without an order or a rule, and after the stop every button is idle. */

#include <stddef.h>
#include <string.h>

#include "../fake.h"
#include "../tests/test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_LINES = 6, MAX_STEPS = 400 };

#define START_NS (1000 * MS)
#define MAX_JUMP_NS (INT64_C(20000) * MS)

typedef struct {
  const uint8_t *at;
  size_t left;
} Bytes;

static FAK *fake;
static unsigned outputs, inputs, moved_by_order;
static ENG_OutputConfig output_configs[MAX_LINES];
static int64_t pressed_ns[MAX_LINES];

static void take(Bytes *bytes, void *target, size_t size) {
  size_t given = size < bytes->left ? size : bytes->left;

  memset(target, 0, size);
  memcpy(target, bytes->at, given);
  bytes->at += given;
  bytes->left -= given;
}

static unsigned below(Bytes *bytes, unsigned limit) {
  uint8_t byte;

  take(bytes, &byte, sizeof(byte));
  return byte % limit;
}

/* Mostly times that meet each other, sometimes any 64 bits. */
static int64_t span_ns(Bytes *bytes) {
  static const int64_t usual[] = {0, 1, MS, 5 * MS, 20 * MS, 100 * MS, 500 * MS, 2000 * MS, 5000 * MS, -1};
  unsigned kind = below(bytes, 12);
  int64_t any;

  if (kind < sizeof(usual) / sizeof(usual[0]))
    return usual[kind];
  take(bytes, &any, sizeof(any));
  return any;
}

/* An index that mostly exists. */
static int32_t index_of(Bytes *bytes, unsigned count) { return (int32_t)below(bytes, count + 2) - 1; }

static ENG_Condition condition(Bytes *bytes) {
  return (ENG_Condition){.input = index_of(bytes, inputs),
                         .active = (int32_t)below(bytes, 2),
                         .steady = (int32_t)below(bytes, 6) - 1,
                         .stable_ns = span_ns(bytes)};
}

static void add_lines(Bytes *bytes) {
  for (unsigned i = below(bytes, MAX_LINES + 1); i > 0; i--) {
    ENG_OutputConfig config = {.line_class = (int32_t)below(bytes, 3),
                               .initial = (int32_t)below(bytes, 2),
                               .max_press_ns = span_ns(bytes)};
    int index = ENG_AddOutput(fake->engine, &config);

    if (index >= 0) {
      CHECK((unsigned)index == outputs);
      fake->slow[index] = below(bytes, 8) == 0;
      output_configs[outputs++] = config;
    }
  }
  for (unsigned i = below(bytes, MAX_LINES + 1); i > 0; i--) {
    ENG_InputConfig config = {.source = (int32_t)below(bytes, 3),
                              .rise_ns = span_ns(bytes),
                              .fall_ns = span_ns(bytes),
                              .poll_ns = below(bytes, 4) == 0 ? span_ns(bytes) : 0,
                              .blink_max_ns = span_ns(bytes)};

    if (ENG_AddInput(fake->engine, &config) >= 0)
      inputs++;
  }
}

static void add_rules(Bytes *bytes) {
  for (unsigned i = below(bytes, 5); i > 0; i--) {
    ENG_RuleConfig rule = {.input = index_of(bytes, inputs),
                           .active = (int32_t)below(bytes, 2),
                           .quiet_ns = span_ns(bytes),
                           .raw_edge_ok = (int32_t)below(bytes, 2),
                           .armed = (int32_t)below(bytes, 2),
                           .action_count = (int32_t)below(bytes, 6) - 1};

    if (below(bytes, 16) == 0)
      rule.action_count = INT32_MIN;
    for (int action = 0; action < 4; action++)
      rule.actions[action] = (ENG_ActionConfig){.kind = (int32_t)below(bytes, 3),
                                                .output = index_of(bytes, outputs),
                                                .active = (int32_t)below(bytes, 2),
                                                .power_good = index_of(bytes, inputs)};
    (void)ENG_AddRule(fake->engine, &rule);
  }
  for (unsigned i = below(bytes, 4); i > 0; i--) {
    ENG_SequenceConfig sequence = {.on_failure = (int32_t)below(bytes, 3), .step_count = (int32_t)below(bytes, 6) - 1};

    for (int step = 0; step < 4; step++)
      sequence.steps[step] = (ENG_StepConfig){.output = index_of(bytes, outputs),
                                              .active = (int32_t)below(bytes, 2),
                                              .wait = condition(bytes),
                                              .within_ns = span_ns(bytes),
                                              .delay_ns = span_ns(bytes)};
    (void)ENG_AddSequence(fake->engine, &sequence);
  }
  for (unsigned i = below(bytes, 4); i > 0; i--) {
    ENG_WatchConfig watch = {.input = index_of(bytes, inputs),
                             .press_count = (int32_t)below(bytes, 4) - 1,
                             .presses = {index_of(bytes, outputs), index_of(bytes, outputs)},
                             .rise_ns = span_ns(bytes),
                             .hold_off_ns = span_ns(bytes)};

    (void)ENG_AddWatch(fake->engine, &watch);
  }
}

/* What was written since the last look. A slow chip is as late as the fuzzer likes: its presses have no bound here. */
static void check_writes(void) {
  for (uint32_t i = 0; i < fake->write_count; i++) {
    const FAK_Write *write = &fake->writes[i];

    CHECK(write->output < outputs);
    if (output_configs[write->output].line_class == ENG_MAINTAINED) {
      CHECK(moved_by_order);
      continue;
    }
    if (write->active && pressed_ns[write->output] < 0)
      pressed_ns[write->output] = write->time_ns;
    if (!write->active)
      pressed_ns[write->output] = -1;
  }
  fake->write_count = 0;
  fake->event_count = 0;
  for (unsigned i = 0; i < outputs; i++) {
    if (pressed_ns[i] >= 0 && !fake->slow[i] && fake->write_errors[i] == 0)
      CHECK(fake->clock_ns - pressed_ns[i] <= output_configs[i].max_press_ns);
  }
}

/* From deadline to deadline, as the loop does. */
static void run(int64_t span) {
  int64_t end_ns = fake->clock_ns + (span < 0 ? 0 : span > MAX_JUMP_NS ? MAX_JUMP_NS : span);

  for (unsigned turns = 0; turns < 2000; turns++) {
    int64_t due_ns = ENG_NextDeadline(fake->engine);

    if (due_ns > end_ns)
      break;
    if (due_ns > fake->clock_ns)
      fake->clock_ns = due_ns;
    ENG_Advance(fake->engine, fake->clock_ns);
    check_writes();
    if (turns == 1999)
      return;
  }
  if (end_ns > fake->clock_ns)
    fake->clock_ns = end_ns;
  ENG_Advance(fake->engine, fake->clock_ns);
  check_writes();
}

static void command(Bytes *bytes) {
  ENG_Order order = {.kind = (int32_t)below(bytes, 11) - 1,
                     .line = index_of(bytes, outputs),
                     .token = below(bytes, 8),
                     .active = (int32_t)below(bytes, 2),
                     .count = (int32_t)below(bytes, 4),
                     .width_ns = span_ns(bytes),
                     .gap_ns = span_ns(bytes)};

  if (below(bytes, 8) == 0)
    take(bytes, &order.count, sizeof(order.count));
  order.precondition = condition(bytes);
  order.until = condition(bytes);
  moved_by_order = 1;
  ENG_Command(fake->engine, &order, fake->clock_ns);
}

static void happen(Bytes *bytes) {
  unsigned output = outputs > 0 ? below(bytes, outputs) : 0, input = inputs > 0 ? below(bytes, inputs) : 0;
  bool active = below(bytes, 2) == 1;
  unsigned kind = below(bytes, 10);

  if (inputs == 0 && kind >= 2 && kind <= 6)
    kind = 0;
  /* Inputs move rules, rules move rails. */
  moved_by_order |= kind >= 2;
  switch (kind) {
    case 0:
      run(span_ns(bytes));
      break;
    case 1:
      command(bytes);
      break;
    case 2:
    case 3:
      fake->levels[input] = active;
      ENG_Edge(fake->engine, input, active, fake->clock_ns - (int64_t)below(bytes, 3) * MS, fake->clock_ns);
      break;
    case 4:
      fake->levels[input] = active;
      ENG_EdgesLost(fake->engine, input, 3, fake->clock_ns);
      break;
    case 5:
      ENG_Sample(fake->engine, input, active, fake->clock_ns);
      break;
    case 6:
      fake->read_errors[input] = active ? 19 : 0;
      break;
    case 7:
      FAK_EndWrite(fake, output, active ? -5 : 0, fake->clock_ns);
      break;
    case 8:
      fake->write_errors[output] = active && output_configs[output].line_class == ENG_MAINTAINED ? 5 : 0;
      break;
    default:
      command(bytes);
      break;
  }
  check_writes();
}

static void stop_and_check(void) {
  ENG_Stop(fake->engine, fake->clock_ns);
  for (unsigned i = 0; i < outputs; i++) {
    FAK_EndWrite(fake, i, 0, fake->clock_ns);
    if (output_configs[i].line_class == ENG_MOMENTARY && !fake->slow[i])
      CHECK(fake->outputs[i] == 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Bytes bytes = {data, size};

  fake = FAK_Create();
  if (fake == NULL)
    return 0;
  outputs = inputs = moved_by_order = 0;
  memset(output_configs, 0, sizeof(output_configs));
  for (unsigned i = 0; i < MAX_LINES; i++)
    pressed_ns[i] = -1;
  add_lines(&bytes);
  add_rules(&bytes);
  fake->clock_ns = START_NS;
  /* A rule that is armed may act at once on what it finds. */
  moved_by_order = inputs > 0;
  ENG_Start(fake->engine, fake->clock_ns);
  check_writes();
  for (unsigned i = 0; i < MAX_STEPS && bytes.left > 0; i++)
    happen(&bytes);
  stop_and_check();
  FAK_Destroy(fake);
  return 0;
}
