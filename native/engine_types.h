/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_ENGINE_TYPES_H
#define PGOOD_ENGINE_TYPES_H

#include <stdint.h>

/* Values that pass between the engine and its users. build_core.py hands this text to cffi as well (without lines
   that begin with a number sign), so it holds plain declarations only. Times are CLOCK_MONOTONIC nanoseconds. */

/* Capacities: a rack controller has 8 chips of 16 lines; twice that for inputs and outputs together. */
enum {
  ENG_MAX_OUTPUTS = 128,
  ENG_MAX_INPUTS = 128,
  ENG_MAX_RULES = 64,
  ENG_MAX_ACTIONS = 16,
  ENG_MAX_SEQUENCES = 16,
  ENG_MAX_STEPS = 32,
  ENG_MAX_WATCHES = 32,
  ENG_MAX_PRESSES = 4,
  ENG_MAX_PULSES = 1000
};

enum { ENG_WRITE_PENDING = 1 };

typedef struct ENG_Engine ENG;

typedef enum { ENG_MOMENTARY, ENG_MAINTAINED } ENG_LineClass;
typedef enum { ENG_LEVEL, ENG_LED } ENG_Source;
typedef enum { ENG_UNKNOWN, ENG_INACTIVE, ENG_ACTIVE, ENG_BLINKING } ENG_Steady;
typedef enum { ENG_ACTION_HOLD_OFF, ENG_ACTION_LEVEL } ENG_ActionKind;
typedef enum { ENG_UNWIND, ENG_FREEZE } ENG_OnFailure;

/* The first four act on an output, ENG_CANCEL on a token, ENG_RUN on a sequence, the rest on an interlock rule. */
typedef enum {
  ENG_PULSE,
  ENG_HOLD,
  ENG_SET,
  ENG_RELEASE,
  ENG_CANCEL,
  ENG_RUN,
  ENG_ARM,
  ENG_DISARM,
  ENG_RESET,
  ENG_FIRE
} ENG_OrderKind;

/* What a power-good watch has seen. */
typedef enum { ENG_PG_ROSE, ENG_PG_MISSING, ENG_PG_DIPPED, ENG_PG_LOST, ENG_PG_RECOVERED } ENG_PowerGood;

typedef enum {
  ENG_COMPLETED,
  ENG_REFUSED,
  ENG_CANCELLED,
  ENG_PREEMPTED,
  ENG_FAILED,
  ENG_LIMIT_REACHED
} ENG_Outcome;

typedef enum {
  ENG_REASON_NONE,
  ENG_REASON_BUSY,
  ENG_REASON_INVALID,
  ENG_REASON_STOPPED,
  ENG_REASON_PRECONDITION,
  ENG_REASON_UNSTABLE,
  ENG_REASON_UNKNOWN_INPUT,
  ENG_REASON_ALREADY,
  ENG_REASON_LIMIT,
  ENG_REASON_CANCELLED,
  ENG_REASON_RELEASED,
  ENG_REASON_WRITE_FAILED,
  ENG_REASON_EDGES_LOST,
  ENG_REASON_LEVEL_DIFFERS,
  ENG_REASON_EVENTS_LOST,
  ENG_REASON_INTERLOCK,
  ENG_REASON_TIMEOUT,
  ENG_REASON_NOT_POWERED
} ENG_Reason;

typedef enum {
  ENG_EVENT_COMMAND_DONE,
  ENG_EVENT_INPUT_CHANGED,
  ENG_EVENT_RESYNC,
  ENG_EVENT_LINE_FAILED,
  ENG_EVENT_POWER_GOOD,
  ENG_EVENT_INTERLOCK_FIRED,
  ENG_EVENT_INTERLOCK_ENDED,
  ENG_EVENT_SEQUENCE_STEP,
  ENG_EVENT_SEQUENCE_DONE,
  ENG_EVENT_SLOW_WRITE
} ENG_EventKind;

typedef enum { ENG_MEASURE_LATENESS, ENG_MEASURE_EDGE_TO_ACTION, ENG_MEASURE_WRITE, ENG_MEASURES } ENG_Measure;

/* Configuration errors, returned negated. */
typedef enum {
  ENG_ERROR_CAPACITY = 1,
  ENG_ERROR_RUNNING,
  ENG_ERROR_VALUE,
  ENG_ERROR_INDEX,
  ENG_ERROR_CONFLICT
} ENG_Error;

/* "Input settled at this for at least stable_ns"; input < 0 is no condition. The state is `steady`, which may be
   ENG_BLINKING, or when that is ENG_UNKNOWN the level `active`. */
typedef struct {
  int32_t input;
  int32_t active;
  int32_t steady;
  int64_t stable_ns;
} ENG_Condition;

typedef struct {
  int32_t line_class;
  int32_t initial;
  int64_t max_press_ns;
} ENG_OutputConfig;

typedef struct {
  int32_t source;
  int64_t rise_ns;
  int64_t fall_ns;
  /* 0: the line reports edges. */
  int64_t poll_ns;
  /* LED only: the longest blink period to expect. */
  int64_t blink_max_ns;
} ENG_InputConfig;

/* Hold-off: press a momentary output while the input power_good is settled active, until it is inactive, at most as
   long as the line may be pressed. Level: drive a maintained output and keep it so until the rule is reset. */
typedef struct {
  int32_t kind;
  int32_t output;
  int32_t active;
  int32_t power_good;
} ENG_ActionConfig;

/* "When the input has settled at active for quiet_ns". quiet_ns == 0 acts on the raw edge and needs raw_edge_ok.
   input == -1: no input ever fires the rule, only ENG_FIRE does, and as often as it is given. */
typedef struct {
  int32_t input;
  int32_t active;
  int64_t quiet_ns;
  int32_t raw_edge_ok;
  int32_t armed;
  /* Fired before this start and not reset since: its levels are adopted and stay latched, nothing is written. */
  int32_t fired;
  int32_t action_count;
  ENG_ActionConfig actions[ENG_MAX_ACTIONS];
} ENG_RuleConfig;

/* Drive, then wait for the condition (if any) within within_ns, then delay. */
typedef struct {
  int32_t output;
  int32_t active;
  ENG_Condition wait;
  int64_t within_ns;
  int64_t delay_ns;
} ENG_StepConfig;

typedef struct {
  int32_t on_failure;
  int32_t step_count;
  ENG_StepConfig steps[ENG_MAX_STEPS];
} ENG_SequenceConfig;

/* Power-good must rise within rise_ns of a press of one of these outputs; a drop longer than hold_off_ns is a loss. */
typedef struct {
  int32_t input;
  int32_t press_count;
  int32_t presses[ENG_MAX_PRESSES];
  int64_t rise_ns;
  int64_t hold_off_ns;
} ENG_WatchConfig;

typedef struct {
  int32_t kind;
  /* Index of the output, sequence or rule. */
  int32_t line;
  /* ENG_CANCEL: the token of the order to cancel. */
  uint64_t token;
  int32_t active;
  int32_t count;
  /* ENG_HOLD: the longest hold. */
  int64_t width_ns;
  int64_t gap_ns;
  ENG_Condition precondition;
  ENG_Condition until;
} ENG_Order;

typedef struct {
  int32_t kind;
  /* Index of the output, input, rule, sequence or watch, as the kind says. */
  int32_t line;
  uint64_t token;
  int64_t time_ns;
  int32_t outcome;
  int32_t reason;
  int32_t steady;
  int32_t previous;
  int32_t error;
  int32_t is_output;
  /* The output of an interlock's action, the step of a sequence. */
  int32_t item;
  int64_t asked_ns;
  int64_t achieved_ns;
  int64_t started_ns;
  int64_t ended_ns;
  int64_t edge_ns;
  uint64_t count;
} ENG_Event;

typedef struct {
  int32_t steady;
  int32_t level;
  int64_t stable_since_ns;
  int64_t blink_period_ns;
  uint64_t glitches;
  uint64_t raw_edges;
  uint64_t resyncs;
} ENG_InputState;

#endif
