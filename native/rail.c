/* SPDX-License-Identifier: Apache-2.0 */
/* Maintained outputs: one write per order; they keep their level whatever happens to the engine. */

#include "engine_state.h"

void RAL_Drive(ENG *engine, unsigned index, bool active, Owner owner, unsigned owner_index, int64_t now_ns) {
  Output *output = &engine->outputs[index];

  output->owner = owner;
  output->owner_index = owner_index;
  output->phase = active ? PHASE_ASSERTING : PHASE_RELEASING;
  OUT_Write(engine, index, active, now_ns);
}

void RAL_Set(ENG *engine, unsigned index, const ENG_Order *order, int64_t now_ns) {
  ENG_Reason reason = ENG_TestNow(engine, &order->precondition, now_ns);

  if (reason != ENG_REASON_NONE) {
    ORD_Answer(engine, order, ENG_REFUSED, reason, now_ns);
    return;
  }
  engine->outputs[index].order = *order;
  RAL_Drive(engine, index, order->active != 0, OWNER_ORDER, 0, now_ns);
}

static void answer_order(ENG *engine, unsigned index, int error, int64_t stamp_ns, int64_t now_ns) {
  const Output *output = &engine->outputs[index];
  ENG_Event event = {
      .kind = ENG_EVENT_COMMAND_DONE,
      .line = (int32_t)index,
      .token = output->order.token,
      .time_ns = stamp_ns > now_ns ? stamp_ns : now_ns,
      .outcome = error != 0 ? ENG_FAILED : ENG_COMPLETED,
      .reason = error != 0 ? ENG_REASON_WRITE_FAILED : ENG_REASON_NONE,
      .error = -error,
      .started_ns = error != 0 ? 0 : stamp_ns,
      .ended_ns = error != 0 ? 0 : stamp_ns,
  };

  engine->ports.emit(engine->ports.context, &event);
}

void RAL_Written(ENG *engine, unsigned index, int error, int64_t stamp_ns, int64_t now_ns) {
  Output *output = &engine->outputs[index];

  if (error == 0)
    output->level = output->phase == PHASE_ASSERTING;
  output->phase = PHASE_IDLE;
  if (error != 0) {
    ENG_Event event = {
        .kind = ENG_EVENT_LINE_FAILED, .line = (int32_t)index, .is_output = 1, .error = -error, .time_ns = now_ns};

    engine->ports.emit(engine->ports.context, &event);
  }
  switch (output->owner) {
    case OWNER_ORDER:
      answer_order(engine, index, error, stamp_ns, now_ns);
      break;
    case OWNER_RULE:
      ILK_Acted(engine, output->owner_index, index, error, stamp_ns, now_ns);
      break;
    case OWNER_SEQUENCE:
      SEQ_Written(engine, output->owner_index, error, stamp_ns, now_ns);
      break;
  }
}
