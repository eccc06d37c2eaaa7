/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs: asymmetric debounce on the time stamps of the edges, polling, and recovery from edges that were lost. */

#include "engine_state.h"

/* A line that loses edges all the time reports it ten times a second, not at every wake-up. */
#define RESYNC_SPACING_NS (100 * NS_PER_MS)

static ENG_Steady steady_of(bool level) { return level ? ENG_ACTIVE : ENG_INACTIVE; }

void INP_Schedule(ENG *engine, unsigned index) {
  const Input *input = &engine->inputs[index];
  int64_t due_ns = ENG_Earlier(input->settle_ns, input->poll_ns);

  due_ns = ENG_Earlier(due_ns, input->led.confirm_ns);
  engine->due_ns[SLOT_INPUTS + index] = ENG_Earlier(due_ns, input->report_ns);
}

void INP_SetSteady(ENG *engine, unsigned index, ENG_Steady steady, int64_t edge_ns, int64_t now_ns) {
  Input *input = &engine->inputs[index];
  ENG_Event event = {.kind = ENG_EVENT_INPUT_CHANGED, .line = (int32_t)index, .time_ns = now_ns};

  if (steady == input->steady)
    return;
  input->stable_since_ns = edge_ns;
  input->dirty = true;
  event.previous = (int32_t)input->steady;
  event.steady = (int32_t)steady;
  event.edge_ns = edge_ns;
  input->steady = steady;
  engine->ports.emit(engine->ports.context, &event);
  ENG_OnInputChanged(engine, index, edge_ns, now_ns);
}

static void settle(ENG *engine, unsigned index, int64_t now_ns) {
  Input *input = &engine->inputs[index];

  input->settle_ns = ENG_NEVER;
  input->settled = steady_of(input->level);
  if (input->config.source == ENG_LED)
    LED_Level(engine, index, input->level_since_ns, now_ns);
  else
    INP_SetSteady(engine, index, input->settled, input->level_since_ns, now_ns);
}

/* The raw level is now `active`, since `edge_ns`. */
static void take_level(ENG *engine, unsigned index, bool active, int64_t edge_ns, int64_t now_ns) {
  Input *input = &engine->inputs[index];
  bool back = active != input->level && input->settled == steady_of(active);

  input->level = active;
  input->level_since_ns = edge_ns;
  input->last_edge_ns = edge_ns;
  input->dirty = true;
  ILK_RawEdge(engine, index, now_ns);
  if (input->settled == steady_of(active)) {
    if (back)
      input->glitches++;
    input->settle_ns = ENG_NEVER;
    return;
  }
  input->settle_ns = edge_ns + (active ? input->config.rise_ns : input->config.fall_ns);
  if (input->settle_ns <= edge_ns)
    settle(engine, index, now_ns);
}

void INP_Start(ENG *engine, unsigned index, int64_t now_ns) {
  Input *input = &engine->inputs[index];
  bool active = false;
  int error = engine->ports.read(engine->ports.context, index, &active);

  input->settled = ENG_UNKNOWN;
  input->steady = ENG_UNKNOWN;
  input->settle_ns = ENG_NEVER;
  input->report_ns = ENG_NEVER;
  input->poll_ns = input->config.poll_ns > 0 ? now_ns + input->config.poll_ns : ENG_NEVER;
  input->last_edge_ns = now_ns;
  input->stable_since_ns = now_ns;
  input->alive = true;
  LED_Reset(&input->led);
  if (error != 0) {
    ENG_InputFailed(engine, index, error, now_ns);
  } else {
    input->level = active;
    take_level(engine, index, active, now_ns, now_ns);
  }
  INP_Schedule(engine, index);
}

/* A failed line that answers again starts anew. */
static void revive(ENG *engine, unsigned index, bool active, int64_t edge_ns, int64_t now_ns) {
  Input *input = &engine->inputs[index];

  input->alive = true;
  input->level = active;
  LED_Reset(&input->led);
  take_level(engine, index, active, edge_ns, now_ns);
}

void ENG_InputFailed(ENG *engine, unsigned index, int error, int64_t now_ns) {
  Input *input = &engine->inputs[index];
  ENG_Event event = {.kind = ENG_EVENT_LINE_FAILED, .line = (int32_t)index, .error = -error, .time_ns = now_ns};

  if (!input->alive)
    return;
  input->alive = false;
  input->settled = ENG_UNKNOWN;
  input->settle_ns = ENG_NEVER;
  LED_Reset(&input->led);
  engine->ports.emit(engine->ports.context, &event);
  INP_SetSteady(engine, index, ENG_UNKNOWN, now_ns, now_ns);
  INP_Schedule(engine, index);
}

void ENG_Edge(ENG *engine, unsigned index, bool active, int64_t edge_ns, int64_t now_ns) {
  Input *input = &engine->inputs[index];

  if (!engine->running)
    return;
  if (edge_ns > now_ns)
    edge_ns = now_ns;
  if (edge_ns < input->last_edge_ns)
    edge_ns = input->last_edge_ns;
  input->last_edge_ns = edge_ns;
  input->raw_edges++;
  input->suspect = false;
  if (!input->alive) {
    revive(engine, index, active, edge_ns, now_ns);
    INP_Schedule(engine, index);
    return;
  }
  /* What became due before this edge happened first, whenever we got to hear of it. */
  if (input->settle_ns <= edge_ns)
    settle(engine, index, now_ns);
  if (input->led.confirm_ns <= edge_ns)
    LED_Due(engine, index, now_ns);
  take_level(engine, index, active, edge_ns, now_ns);
  INP_Schedule(engine, index);
}

static void report_resync(ENG *engine, unsigned index, ENG_Reason reason, int64_t now_ns) {
  Input *input = &engine->inputs[index];
  ENG_Event event = {
      .kind = ENG_EVENT_RESYNC,
      .line = (int32_t)index,
      .time_ns = now_ns,
      .reason = (int32_t)reason,
      .count = input->unreported,
  };

  input->unreported = 0;
  engine->ports.emit(engine->ports.context, &event);
}

void ENG_EdgesLost(ENG *engine, unsigned index, uint64_t lost, int64_t now_ns) {
  Input *input = &engine->inputs[index];
  bool active = false;
  int error;

  if (!engine->running || !input->alive)
    return;
  input->resyncs++;
  input->unreported += lost;
  input->dirty = true;
  error = engine->ports.read(engine->ports.context, index, &active);
  if (error != 0) {
    ENG_InputFailed(engine, index, error, now_ns);
    return;
  }
  if (active != input->level)
    take_level(engine, index, active, now_ns, now_ns);
  if (input->report_ns == ENG_NEVER) {
    report_resync(engine, index, ENG_REASON_EDGES_LOST, now_ns);
    input->report_ns = now_ns + RESYNC_SPACING_NS;
  }
  INP_Schedule(engine, index);
}

void ENG_Sample(ENG *engine, unsigned index, bool active, int64_t now_ns) {
  Input *input = &engine->inputs[index];

  if (!engine->running)
    return;
  if (!input->alive)
    revive(engine, index, active, now_ns, now_ns);
  else if (active != input->level)
    ENG_Edge(engine, index, active, now_ns, now_ns);
  INP_Schedule(engine, index);
}

static void poll_line(ENG *engine, unsigned index, int64_t now_ns) {
  Input *input = &engine->inputs[index];
  bool active = false;
  int error = engine->ports.read(engine->ports.context, index, &active);

  /* Missed periods are skipped: a late thread must not poll in a burst. */
  input->poll_ns += input->config.poll_ns;
  if (input->poll_ns <= now_ns)
    input->poll_ns = now_ns + input->config.poll_ns;
  if (error != 0)
    ENG_InputFailed(engine, index, error, now_ns);
  else
    ENG_Sample(engine, index, active, now_ns);
}

void INP_Due(ENG *engine, unsigned index, int64_t now_ns) {
  Input *input = &engine->inputs[index];

  if (input->poll_ns <= now_ns)
    poll_line(engine, index, now_ns);
  if (input->settle_ns <= now_ns)
    settle(engine, index, now_ns);
  if (input->led.confirm_ns <= now_ns)
    LED_Due(engine, index, now_ns);
  if (input->report_ns <= now_ns) {
    input->report_ns = ENG_NEVER;
    if (input->unreported > 0) {
      report_resync(engine, index, ENG_REASON_EDGES_LOST, now_ns);
      input->report_ns = now_ns + RESYNC_SPACING_NS;
    }
  }
  INP_Schedule(engine, index);
}

/* A level that differs may belong to an edge that is still in the kernel's queue. Only a line that differs again at
   the second look, with no edge in between, has lost one. */
void INP_Reread(ENG *engine, int64_t now_ns) {
  bool recheck = engine->rechecking;

  engine->rechecking = false;
  for (unsigned i = 0; i < engine->input_count; i++) {
    Input *input = &engine->inputs[i];
    bool active = false;
    int error;

    if (input->config.poll_ns > 0 || (recheck && !input->suspect))
      continue;
    error = engine->ports.read(engine->ports.context, i, &active);
    if (error != 0) {
      ENG_InputFailed(engine, i, error, now_ns);
    } else if (!input->alive) {
      revive(engine, i, active, now_ns, now_ns);
    } else if (active == input->level) {
      input->suspect = false;
    } else if (!input->suspect) {
      input->suspect = true;
      engine->rechecking = true;
    } else {
      input->suspect = false;
      input->resyncs++;
      input->unreported++;
      take_level(engine, i, active, now_ns, now_ns);
      report_resync(engine, i, ENG_REASON_LEVEL_DIFFERS, now_ns);
    }
    INP_Schedule(engine, i);
  }
}
