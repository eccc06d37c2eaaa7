/* SPDX-License-Identifier: Apache-2.0 */
/* Power-good watches: whether power-good comes after a press, and whether it stays. */

#include "engine_state.h"

static void set_due(ENG *engine, unsigned index, int64_t due_ns) { engine->due_ns[SLOT_WATCHES + index] = due_ns; }

int ENG_AddWatch(ENG *engine, const ENG_WatchConfig *config) {
  if (engine->running)
    return -ENG_ERROR_RUNNING;
  if (engine->watch_count == ENG_MAX_WATCHES || config->press_count > ENG_MAX_PRESSES)
    return -ENG_ERROR_CAPACITY;
  if (config->input < 0 || config->input >= (int32_t)engine->input_count)
    return -ENG_ERROR_INDEX;
  if (config->press_count < 0 || config->rise_ns <= 0 || !ENG_IsSpan(config->rise_ns) ||
      !ENG_IsSpan(config->hold_off_ns))
    return -ENG_ERROR_VALUE;
  for (int i = 0; i < config->press_count; i++) {
    if (config->presses[i] < 0 || config->presses[i] >= (int32_t)engine->output_count)
      return -ENG_ERROR_INDEX;
  }
  engine->watches[engine->watch_count].config = *config;
  return (int)engine->watch_count++;
}

static void tell(ENG *engine, unsigned index, ENG_PowerGood what, int64_t from_ns, int64_t to_ns, int64_t now_ns) {
  ENG_Event event = {
      .kind = ENG_EVENT_POWER_GOOD,
      .line = (int32_t)index,
      .time_ns = now_ns,
      .outcome = (int32_t)what,
      .started_ns = from_ns,
      .ended_ns = to_ns,
      .edge_ns = engine->watches[index].pressed_ns,
  };

  engine->ports.emit(engine->ports.context, &event);
}

static void on_press(ENG *engine, unsigned index, int64_t stamp_ns) {
  Watch *watch = &engine->watches[index];

  watch->pressed_ns = stamp_ns;
  if (engine->inputs[watch->config.input].steady != ENG_INACTIVE || watch->phase == WATCH_DROPPED)
    return;
  watch->phase = WATCH_AWAITING;
  set_due(engine, index, stamp_ns + watch->config.rise_ns);
}

void WAT_Pressed(ENG *engine, unsigned output, int64_t stamp_ns) {
  for (unsigned i = 0; i < engine->watch_count; i++) {
    const ENG_WatchConfig *config = &engine->watches[i].config;

    for (int p = 0; p < config->press_count; p++) {
      if (config->presses[p] == (int32_t)output)
        on_press(engine, i, stamp_ns);
    }
  }
}

static void on_rise(ENG *engine, unsigned index, int64_t edge_ns, int64_t now_ns) {
  Watch *watch = &engine->watches[index];

  if (watch->phase == WATCH_AWAITING)
    tell(engine, index, ENG_PG_ROSE, watch->pressed_ns, edge_ns, now_ns);
  else if (watch->phase == WATCH_DROPPED)
    tell(engine, index, ENG_PG_DIPPED, watch->dropped_ns, edge_ns, now_ns);
  else if (watch->phase == WATCH_LOST)
    tell(engine, index, ENG_PG_RECOVERED, watch->dropped_ns, edge_ns, now_ns);
  watch->phase = WATCH_ON;
  set_due(engine, index, ENG_NEVER);
}

static void on_drop(ENG *engine, unsigned index, int64_t edge_ns, int64_t now_ns) {
  Watch *watch = &engine->watches[index];

  if (watch->phase != WATCH_ON)
    return;
  watch->phase = WATCH_DROPPED;
  watch->dropped_ns = edge_ns;
  set_due(engine, index, edge_ns + watch->config.hold_off_ns);
  if (edge_ns + watch->config.hold_off_ns <= now_ns)
    WAT_Due(engine, index, now_ns);
}

void WAT_InputChanged(ENG *engine, unsigned input, int64_t edge_ns, int64_t now_ns) {
  for (unsigned i = 0; i < engine->watch_count; i++) {
    if (engine->watches[i].config.input != (int32_t)input)
      continue;
    switch (engine->inputs[input].steady) {
      case ENG_ACTIVE:
        on_rise(engine, i, edge_ns, now_ns);
        break;
      case ENG_INACTIVE:
        on_drop(engine, i, edge_ns, now_ns);
        break;
      case ENG_BLINKING:
        /* Asleep is not lost. */
        engine->watches[i].phase = WATCH_ON;
        set_due(engine, i, ENG_NEVER);
        break;
      case ENG_UNKNOWN:
        /* Nothing can be said until the line answers again. */
        engine->watches[i].phase = WATCH_OFF;
        set_due(engine, i, ENG_NEVER);
        break;
    }
  }
}

void WAT_Due(ENG *engine, unsigned index, int64_t now_ns) {
  Watch *watch = &engine->watches[index];

  set_due(engine, index, ENG_NEVER);
  if (watch->phase == WATCH_AWAITING) {
    watch->phase = WATCH_OFF;
    tell(engine, index, ENG_PG_MISSING, watch->pressed_ns, 0, now_ns);
  } else if (watch->phase == WATCH_DROPPED) {
    watch->phase = WATCH_LOST;
    tell(engine, index, ENG_PG_LOST, watch->dropped_ns, 0, now_ns);
  }
}
