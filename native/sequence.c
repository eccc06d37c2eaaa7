/* SPDX-License-Identifier: Apache-2.0 */
/* Rail sequences: drive, wait for an input, delay; when a step fails, undo what was done in reverse or freeze. */

#include "engine_state.h"

static void set_due(ENG *engine, unsigned index, int64_t due_ns) { engine->due_ns[SLOT_SEQUENCES + index] = due_ns; }

static bool is_valid_step(const ENG *engine, const ENG_StepConfig *step) {
  if (step->output < 0 || step->output >= (int32_t)engine->output_count ||
      engine->outputs[step->output].config.line_class != ENG_MAINTAINED)
    return false;
  if (!ENG_IsValidCondition(engine, &step->wait) || !ENG_IsSpan(step->delay_ns) || !ENG_IsSpan(step->within_ns))
    return false;
  return step->wait.input < 0 || step->within_ns > 0;
}

int ENG_AddSequence(ENG *engine, const ENG_SequenceConfig *config) {
  if (engine->running)
    return -ENG_ERROR_RUNNING;
  if (engine->sequence_count == ENG_MAX_SEQUENCES || config->step_count > ENG_MAX_STEPS)
    return -ENG_ERROR_CAPACITY;
  if (config->step_count < 1 || (config->on_failure != ENG_UNWIND && config->on_failure != ENG_FREEZE))
    return -ENG_ERROR_VALUE;
  for (int i = 0; i < config->step_count; i++) {
    if (!is_valid_step(engine, &config->steps[i]))
      return -ENG_ERROR_VALUE;
  }
  engine->sequences[engine->sequence_count].config = *config;
  return (int)engine->sequence_count++;
}

static void reserve(ENG *engine, unsigned index, unsigned owner) {
  const Sequence *sequence = &engine->sequences[index];

  for (int i = 0; i < sequence->config.step_count; i++)
    engine->outputs[sequence->config.steps[i].output].reserved = owner;
}

static void finish(ENG *engine, unsigned index, int64_t now_ns) {
  Sequence *sequence = &engine->sequences[index];
  ENG_Event event = {
      .kind = ENG_EVENT_SEQUENCE_DONE,
      .line = (int32_t)index,
      .token = sequence->token,
      .time_ns = now_ns,
      .outcome = (int32_t)sequence->outcome,
      .reason = (int32_t)sequence->reason,
      .error = -sequence->error,
      .item = sequence->failed_step,
      .started_ns = sequence->started_ns,
      /* A write of this very turn carries a later stamp than the turn. */
      .ended_ns = sequence->driven_ns > now_ns ? sequence->driven_ns : now_ns,
  };

  sequence->phase = SEQUENCE_IDLE;
  set_due(engine, index, ENG_NEVER);
  reserve(engine, index, 0);
  engine->ports.emit(engine->ports.context, &event);
}

static void drive_step(ENG *engine, unsigned index, int64_t now_ns) {
  Sequence *sequence = &engine->sequences[index];
  const ENG_StepConfig *step = &sequence->config.steps[sequence->step];

  sequence->phase = SEQUENCE_DRIVING;
  sequence->was_active[sequence->step] = engine->outputs[step->output].level;
  set_due(engine, index, ENG_NEVER);
  RAL_Drive(engine, (unsigned)step->output, step->active != 0, OWNER_SEQUENCE, index, now_ns);
}

/* Undoes the steps from the present one down. A rail that an interlock has latched is left to it. */
static void unwind(ENG *engine, unsigned index, int64_t now_ns) {
  Sequence *sequence = &engine->sequences[index];

  sequence->phase = SEQUENCE_UNWINDING;
  for (; sequence->step >= 0; sequence->step--) {
    const ENG_StepConfig *step = &sequence->config.steps[sequence->step];
    const Output *output = &engine->outputs[step->output];

    if (output->latches == 0 && output->level != sequence->was_active[sequence->step]) {
      /* SEQ_Written() goes on from here. */
      RAL_Drive(engine, (unsigned)step->output, sequence->was_active[sequence->step], OWNER_SEQUENCE, index, now_ns);
      return;
    }
  }
  finish(engine, index, now_ns);
}

static void fail(ENG *engine, unsigned index, ENG_Outcome outcome, ENG_Reason reason, int error, int64_t now_ns) {
  Sequence *sequence = &engine->sequences[index];

  sequence->outcome = outcome;
  sequence->reason = reason;
  sequence->error = error;
  sequence->failed_step = sequence->step;
  set_due(engine, index, ENG_NEVER);
  if (sequence->config.on_failure == ENG_UNWIND)
    unwind(engine, index, now_ns);
  else
    finish(engine, index, now_ns);
}

static void next_step(ENG *engine, unsigned index, int64_t now_ns) {
  Sequence *sequence = &engine->sequences[index];

  if (sequence->step + 1 < sequence->config.step_count) {
    sequence->step++;
    drive_step(engine, index, now_ns);
    return;
  }
  sequence->outcome = ENG_COMPLETED;
  sequence->reason = ENG_REASON_NONE;
  finish(engine, index, now_ns);
}

static void step_done(ENG *engine, unsigned index, int64_t ready_ns, int64_t now_ns) {
  Sequence *sequence = &engine->sequences[index];
  const ENG_StepConfig *step = &sequence->config.steps[sequence->step];
  ENG_Event event = {
      .kind = ENG_EVENT_SEQUENCE_STEP,
      .line = (int32_t)index,
      .item = sequence->step,
      .token = sequence->token,
      .time_ns = now_ns,
      .started_ns = sequence->driven_ns,
      .ended_ns = ready_ns,
  };

  engine->ports.emit(engine->ports.context, &event);
  if (step->delay_ns > 0) {
    sequence->phase = SEQUENCE_DELAY;
    set_due(engine, index, now_ns + step->delay_ns);
  } else {
    next_step(engine, index, now_ns);
  }
}

static void wait_for_input(ENG *engine, unsigned index, int64_t now_ns) {
  Sequence *sequence = &engine->sequences[index];
  const ENG_StepConfig *step = &sequence->config.steps[sequence->step];
  int64_t limit_ns = sequence->driven_ns + step->within_ns, again_ns;

  if (ENG_HoldMet(engine, &step->wait, now_ns, &again_ns))
    step_done(engine, index, now_ns, now_ns);
  else if (limit_ns <= now_ns)
    fail(engine, index, ENG_FAILED, ENG_REASON_TIMEOUT, 0, now_ns);
  else
    set_due(engine, index, ENG_Earlier(limit_ns, again_ns));
}

static void step_driven(ENG *engine, unsigned index, int error, int64_t stamp_ns, int64_t now_ns) {
  Sequence *sequence = &engine->sequences[index];

  if (sequence->stopping || error != 0) {
    fail(engine, index, sequence->stopping ? sequence->outcome : ENG_FAILED,
         sequence->stopping ? sequence->reason : ENG_REASON_WRITE_FAILED, error, now_ns);
    return;
  }
  sequence->driven_ns = stamp_ns;
  if (sequence->step == 0)
    sequence->started_ns = stamp_ns;
  if (sequence->config.steps[sequence->step].wait.input < 0) {
    step_done(engine, index, stamp_ns, now_ns);
  } else {
    sequence->phase = SEQUENCE_WAITING;
    wait_for_input(engine, index, now_ns);
  }
}

void SEQ_Written(ENG *engine, unsigned index, int error, int64_t stamp_ns, int64_t now_ns) {
  Sequence *sequence = &engine->sequences[index];

  if (sequence->phase == SEQUENCE_DRIVING) {
    step_driven(engine, index, error, stamp_ns, now_ns);
  } else if (sequence->phase == SEQUENCE_UNWINDING) {
    /* A rail that cannot be undone must not keep the others from it. */
    sequence->step--;
    unwind(engine, index, now_ns);
  }
}

void SEQ_Due(ENG *engine, unsigned index, int64_t now_ns) {
  Sequence *sequence = &engine->sequences[index];

  set_due(engine, index, ENG_NEVER);
  if (sequence->phase == SEQUENCE_WAITING)
    wait_for_input(engine, index, now_ns);
  else if (sequence->phase == SEQUENCE_DELAY)
    next_step(engine, index, now_ns);
}

void SEQ_InputChanged(ENG *engine, unsigned input, int64_t now_ns) {
  for (unsigned i = 0; i < engine->sequence_count; i++) {
    const Sequence *sequence = &engine->sequences[i];

    if (sequence->phase == SEQUENCE_WAITING && sequence->config.steps[sequence->step].wait.input == (int32_t)input)
      wait_for_input(engine, i, now_ns);
  }
}

void SEQ_Stop(ENG *engine, unsigned index, ENG_Outcome outcome, ENG_Reason reason, int64_t now_ns) {
  Sequence *sequence = &engine->sequences[index];

  if (sequence->phase == SEQUENCE_DRIVING) {
    sequence->stopping = true;
    sequence->outcome = outcome;
    sequence->reason = reason;
  } else if (sequence->phase == SEQUENCE_WAITING || sequence->phase == SEQUENCE_DELAY) {
    fail(engine, index, outcome, reason, 0, now_ns);
  }
}

void SEQ_Abandon(ENG *engine, int64_t now_ns) {
  for (unsigned i = 0; i < engine->sequence_count; i++) {
    Sequence *sequence = &engine->sequences[i];

    if (sequence->phase == SEQUENCE_IDLE)
      continue;
    sequence->outcome = ENG_CANCELLED;
    sequence->reason = ENG_REASON_STOPPED;
    sequence->failed_step = sequence->step;
    finish(engine, i, now_ns);
  }
}

static ENG_Reason obstacle(const ENG *engine, const Sequence *sequence) {
  if (sequence->phase != SEQUENCE_IDLE)
    return ENG_REASON_BUSY;
  for (int i = 0; i < sequence->config.step_count; i++) {
    const Output *output = &engine->outputs[sequence->config.steps[i].output];

    if (output->latches != 0)
      return ENG_REASON_INTERLOCK;
    if (output->reserved != 0 || output->phase != PHASE_IDLE)
      return ENG_REASON_BUSY;
  }
  return ENG_REASON_NONE;
}

void SEQ_Order(ENG *engine, const ENG_Order *order, int64_t now_ns) {
  Sequence *sequence;
  ENG_Reason reason = ENG_REASON_INVALID;

  if (!engine->running)
    reason = ENG_REASON_STOPPED;
  else if (order->line >= 0 && (unsigned)order->line < engine->sequence_count &&
           ENG_IsValidCondition(engine, &order->precondition))
    reason = obstacle(engine, &engine->sequences[order->line]);
  if (reason == ENG_REASON_NONE)
    reason = ENG_TestNow(engine, &order->precondition, now_ns);
  if (reason != ENG_REASON_NONE) {
    ORD_Answer(engine, order, ENG_REFUSED, reason, now_ns);
    return;
  }
  sequence = &engine->sequences[order->line];
  sequence->token = order->token;
  sequence->step = 0;
  sequence->failed_step = -1;
  sequence->error = 0;
  sequence->stopping = false;
  sequence->started_ns = now_ns;
  sequence->driven_ns = now_ns;
  reserve(engine, (unsigned)order->line, (unsigned)order->line + 1);
  drive_step(engine, (unsigned)order->line, now_ns);
}
