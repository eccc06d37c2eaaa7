/* SPDX-License-Identifier: Apache-2.0 */
/* Momentary outputs: every line has its own timer, its own limit and at most one press at a time. */

#include "engine_state.h"

/* A release that fails is a held button: try again until it works. */
#define RELEASE_RETRY_NS (10 * NS_PER_MS)

static void schedule(ENG *engine, unsigned index) {
  const Output *output = &engine->outputs[index];

  engine->due_ns[SLOT_OUTPUTS + index] = ENG_Earlier(output->end_ns, output->check_ns);
}

static void report_failure(ENG *engine, unsigned index, int error, int64_t now_ns) {
  ENG_Event event = {
      .kind = ENG_EVENT_LINE_FAILED, .line = (int32_t)index, .is_output = 1, .error = -error, .time_ns = now_ns};

  engine->ports.emit(engine->ports.context, &event);
}

/* Tells how the present press ended, to whoever asked for it. */
static void tell_end(ENG *engine, unsigned index, ENG_Outcome outcome, ENG_Reason reason, int error, int64_t now_ns) {
  const Output *output = &engine->outputs[index];
  const ENG_Order *order = &output->order;
  ENG_Event event = {
      .kind = ENG_EVENT_COMMAND_DONE,
      .line = (int32_t)index,
      .token = order->token,
      .time_ns = output->ended_ns > now_ns ? output->ended_ns : now_ns,
      .outcome = (int32_t)outcome,
      .reason = (int32_t)reason,
      .error = -error,
      .asked_ns = ORD_AskedNs(order),
      .achieved_ns = output->achieved_ns,
      .started_ns = output->started_ns,
      .ended_ns = output->ended_ns,
  };

  if (output->owner == OWNER_RULE)
    ILK_Ended(engine, output->owner_index, &event);
  else
    engine->ports.emit(engine->ports.context, &event);
}

static void finish(ENG *engine, unsigned index, ENG_Outcome outcome, ENG_Reason reason, int error, int64_t now_ns) {
  Output *output = &engine->outputs[index];

  output->phase = PHASE_IDLE;
  output->end_ns = ENG_NEVER;
  output->check_ns = ENG_NEVER;
  schedule(engine, index);
  tell_end(engine, index, outcome, reason, error, now_ns);
}

void OUT_Write(ENG *engine, unsigned index, bool active, int64_t now_ns) {
  int64_t stamp_ns = now_ns;
  int error = engine->ports.write(engine->ports.context, index, active, &stamp_ns);

  if (error != ENG_WRITE_PENDING)
    ENG_Written(engine, index, error, error != 0 ? now_ns : stamp_ns, now_ns);
}

static void release(ENG *engine, unsigned index, ENG_Outcome outcome, ENG_Reason reason, int64_t now_ns) {
  Output *output = &engine->outputs[index];

  output->outcome = outcome;
  output->reason = reason;
  output->phase = PHASE_RELEASING;
  output->end_ns = ENG_NEVER;
  output->check_ns = ENG_NEVER;
  schedule(engine, index);
  OUT_Write(engine, index, false, now_ns);
}

/* Asserts the line, or ends the order without an edge when its precondition does not hold at this instant. */
static void press(ENG *engine, unsigned index, int64_t now_ns) {
  Output *output = &engine->outputs[index];
  ENG_Reason reason = ENG_TestNow(engine, &output->order.precondition, now_ns);
  int64_t again_ns;

  if (reason != ENG_REASON_NONE) {
    finish(engine, index, ENG_REFUSED, reason, 0, now_ns);
    return;
  }
  if (output->order.kind == ENG_HOLD && ENG_HoldMet(engine, &output->order.until, now_ns, &again_ns)) {
    finish(engine, index, ENG_COMPLETED, ENG_REASON_ALREADY, 0, now_ns);
    return;
  }
  output->phase = PHASE_ASSERTING;
  output->end_ns = ENG_NEVER;
  output->check_ns = ENG_NEVER;
  schedule(engine, index);
  OUT_Write(engine, index, true, now_ns);
}

static int64_t press_limit_ns(const Output *output) {
  int64_t limit_ns = output->config.max_press_ns;

  return output->order.kind == ENG_SET ? limit_ns : ENG_Earlier(limit_ns, output->order.width_ns);
}

static void asserted(ENG *engine, unsigned index, int64_t stamp_ns, int64_t now_ns) {
  Output *output = &engine->outputs[index];

  if (output->phase != PHASE_ASSERTING)
    return;
  output->phase = PHASE_PRESSED;
  output->pressed_ns = stamp_ns;
  if (output->started_ns == 0)
    output->started_ns = stamp_ns;
  if (output->owner == OWNER_RULE)
    ILK_Acted(engine, output->owner_index, index, 0, stamp_ns, now_ns);
  WAT_Pressed(engine, index, stamp_ns);
  if (output->ending) {
    release(engine, index, output->outcome, output->reason, now_ns);
    return;
  }
  output->end_ns = stamp_ns + press_limit_ns(output);
  if (output->order.kind == ENG_HOLD && ENG_HoldMet(engine, &output->order.until, now_ns, &output->check_ns)) {
    release(engine, index, ENG_COMPLETED, ENG_REASON_NONE, now_ns);
    return;
  }
  schedule(engine, index);
}

static void released(ENG *engine, unsigned index, int64_t stamp_ns, int64_t now_ns) {
  Output *output = &engine->outputs[index];
  bool more = output->order.kind == ENG_PULSE && output->outcome == ENG_COMPLETED && output->remaining > 1;

  output->ended_ns = stamp_ns;
  output->achieved_ns += stamp_ns - output->pressed_ns;
  if (!more || output->ending) {
    finish(engine, index, output->outcome, output->reason, 0, now_ns);
    return;
  }
  output->remaining--;
  output->phase = PHASE_GAP;
  output->end_ns = stamp_ns + output->order.gap_ns;
  schedule(engine, index);
}

static void write_failed(ENG *engine, unsigned index, int error, int64_t now_ns) {
  Output *output = &engine->outputs[index];

  if (output->phase == PHASE_ASSERTING) {
    /* What the chip did is not known: make sure that the line is idle before the order ends. */
    output->pressed_ns = now_ns;
    report_failure(engine, index, error, now_ns);
    if (output->owner == OWNER_RULE)
      ILK_Acted(engine, output->owner_index, index, error, now_ns, now_ns);
    release(engine, index, ENG_FAILED, ENG_REASON_WRITE_FAILED, now_ns);
    return;
  }
  if (output->phase == PHASE_RELEASING) {
    if (output->outcome != ENG_FAILED)
      report_failure(engine, index, error, now_ns);
    output->ended_ns = now_ns;
    finish(engine, index, ENG_FAILED, ENG_REASON_WRITE_FAILED, error, now_ns);
  }
  output->phase = PHASE_STUCK;
  output->end_ns = now_ns + RELEASE_RETRY_NS;
  schedule(engine, index);
}

void OUT_Written(ENG *engine, unsigned index, int error, int64_t stamp_ns, int64_t now_ns) {
  Output *output = &engine->outputs[index];

  if (error != 0) {
    write_failed(engine, index, error, now_ns);
  } else if (output->phase == PHASE_ASSERTING) {
    output->level = true;
    asserted(engine, index, stamp_ns, now_ns);
  } else if (output->phase == PHASE_RELEASING) {
    output->level = false;
    if (output->cause_ns != 0)
      engine->ports.measure(engine->ports.context, ENG_MEASURE_LATENESS, stamp_ns - output->cause_ns);
    released(engine, index, stamp_ns, now_ns);
  } else if (output->phase == PHASE_STUCK) {
    output->level = false;
    output->phase = PHASE_IDLE;
    output->end_ns = ENG_NEVER;
    schedule(engine, index);
  }
}

void OUT_End(ENG *engine, unsigned index, ENG_Outcome outcome, ENG_Reason reason, int64_t now_ns) {
  Output *output = &engine->outputs[index];

  output->cause_ns = 0;
  if (output->phase == PHASE_PRESSED) {
    release(engine, index, outcome, reason, now_ns);
  } else if (output->phase == PHASE_GAP) {
    finish(engine, index, outcome, reason, 0, now_ns);
  } else if (output->phase == PHASE_ASSERTING || output->phase == PHASE_RELEASING) {
    output->ending = true;
    output->outcome = outcome;
    output->reason = reason;
  }
}

void OUT_Begin(ENG *engine, unsigned index, const ENG_Order *order, Owner owner, unsigned owner_index, int64_t now_ns) {
  Output *output = &engine->outputs[index];

  output->order = *order;
  output->owner = owner;
  output->owner_index = owner_index;
  output->remaining = order->count;
  output->started_ns = 0;
  output->ended_ns = 0;
  output->achieved_ns = 0;
  output->pressed_ns = 0;
  output->cause_ns = 0;
  output->ending = false;
  output->outcome = ENG_COMPLETED;
  output->reason = ENG_REASON_NONE;
  press(engine, index, now_ns);
}

void OUT_Seize(ENG *engine, unsigned index, const ENG_Order *hold, unsigned rule, int64_t now_ns) {
  Output *output = &engine->outputs[index];

  if (output->phase != PHASE_PRESSED) {
    if (output->phase == PHASE_GAP)
      finish(engine, index, ENG_PREEMPTED, ENG_REASON_INTERLOCK, 0, now_ns);
    OUT_Begin(engine, index, hold, OWNER_RULE, rule, now_ns);
    return;
  }
  /* The button is down already: it stays down, without an edge, and its limit counts from when it went down. */
  output->ended_ns = now_ns;
  output->achieved_ns += now_ns - output->pressed_ns;
  tell_end(engine, index, ENG_PREEMPTED, ENG_REASON_INTERLOCK, 0, now_ns);
  output->order = *hold;
  output->owner = OWNER_RULE;
  output->owner_index = rule;
  output->started_ns = output->pressed_ns;
  output->achieved_ns = 0;
  output->end_ns = output->pressed_ns + press_limit_ns(output);
  output->check_ns = ENG_NEVER;
  schedule(engine, index);
  ILK_Acted(engine, rule, index, 0, now_ns, now_ns);
}

void OUT_InputChanged(ENG *engine, unsigned input, int64_t now_ns) {
  for (unsigned i = 0; i < engine->output_count; i++) {
    Output *output = &engine->outputs[i];

    if (output->phase != PHASE_PRESSED || output->order.kind != ENG_HOLD || output->order.until.input != (int32_t)input)
      continue;
    if (ENG_HoldMet(engine, &output->order.until, now_ns, &output->check_ns)) {
      output->cause_ns = 0;
      release(engine, i, ENG_COMPLETED, ENG_REASON_NONE, now_ns);
    } else {
      schedule(engine, i);
    }
  }
}

static void press_due(ENG *engine, unsigned index, int64_t now_ns) {
  Output *output = &engine->outputs[index];

  if (output->check_ns <= now_ns && ENG_HoldMet(engine, &output->order.until, now_ns, &output->check_ns)) {
    output->cause_ns = 0;
    release(engine, index, ENG_COMPLETED, ENG_REASON_NONE, now_ns);
  } else if (output->end_ns <= now_ns) {
    output->cause_ns = output->end_ns;
    if (output->order.kind == ENG_PULSE)
      release(engine, index, ENG_COMPLETED, ENG_REASON_NONE, now_ns);
    else
      release(engine, index, ENG_LIMIT_REACHED, ENG_REASON_LIMIT, now_ns);
  } else {
    schedule(engine, index);
  }
}

void OUT_Due(ENG *engine, unsigned index, int64_t now_ns) {
  Output *output = &engine->outputs[index];

  switch (output->phase) {
    case PHASE_PRESSED:
      press_due(engine, index, now_ns);
      break;
    case PHASE_GAP:
      press(engine, index, now_ns);
      break;
    case PHASE_STUCK:
      output->end_ns = now_ns + RELEASE_RETRY_NS;
      schedule(engine, index);
      OUT_Write(engine, index, false, now_ns);
      break;
    case PHASE_IDLE:
    case PHASE_ASSERTING:
    case PHASE_RELEASING:
      output->end_ns = ENG_NEVER;
      output->check_ns = ENG_NEVER;
      schedule(engine, index);
      break;
  }
}

void OUT_Start(ENG *engine, unsigned index, int64_t now_ns) {
  Output *output = &engine->outputs[index];
  int64_t stamp_ns = now_ns;
  int error;

  output->phase = PHASE_IDLE;
  output->end_ns = ENG_NEVER;
  output->check_ns = ENG_NEVER;
  schedule(engine, index);
  if (output->config.line_class == ENG_MAINTAINED)
    return;
  error = engine->ports.write(engine->ports.context, index, false, &stamp_ns);
  if (error < 0) {
    report_failure(engine, index, error, now_ns);
    output->phase = PHASE_STUCK;
    output->end_ns = now_ns + RELEASE_RETRY_NS;
    schedule(engine, index);
  }
}

void OUT_Stop(ENG *engine, unsigned index, int64_t now_ns) {
  Output *output = &engine->outputs[index];
  int64_t stamp_ns = now_ns;

  if (output->config.line_class == ENG_MAINTAINED)
    return;
  OUT_End(engine, index, ENG_CANCELLED, ENG_REASON_STOPPED, now_ns);
  /* Once more, whatever the state machine believes. */
  (void)engine->ports.write(engine->ports.context, index, false, &stamp_ns);
}
