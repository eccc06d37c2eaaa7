/* SPDX-License-Identifier: Apache-2.0 */
/* Interlocks: an input that settles acts on outputs at once, in this thread. Each rule fires once until it is reset. */

#include "engine_state.h"

enum { NO_INPUT = -1 };

static bool is_output_of(const ENG *engine, int32_t output, ENG_LineClass line_class) {
  return output >= 0 && output < (int32_t)engine->output_count &&
         engine->outputs[output].config.line_class == (int32_t)line_class;
}

static bool is_input(const ENG *engine, int32_t input) { return input >= 0 && input < (int32_t)engine->input_count; }

static bool is_valid_action(const ENG *engine, const ENG_RuleConfig *config, const ENG_ActionConfig *action) {
  if (action->kind == ENG_ACTION_LEVEL)
    return is_output_of(engine, action->output, ENG_MAINTAINED);
  /* A raw edge may be a spark; a spark must not press a button. */
  return action->kind == ENG_ACTION_HOLD_OFF && is_output_of(engine, action->output, ENG_MOMENTARY) &&
         is_input(engine, action->power_good) && config->quiet_ns > 0;
}

/* Whether another action could drive the output of this one the other way. */
static bool contradicts(const ENG_ActionConfig *one, const ENG_ActionConfig *other) {
  return one->kind == ENG_ACTION_LEVEL && other->kind == ENG_ACTION_LEVEL && one->output == other->output &&
         (one->active != 0) != (other->active != 0);
}

static bool is_contradicted(const ENG *engine, const ENG_RuleConfig *config, const ENG_ActionConfig *action) {
  for (int i = 0; i < config->action_count; i++) {
    if (contradicts(action, &config->actions[i]))
      return true;
  }
  for (unsigned r = 0; r < engine->rule_count; r++) {
    const ENG_RuleConfig *other = &engine->rules[r].config;

    for (int i = 0; i < other->action_count; i++) {
      if (contradicts(action, &other->actions[i]))
        return true;
    }
  }
  return false;
}

int ENG_AddRule(ENG *engine, const ENG_RuleConfig *config) {
  Rule *rule;

  if (engine->running)
    return -ENG_ERROR_RUNNING;
  if (engine->rule_count == ENG_MAX_RULES || config->action_count > ENG_MAX_ACTIONS)
    return -ENG_ERROR_CAPACITY;
  if (!is_input(engine, config->input) && config->input != NO_INPUT)
    return -ENG_ERROR_INDEX;
  if (config->action_count < 1 || !ENG_IsSpan(config->quiet_ns) || (config->quiet_ns == 0 && !config->raw_edge_ok) ||
      (config->quiet_ns > 0 && config->quiet_ns < NS_PER_MS))
    return -ENG_ERROR_VALUE;
  for (int i = 0; i < config->action_count; i++) {
    if (!is_valid_action(engine, config, &config->actions[i]))
      return -ENG_ERROR_VALUE;
    if (is_contradicted(engine, config, &config->actions[i]))
      return -ENG_ERROR_CONFLICT;
  }
  rule = &engine->rules[engine->rule_count];
  rule->config = *config;
  rule->armed = config->armed != 0;
  rule->fired = config->fired != 0;
  return (int)engine->rule_count++;
}

static void tell(ENG *engine, unsigned index, const ENG_Event *event) {
  const Rule *rule = &engine->rules[index];
  ENG_Event told = *event;

  told.line = (int32_t)index;
  told.edge_ns = rule->config.input == NO_INPUT ? rule->ordered_ns : engine->inputs[rule->config.input].level_since_ns;
  engine->ports.emit(engine->ports.context, &told);
}

void ILK_Acted(ENG *engine, unsigned index, unsigned output, int error, int64_t stamp_ns, int64_t now_ns) {
  ENG_Event event = {
      .kind = ENG_EVENT_INTERLOCK_FIRED,
      .item = (int32_t)output,
      .time_ns = stamp_ns > now_ns ? stamp_ns : now_ns,
      .outcome = error != 0 ? ENG_FAILED : ENG_COMPLETED,
      .reason = error != 0 ? ENG_REASON_WRITE_FAILED : ENG_REASON_NONE,
      .error = -error,
      .started_ns = stamp_ns,
  };

  if (error == 0 && engine->rules[index].cause_ns != 0)
    engine->ports.measure(engine->ports.context, ENG_MEASURE_EDGE_TO_ACTION,
                          stamp_ns - engine->rules[index].cause_ns);
  tell(engine, index, &event);
}

void ILK_Ended(ENG *engine, unsigned index, const ENG_Event *done) {
  ENG_Event event = *done;

  event.kind = ENG_EVENT_INTERLOCK_ENDED;
  event.item = done->line;
  tell(engine, index, &event);
}

static void skip(ENG *engine, unsigned index, const ENG_ActionConfig *action, ENG_Reason reason, int64_t now_ns) {
  ENG_Event event = {
      .kind = ENG_EVENT_INTERLOCK_FIRED,
      .item = action->output,
      .time_ns = now_ns,
      .outcome = ENG_REFUSED,
      .reason = (int32_t)reason,
  };

  tell(engine, index, &event);
}

static void hold_off(ENG *engine, unsigned index, const ENG_ActionConfig *action, int64_t now_ns) {
  const ENG_Condition powered = {.input = action->power_good, .active = 1, .stable_ns = 0};
  const Output *output = &engine->outputs[action->output];
  ENG_Order hold = {
      .kind = ENG_HOLD,
      .count = 1,
      .width_ns = output->config.max_press_ns,
      .precondition = {.input = -1},
      .until = {.input = action->power_good, .active = 0},
  };

  /* A press on a host that is off would start it. */
  if (ENG_TestCondition(engine, &powered, now_ns) != ENG_REASON_NONE)
    skip(engine, index, action, ENG_REASON_NOT_POWERED, now_ns);
  else if (output->phase != PHASE_IDLE && output->owner == OWNER_RULE)
    skip(engine, index, action, ENG_REASON_ALREADY, now_ns);
  else
    OUT_Seize(engine, (unsigned)action->output, &hold, index, now_ns);
}

static void latch(ENG *engine, unsigned index, const ENG_ActionConfig *action, int64_t now_ns) {
  Output *output = &engine->outputs[action->output];
  unsigned sequence = output->reserved;

  output->latches |= UINT64_C(1) << index;
  RAL_Drive(engine, (unsigned)action->output, action->active != 0, OWNER_RULE, index, now_ns);
  if (sequence != 0)
    SEQ_Stop(engine, sequence - 1, ENG_PREEMPTED, ENG_REASON_INTERLOCK, now_ns);
}

/* When it will be known whether the host is on; ENG_NEVER if it is known already. */
static int64_t uncertain_until(const ENG *engine, const ENG_ActionConfig *action) {
  const Input *good;

  if (action->kind != ENG_ACTION_HOLD_OFF)
    return ENG_NEVER;
  good = &engine->inputs[action->power_good];
  if (good->steady != ENG_UNKNOWN && (good->steady != ENG_ACTIVE || good->level))
    return ENG_NEVER;
  return ENG_Earlier(good->settle_ns, good->led.confirm_ns);
}

/* Power-good that is just falling may bounce or may be the end, and at start it has not settled at all: neither press a
   host that is off nor drop the action, but wait for the few milliseconds until it has. */
static void act(ENG *engine, unsigned index, int64_t now_ns) {
  Rule *rule = &engine->rules[index];
  int64_t again_ns = ENG_NEVER;

  for (int i = 0; i < rule->config.action_count; i++) {
    const ENG_ActionConfig *action = &rule->config.actions[i];
    int64_t known_ns = uncertain_until(engine, action);

    if ((rule->pending & (1U << i)) == 0)
      continue;
    if (known_ns != ENG_NEVER) {
      again_ns = ENG_Earlier(again_ns, known_ns > now_ns ? known_ns : now_ns + NS_PER_MS);
      continue;
    }
    rule->pending &= ~(1U << i);
    if (action->kind == ENG_ACTION_HOLD_OFF)
      hold_off(engine, index, action, now_ns);
    else
      latch(engine, index, action, now_ns);
  }
  engine->due_ns[SLOT_RULES + index] = again_ns;
}

static void fire(ENG *engine, unsigned index, int64_t cause_ns, int64_t now_ns) {
  Rule *rule = &engine->rules[index];

  rule->fired = true;
  rule->cause_ns = cause_ns;
  rule->pending = (1U << rule->config.action_count) - 1;
  act(engine, index, now_ns);
}

/* Looks at the settled state; fires, or says when to look again. */
static void look(ENG *engine, unsigned index, bool late, int64_t now_ns) {
  const Rule *rule = &engine->rules[index];
  const ENG_RuleConfig *config = &rule->config;
  const Input *input;
  int64_t met_ns, settled_ns;

  if (rule->fired || config->input == NO_INPUT)
    return;
  input = &engine->inputs[config->input];
  met_ns = input->stable_since_ns + config->quiet_ns;
  settled_ns = input->stable_since_ns + (config->active ? input->config.rise_ns : input->config.fall_ns);
  engine->due_ns[SLOT_RULES + index] = ENG_NEVER;
  if (!rule->armed || input->steady != (config->active ? ENG_ACTIVE : ENG_INACTIVE))
    return;
  if (met_ns > now_ns)
    engine->due_ns[SLOT_RULES + index] = met_ns;
  else
    fire(engine, index, late ? 0 : settled_ns > met_ns ? settled_ns : met_ns, now_ns);
}

static void adopt_latches(ENG *engine, unsigned index) {
  const ENG_RuleConfig *config = &engine->rules[index].config;

  for (int i = 0; config->fired && i < config->action_count; i++) {
    if (config->actions[i].kind == ENG_ACTION_LEVEL)
      engine->outputs[config->actions[i].output].latches |= UINT64_C(1) << index;
  }
}

void ILK_Start(ENG *engine, int64_t now_ns) {
  for (unsigned i = 0; i < engine->rule_count; i++) {
    adopt_latches(engine, i);
    look(engine, i, true, now_ns);
  }
}

void ILK_Due(ENG *engine, unsigned index, int64_t now_ns) {
  engine->due_ns[SLOT_RULES + index] = ENG_NEVER;
  if (engine->rules[index].fired)
    act(engine, index, now_ns);
  else
    look(engine, index, false, now_ns);
}

void ILK_InputChanged(ENG *engine, unsigned input, int64_t now_ns) {
  for (unsigned i = 0; i < engine->rule_count; i++) {
    if (engine->rules[i].config.input == (int32_t)input)
      look(engine, i, false, now_ns);
  }
}

void ILK_RawEdge(ENG *engine, unsigned input, int64_t now_ns) {
  for (unsigned i = 0; i < engine->rule_count; i++) {
    Rule *rule = &engine->rules[i];

    if (rule->config.input != (int32_t)input || rule->config.quiet_ns > 0 || !rule->armed || rule->fired)
      continue;
    if (engine->inputs[input].level == (rule->config.active != 0))
      fire(engine, i, engine->inputs[input].level_since_ns, now_ns);
  }
}

void ILK_Order(ENG *engine, const ENG_Order *order, int64_t now_ns) {
  Rule *rule;

  if (!engine->running || order->line < 0 || (unsigned)order->line >= engine->rule_count)
    return;
  rule = &engine->rules[order->line];
  if (order->kind == ENG_RESET) {
    rule->fired = false;
    rule->pending = 0;
    for (unsigned i = 0; i < engine->output_count; i++)
      engine->outputs[i].latches &= ~(UINT64_C(1) << order->line);
  } else if (order->kind == ENG_FIRE) {
    /* An order is no edge whose way to the action is measured. */
    if (rule->config.input == NO_INPUT && rule->armed) {
      rule->ordered_ns = now_ns;
      fire(engine, (unsigned)order->line, 0, now_ns);
    }
    return;
  } else {
    rule->armed = order->kind == ENG_ARM;
  }
  look(engine, (unsigned)order->line, true, now_ns);
}
