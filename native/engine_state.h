/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_ENGINE_STATE_H
#define PGOOD_ENGINE_STATE_H

#include "engine.h"

/* Shared by the files of the state machine; nobody else includes it. */

#define ENG_NEVER INT64_MAX
#define NS_PER_MS INT64_C(1000000)

/* Slots of the table of deadlines. Inputs come first: an input that settles at the very instant at which a hold
   reaches its limit ends the hold as completed. */
enum {
  SLOT_INPUTS = 0,
  SLOT_REREAD = SLOT_INPUTS + ENG_MAX_INPUTS,
  SLOT_OUTPUTS = SLOT_REREAD + 1,
  SLOT_COUNT = SLOT_OUTPUTS + ENG_MAX_OUTPUTS
};

typedef enum { PHASE_IDLE, PHASE_ASSERTING, PHASE_PRESSED, PHASE_RELEASING, PHASE_GAP, PHASE_STUCK } Phase;

typedef struct {
  ENG_OutputConfig config;
  Phase phase;
  ENG_Order order;
  int remaining;
  bool level;
  bool hold_met;
  int64_t end_ns;
  int64_t check_ns;
  int64_t pressed_ns;
  int64_t started_ns;
  int64_t ended_ns;
  int64_t achieved_ns;
  /* Why the press ends, decided before the release is written. */
  ENG_Outcome outcome;
  ENG_Reason reason;
  bool ending;
  int64_t cause_ns;
} Output;

/* The last four edges of an LED, newest first. */
enum { LED_EDGES = 4 };

typedef struct {
  int64_t edges_ns[LED_EDGES];
  unsigned known;
  int64_t period_ns;
  int64_t confirm_ns;
} Led;

typedef struct {
  ENG_InputConfig config;
  bool alive;
  bool dirty;
  bool suspect;
  bool level;
  ENG_Steady settled;
  ENG_Steady steady;
  int64_t level_since_ns;
  int64_t last_edge_ns;
  int64_t settle_ns;
  int64_t poll_ns;
  int64_t stable_since_ns;
  uint64_t glitches;
  uint64_t raw_edges;
  uint64_t resyncs;
  uint64_t unreported;
  int64_t report_ns;
  Led led;
} Input;

struct ENG_Engine {
  ENG_Ports ports;
  bool running;
  bool rechecking;
  int64_t now_ns;
  unsigned output_count;
  unsigned input_count;
  Output outputs[ENG_MAX_OUTPUTS];
  Input inputs[ENG_MAX_INPUTS];
  int64_t due_ns[SLOT_COUNT];
};

int64_t ENG_Earlier(int64_t a_ns, int64_t b_ns);

/* An input's steady state changed because of an edge at `edge_ns`. */
void ENG_OnInputChanged(ENG *engine, unsigned input, int64_t edge_ns, int64_t now_ns);
/* ENG_REASON_NONE when the condition holds now, else why it does not. */
ENG_Reason ENG_TestCondition(const ENG *engine, const ENG_Condition *condition, int64_t now_ns);
/* Whether a hold may end, and if not, when to look again (ENG_NEVER: at the next change of the input). */
bool ENG_HoldMet(const ENG *engine, const ENG_Condition *until, int64_t now_ns, int64_t *again_ns);

void INP_Start(ENG *engine, unsigned input, int64_t now_ns);
void INP_Due(ENG *engine, unsigned input, int64_t now_ns);
void INP_Reread(ENG *engine, int64_t now_ns);
void INP_SetSteady(ENG *engine, unsigned input, ENG_Steady steady, int64_t edge_ns, int64_t now_ns);
void INP_Schedule(ENG *engine, unsigned input);

void LED_Reset(Led *led);
void LED_Level(ENG *engine, unsigned input, int64_t edge_ns, int64_t now_ns);
void LED_Due(ENG *engine, unsigned input, int64_t now_ns);

void OUT_Start(ENG *engine, unsigned output, int64_t now_ns);
void OUT_Stop(ENG *engine, unsigned output, int64_t now_ns);
void OUT_Due(ENG *engine, unsigned output, int64_t now_ns);
void OUT_Order(ENG *engine, const ENG_Order *order, int64_t now_ns);
void OUT_InputChanged(ENG *engine, unsigned input, int64_t edge_ns, int64_t now_ns);

#endif
