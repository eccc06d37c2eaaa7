/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_ENGINE_STATE_H
#define PGOOD_ENGINE_STATE_H

#include "engine.h"

/* Shared by the files of the state machine; nobody else includes it. */

#define ENG_NEVER INT64_MAX
#define NS_PER_MS INT64_C(1000000)
/* No time that is configured or asked for is longer than a day: sums of a few never overflow. */
#define ENG_MAX_SPAN_NS (INT64_C(86400000) * NS_PER_MS)

/* Slots of the table of deadlines. Inputs come first: an input that settles at the very instant at which a hold
   reaches its limit ends the hold as completed. */
enum {
  SLOT_INPUTS = 0,
  SLOT_REREAD = SLOT_INPUTS + ENG_MAX_INPUTS,
  SLOT_RULES = SLOT_REREAD + 1,
  SLOT_SEQUENCES = SLOT_RULES + ENG_MAX_RULES,
  SLOT_WATCHES = SLOT_SEQUENCES + ENG_MAX_SEQUENCES,
  SLOT_OUTPUTS = SLOT_WATCHES + ENG_MAX_WATCHES,
  SLOT_COUNT = SLOT_OUTPUTS + ENG_MAX_OUTPUTS
};

typedef enum { PHASE_IDLE, PHASE_ASSERTING, PHASE_PRESSED, PHASE_RELEASING, PHASE_GAP, PHASE_STUCK } Phase;

/* Who moves an output now. */
typedef enum { OWNER_ORDER, OWNER_RULE, OWNER_SEQUENCE } Owner;

typedef struct {
  ENG_OutputConfig config;
  Phase phase;
  Owner owner;
  unsigned owner_index;
  /* Rules that keep a maintained output at their level, one bit each. */
  uint64_t latches;
  /* The sequence that runs over this output, plus one. */
  unsigned reserved;
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

typedef struct {
  ENG_RuleConfig config;
  bool armed;
  bool fired;
  /* Actions that wait until their power-good has settled, one bit each. */
  uint32_t pending;
  /* The instant at which acting was due; 0 when the rule was armed late. */
  int64_t cause_ns;
  /* The last ENG_FIRE. */
  int64_t ordered_ns;
} Rule;

typedef enum { SEQUENCE_IDLE, SEQUENCE_DRIVING, SEQUENCE_WAITING, SEQUENCE_DELAY, SEQUENCE_UNWINDING } SequencePhase;

typedef struct {
  ENG_SequenceConfig config;
  SequencePhase phase;
  uint64_t token;
  int step;
  int failed_step;
  ENG_Outcome outcome;
  ENG_Reason reason;
  int error;
  /* Asked to stop while a write was pending. */
  bool stopping;
  int64_t started_ns;
  int64_t driven_ns;
  bool was_active[ENG_MAX_STEPS];
} Sequence;

typedef enum { WATCH_OFF, WATCH_AWAITING, WATCH_ON, WATCH_DROPPED, WATCH_LOST } WatchPhase;

typedef struct {
  ENG_WatchConfig config;
  WatchPhase phase;
  int64_t pressed_ns;
  int64_t dropped_ns;
} Watch;

struct ENG_Engine {
  ENG_Ports ports;
  bool running;
  bool rechecking;
  int64_t now_ns;
  unsigned output_count;
  unsigned input_count;
  unsigned rule_count;
  unsigned sequence_count;
  unsigned watch_count;
  Output outputs[ENG_MAX_OUTPUTS];
  Input inputs[ENG_MAX_INPUTS];
  Rule rules[ENG_MAX_RULES];
  Sequence sequences[ENG_MAX_SEQUENCES];
  Watch watches[ENG_MAX_WATCHES];
  int64_t due_ns[SLOT_COUNT];
};

int64_t ENG_Earlier(int64_t a_ns, int64_t b_ns);
/* 0 to a day. */
bool ENG_IsSpan(int64_t span_ns);

/* An input's steady state changed because of an edge at `edge_ns`. */
void ENG_OnInputChanged(ENG *engine, unsigned input, int64_t edge_ns, int64_t now_ns);
/* Whether the condition (or none) names an input and a state that can be. */
bool ENG_IsValidCondition(const ENG *engine, const ENG_Condition *condition);
/* ENG_REASON_NONE when the condition holds now, else why it does not. */
ENG_Reason ENG_TestCondition(const ENG *engine, const ENG_Condition *condition, int64_t now_ns);
/* The same with the line itself read: the edge that forbids a press may still be on its way. */
ENG_Reason ENG_TestNow(const ENG *engine, const ENG_Condition *condition, int64_t now_ns);
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
void OUT_InputChanged(ENG *engine, unsigned input, int64_t now_ns);
/* Writes the level now, or begins to. */
void OUT_Write(ENG *engine, unsigned output, bool active, int64_t now_ns);
void OUT_Written(ENG *engine, unsigned output, int error, int64_t stamp_ns, int64_t now_ns);
/* Begins a checked press of a line that is idle. */
void OUT_Begin(ENG *engine, unsigned output, const ENG_Order *order, Owner owner, unsigned owner_index, int64_t now_ns);
/* Ends whatever press runs on the line. */
void OUT_End(ENG *engine, unsigned output, ENG_Outcome outcome, ENG_Reason reason, int64_t now_ns);
/* Takes the line from its order, which ends as pre-empted. A press goes on as the hold of the rule. */
void OUT_Seize(ENG *engine, unsigned output, const ENG_Order *hold, unsigned rule, int64_t now_ns);

/* A checked ENG_SET order on a rail that nobody moves. */
void RAL_Set(ENG *engine, unsigned output, const ENG_Order *order, int64_t now_ns);
void RAL_Drive(ENG *engine, unsigned output, bool active, Owner owner, unsigned owner_index, int64_t now_ns);
void RAL_Written(ENG *engine, unsigned output, int error, int64_t stamp_ns, int64_t now_ns);

void ORD_Command(ENG *engine, const ENG_Order *order, int64_t now_ns);
/* How long the line was to be pressed in all. */
int64_t ORD_AskedNs(const ENG_Order *order);
/* The answer to an order that never moved a line. */
void ORD_Answer(ENG *engine, const ENG_Order *order, ENG_Outcome outcome, ENG_Reason reason, int64_t now_ns);

void ILK_Start(ENG *engine, int64_t now_ns);
void ILK_Due(ENG *engine, unsigned rule, int64_t now_ns);
void ILK_InputChanged(ENG *engine, unsigned input, int64_t now_ns);
void ILK_RawEdge(ENG *engine, unsigned input, int64_t now_ns);
void ILK_Order(ENG *engine, const ENG_Order *order, int64_t now_ns);
/* What the action of a rule wrote, and how its hold ended. */
void ILK_Acted(ENG *engine, unsigned rule, unsigned output, int error, int64_t stamp_ns, int64_t now_ns);
void ILK_Ended(ENG *engine, unsigned rule, const ENG_Event *done);

void SEQ_Order(ENG *engine, const ENG_Order *order, int64_t now_ns);
void SEQ_Due(ENG *engine, unsigned sequence, int64_t now_ns);
void SEQ_InputChanged(ENG *engine, unsigned input, int64_t now_ns);
void SEQ_Written(ENG *engine, unsigned sequence, int error, int64_t stamp_ns, int64_t now_ns);
void SEQ_Stop(ENG *engine, unsigned sequence, ENG_Outcome outcome, ENG_Reason reason, int64_t now_ns);
/* The engine stops: rails stay as they are. */
void SEQ_Abandon(ENG *engine, int64_t now_ns);

void WAT_Pressed(ENG *engine, unsigned output, int64_t stamp_ns);
void WAT_InputChanged(ENG *engine, unsigned input, int64_t edge_ns, int64_t now_ns);
void WAT_Due(ENG *engine, unsigned watch, int64_t now_ns);

#endif
