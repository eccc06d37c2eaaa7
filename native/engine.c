/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatcher of the line engine: configuration, the table of deadlines, and what one part tells the others. */

#include <errno.h>
#include <stdlib.h>

#include "engine_state.h"

/* A slow re-read of every line with edges guards against what the edge sequence does not show. */
#define REREAD_PERIOD_NS (1000 * NS_PER_MS)

int64_t ENG_Earlier(int64_t a_ns, int64_t b_ns) { return a_ns < b_ns ? a_ns : b_ns; }

bool ENG_IsSpan(int64_t span_ns) { return span_ns >= 0 && span_ns <= ENG_MAX_SPAN_NS; }

ENG *ENG_Create(void) {
  ENG *engine = calloc(1, sizeof(*engine));

  if (engine == NULL)
    return NULL;
  for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
    engine->due_ns[slot] = ENG_NEVER;
  return engine;
}

void ENG_Destroy(ENG *engine) { free(engine); }

size_t ENG_Size(void) { return sizeof(ENG); }

void ENG_SetPorts(ENG *engine, const ENG_Ports *ports) { engine->ports = *ports; }

int ENG_AddOutput(ENG *engine, const ENG_OutputConfig *config) {
  Output *output;

  if (engine->running)
    return -ENG_ERROR_RUNNING;
  if (engine->output_count == ENG_MAX_OUTPUTS)
    return -ENG_ERROR_CAPACITY;
  if (config->line_class != ENG_MOMENTARY && config->line_class != ENG_MAINTAINED)
    return -ENG_ERROR_VALUE;
  if (config->line_class == ENG_MOMENTARY && (config->max_press_ns <= 0 || !ENG_IsSpan(config->max_press_ns)))
    return -ENG_ERROR_VALUE;

  output = &engine->outputs[engine->output_count];
  output->config = *config;
  output->level = config->line_class == ENG_MAINTAINED && config->initial != 0;
  return (int)engine->output_count++;
}

int ENG_AddInput(ENG *engine, const ENG_InputConfig *config) {
  Input *input;

  if (engine->running)
    return -ENG_ERROR_RUNNING;
  if (engine->input_count == ENG_MAX_INPUTS)
    return -ENG_ERROR_CAPACITY;
  if (config->source != ENG_LEVEL && config->source != ENG_LED)
    return -ENG_ERROR_VALUE;
  if (!ENG_IsSpan(config->rise_ns) || !ENG_IsSpan(config->fall_ns) || !ENG_IsSpan(config->poll_ns))
    return -ENG_ERROR_VALUE;
  if (config->source == ENG_LED && (config->blink_max_ns <= 0 || !ENG_IsSpan(config->blink_max_ns)))
    return -ENG_ERROR_VALUE;

  input = &engine->inputs[engine->input_count];
  input->config = *config;
  return (int)engine->input_count++;
}

void ENG_Start(ENG *engine, int64_t now_ns) {
  engine->running = true;
  engine->now_ns = now_ns;
  for (unsigned i = 0; i < engine->output_count; i++)
    OUT_Start(engine, i, now_ns);
  for (unsigned i = 0; i < engine->input_count; i++)
    INP_Start(engine, i, now_ns);
  engine->due_ns[SLOT_REREAD] = now_ns + REREAD_PERIOD_NS;
  ILK_Start(engine, now_ns);
}

void ENG_Stop(ENG *engine, int64_t now_ns) {
  if (!engine->running)
    return;
  SEQ_Abandon(engine, now_ns);
  for (unsigned i = 0; i < engine->output_count; i++)
    OUT_Stop(engine, i, now_ns);
  for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
    engine->due_ns[slot] = ENG_NEVER;
  engine->running = false;
}

void ENG_Command(ENG *engine, const ENG_Order *order, int64_t now_ns) { ORD_Command(engine, order, now_ns); }

void ENG_Written(ENG *engine, unsigned output, int error, int64_t stamp_ns, int64_t now_ns) {
  if (engine->outputs[output].config.line_class == ENG_MAINTAINED)
    RAL_Written(engine, output, error, stamp_ns, now_ns);
  else
    OUT_Written(engine, output, error, stamp_ns, now_ns);
}

static int64_t earliest(const ENG *engine, unsigned *slot) {
  int64_t best_ns = ENG_NEVER;
  const struct {
    unsigned first, count;
  } ranges[] = {
      {SLOT_INPUTS, engine->input_count},
      {SLOT_REREAD, 1},
      {SLOT_RULES, engine->rule_count},
      {SLOT_SEQUENCES, engine->sequence_count},
      {SLOT_WATCHES, engine->watch_count},
      {SLOT_OUTPUTS, engine->output_count},
  };

  for (unsigned r = 0; r < sizeof(ranges) / sizeof(ranges[0]); r++) {
    for (unsigned i = ranges[r].first; i < ranges[r].first + ranges[r].count; i++) {
      if (engine->due_ns[i] < best_ns) {
        best_ns = engine->due_ns[i];
        *slot = i;
      }
    }
  }
  return best_ns;
}

void ENG_Advance(ENG *engine, int64_t now_ns) {
  unsigned slot = 0;

  if (now_ns < engine->now_ns)
    now_ns = engine->now_ns;
  engine->now_ns = now_ns;

  while (engine->running && earliest(engine, &slot) <= now_ns) {
    if (slot < SLOT_REREAD) {
      INP_Due(engine, slot - SLOT_INPUTS, now_ns);
    } else if (slot == SLOT_REREAD) {
      INP_Reread(engine, now_ns);
      engine->due_ns[SLOT_REREAD] = now_ns + (engine->rechecking ? 2 * NS_PER_MS : REREAD_PERIOD_NS);
    } else if (slot < SLOT_SEQUENCES) {
      ILK_Due(engine, slot - SLOT_RULES, now_ns);
    } else if (slot < SLOT_WATCHES) {
      SEQ_Due(engine, slot - SLOT_SEQUENCES, now_ns);
    } else if (slot < SLOT_OUTPUTS) {
      WAT_Due(engine, slot - SLOT_WATCHES, now_ns);
    } else {
      OUT_Due(engine, slot - SLOT_OUTPUTS, now_ns);
    }
  }
}

int64_t ENG_NextDeadline(const ENG *engine) {
  unsigned slot;

  return engine->running ? earliest(engine, &slot) : ENG_NEVER;
}

int64_t ENG_NextWrite(const ENG *engine) {
  int64_t next_ns = ENG_NEVER;

  for (unsigned i = 0; engine->running && i < engine->output_count; i++)
    next_ns = ENG_Earlier(next_ns, engine->due_ns[SLOT_OUTPUTS + i]);
  return next_ns;
}

void ENG_OnInputChanged(ENG *engine, unsigned input, int64_t edge_ns, int64_t now_ns) {
  /* Interlocks first: nothing else may delay them. */
  ILK_InputChanged(engine, input, now_ns);
  OUT_InputChanged(engine, input, now_ns);
  WAT_InputChanged(engine, input, edge_ns, now_ns);
  SEQ_InputChanged(engine, input, now_ns);
}

bool ENG_IsValidCondition(const ENG *engine, const ENG_Condition *condition) {
  return condition->input < (int32_t)engine->input_count && ENG_IsSpan(condition->stable_ns) &&
         condition->steady >= ENG_UNKNOWN && condition->steady <= ENG_BLINKING;
}

static ENG_Steady wanted(const ENG_Condition *condition) {
  if (condition->steady != ENG_UNKNOWN)
    return (ENG_Steady)condition->steady;
  return condition->active ? ENG_ACTIVE : ENG_INACTIVE;
}

/* A line that has just left its settled state may be at the start of the change that forbids the press. */
static bool is_leaving(const Input *input, int64_t now_ns) {
  if (input->steady == ENG_BLINKING)
    return now_ns - input->led.edges_ns[0] > input->led.period_ns;
  return input->level != (input->steady == ENG_ACTIVE);
}

ENG_Reason ENG_TestCondition(const ENG *engine, const ENG_Condition *condition, int64_t now_ns) {
  const Input *input;

  if (condition->input < 0)
    return ENG_REASON_NONE;
  if ((unsigned)condition->input >= engine->input_count)
    return ENG_REASON_INVALID;
  input = &engine->inputs[condition->input];
  if (input->steady == ENG_UNKNOWN)
    return ENG_REASON_UNKNOWN_INPUT;
  if (input->steady != wanted(condition))
    return ENG_REASON_PRECONDITION;
  if (is_leaving(input, now_ns) || now_ns - input->stable_since_ns < condition->stable_ns)
    return ENG_REASON_UNSTABLE;
  return ENG_REASON_NONE;
}

ENG_Reason ENG_TestNow(const ENG *engine, const ENG_Condition *condition, int64_t now_ns) {
  ENG_Reason reason = ENG_TestCondition(engine, condition, now_ns);
  bool active = false;

  if (reason != ENG_REASON_NONE || condition->input < 0)
    return reason;
  if (engine->ports.read(engine->ports.context, (unsigned)condition->input, &active) != 0)
    return ENG_REASON_UNKNOWN_INPUT;
  return wanted(condition) == ENG_BLINKING || active == (wanted(condition) == ENG_ACTIVE) ? ENG_REASON_NONE
                                                                                          : ENG_REASON_UNSTABLE;
}

bool ENG_HoldMet(const ENG *engine, const ENG_Condition *until, int64_t now_ns, int64_t *again_ns) {
  const Input *input = &engine->inputs[until->input];
  int64_t met_ns;

  *again_ns = ENG_NEVER;
  if (input->steady != wanted(until))
    return false;
  met_ns = input->stable_since_ns + until->stable_ns;
  if (met_ns <= now_ns)
    return true;
  *again_ns = met_ns;
  return false;
}

void ENG_GetInput(const ENG *engine, unsigned index, ENG_InputState *state) {
  const Input *input = &engine->inputs[index];

  *state = (ENG_InputState){
      .steady = (int32_t)input->steady,
      .level = input->level,
      .stable_since_ns = input->stable_since_ns,
      .blink_period_ns = input->steady == ENG_BLINKING ? input->led.period_ns : 0,
      .glitches = input->glitches,
      .raw_edges = input->raw_edges,
      .resyncs = input->resyncs,
  };
}

unsigned ENG_InputCount(const ENG *engine) { return engine->input_count; }

unsigned ENG_OutputCount(const ENG *engine) { return engine->output_count; }

bool ENG_TakeDirty(ENG *engine, unsigned index) {
  bool dirty = engine->inputs[index].dirty;

  engine->inputs[index].dirty = false;
  return dirty;
}
