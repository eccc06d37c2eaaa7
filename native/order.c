/* SPDX-License-Identifier: Apache-2.0 */
/* Orders: what comes from outside is checked here, then handed to the part that it is for. */

#include "engine_state.h"

int64_t ORD_AskedNs(const ENG_Order *order) {
  int64_t asked_ns;

  /* An order that is refused may hold any numbers. */
  if (order->kind != ENG_PULSE || __builtin_mul_overflow(order->width_ns, (int64_t)order->count, &asked_ns))
    return order->width_ns;
  return asked_ns;
}

void ORD_Answer(ENG *engine, const ENG_Order *order, ENG_Outcome outcome, ENG_Reason reason, int64_t now_ns) {
  ENG_Event event = {
      .kind = order->kind == ENG_RUN ? ENG_EVENT_SEQUENCE_DONE : ENG_EVENT_COMMAND_DONE,
      .line = order->line,
      .token = order->token,
      .time_ns = now_ns,
      .outcome = (int32_t)outcome,
      .reason = (int32_t)reason,
      .item = -1,
      .asked_ns = ORD_AskedNs(order),
  };

  engine->ports.emit(engine->ports.context, &event);
}

static bool is_valid(const ENG *engine, const ENG_Order *order) {
  const Output *output = &engine->outputs[order->line];
  const ENG_OutputConfig *config = &output->config;

  if (!ENG_IsValidCondition(engine, &order->precondition))
    return false;
  if (order->kind == ENG_SET || order->kind == ENG_RELEASE)
    return true;
  if (config->line_class != ENG_MOMENTARY || order->width_ns <= 0 || order->width_ns > config->max_press_ns)
    return false;
  if (order->kind == ENG_HOLD)
    return order->until.input >= 0 && ENG_IsValidCondition(engine, &order->until);
  return order->count == 1 ||
         (order->count > 1 && order->count <= ENG_MAX_PULSES && order->gap_ns > 0 && ENG_IsSpan(order->gap_ns));
}

static void cancel(ENG *engine, uint64_t token, int64_t now_ns) {
  for (unsigned i = 0; i < engine->output_count; i++) {
    const Output *output = &engine->outputs[i];

    if (output->owner == OWNER_ORDER && output->phase != PHASE_IDLE && output->phase != PHASE_STUCK &&
        output->order.token == token)
      OUT_End(engine, i, ENG_CANCELLED, ENG_REASON_CANCELLED, now_ns);
  }
  for (unsigned i = 0; i < engine->sequence_count; i++) {
    if (engine->sequences[i].phase != SEQUENCE_IDLE && engine->sequences[i].token == token)
      SEQ_Stop(engine, i, ENG_CANCELLED, ENG_REASON_CANCELLED, now_ns);
  }
}

/* Towards idle: allowed while a press runs, unless the press is an interlock's. */
static void lift(ENG *engine, const ENG_Order *order, int64_t now_ns) {
  unsigned index = (unsigned)order->line;
  const Output *output = &engine->outputs[index];

  if (output->phase == PHASE_STUCK) {
    ORD_Answer(engine, order, ENG_REFUSED, ENG_REASON_BUSY, now_ns);
  } else if (output->phase != PHASE_IDLE && output->owner == OWNER_RULE) {
    ORD_Answer(engine, order, ENG_REFUSED, ENG_REASON_INTERLOCK, now_ns);
  } else {
    OUT_End(engine, index, output->order.kind == ENG_SET ? ENG_COMPLETED : ENG_CANCELLED, ENG_REASON_RELEASED, now_ns);
    ORD_Answer(engine, order, ENG_COMPLETED, ENG_REASON_NONE, now_ns);
  }
}

static ENG_Reason obstacle(const Output *output) {
  if (output->latches != 0 || (output->phase != PHASE_IDLE && output->owner == OWNER_RULE))
    return ENG_REASON_INTERLOCK;
  return output->phase != PHASE_IDLE || output->reserved != 0 ? ENG_REASON_BUSY : ENG_REASON_NONE;
}

static void move_output(ENG *engine, const ENG_Order *order, int64_t now_ns) {
  const Output *output;
  ENG_Order copy = *order;
  bool to_idle;

  if (order->line < 0 || (unsigned)order->line >= engine->output_count || !is_valid(engine, order)) {
    ORD_Answer(engine, order, ENG_REFUSED, ENG_REASON_INVALID, now_ns);
    return;
  }
  output = &engine->outputs[order->line];
  to_idle = order->kind == ENG_RELEASE || (order->kind == ENG_SET && !order->active);
  if (to_idle && output->config.line_class == ENG_MOMENTARY) {
    lift(engine, order, now_ns);
    return;
  }
  if (obstacle(output) != ENG_REASON_NONE) {
    ORD_Answer(engine, order, ENG_REFUSED, obstacle(output), now_ns);
    return;
  }
  if (copy.kind == ENG_RELEASE) {
    copy.kind = ENG_SET;
    copy.active = 0;
  }
  if (output->config.line_class == ENG_MAINTAINED)
    RAL_Set(engine, (unsigned)order->line, &copy, now_ns);
  else
    OUT_Begin(engine, (unsigned)order->line, &copy, OWNER_ORDER, 0, now_ns);
}

void ORD_Command(ENG *engine, const ENG_Order *order, int64_t now_ns) {
  switch (order->kind) {
    case ENG_CANCEL:
      cancel(engine, order->token, now_ns);
      break;
    case ENG_ARM:
    case ENG_DISARM:
    case ENG_RESET:
    case ENG_FIRE:
      ILK_Order(engine, order, now_ns);
      break;
    case ENG_RUN:
      SEQ_Order(engine, order, now_ns);
      break;
    default:
      if (engine->running)
        move_output(engine, order, now_ns);
      else
        ORD_Answer(engine, order, ENG_REFUSED, ENG_REASON_STOPPED, now_ns);
      break;
  }
}
