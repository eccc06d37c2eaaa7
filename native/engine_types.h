/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_ENGINE_TYPES_H
#define PGOOD_ENGINE_TYPES_H

#include <stdint.h>

/* Values that pass between the engine and its users. build_core.py hands this text to cffi as well (without lines
   that begin with a number sign), so it holds plain declarations only. Times are CLOCK_MONOTONIC nanoseconds. */

/* Capacities: a rack controller has 8 chips of 16 lines; twice that for inputs and outputs together. */
enum {
  ENG_MAX_OUTPUTS = 128,
  ENG_MAX_INPUTS = 128
};

enum { ENG_WRITE_PENDING = 1 };

typedef struct ENG_Engine ENG;

typedef enum { ENG_MOMENTARY, ENG_MAINTAINED } ENG_LineClass;
typedef enum { ENG_LEVEL, ENG_LED } ENG_Source;
typedef enum { ENG_UNKNOWN, ENG_INACTIVE, ENG_ACTIVE, ENG_BLINKING } ENG_Steady;
typedef enum { ENG_PULSE, ENG_HOLD, ENG_SET, ENG_RELEASE, ENG_CANCEL } ENG_OrderKind;

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
  ENG_REASON_EVENTS_LOST
} ENG_Reason;

typedef enum {
  ENG_EVENT_COMMAND_DONE,
  ENG_EVENT_INPUT_CHANGED,
  ENG_EVENT_RESYNC,
  ENG_EVENT_LINE_FAILED
} ENG_EventKind;

typedef enum { ENG_MEASURE_LATENESS, ENG_MEASURE_EDGE_TO_ACTION, ENG_MEASURE_WRITE, ENG_MEASURES } ENG_Measure;

/* Configuration errors, returned negated. */
typedef enum {
  ENG_ERROR_CAPACITY = 1,
  ENG_ERROR_RUNNING,
  ENG_ERROR_VALUE,
  ENG_ERROR_INDEX
} ENG_Error;

/* "Input settled at active for at least stable_ns"; input < 0 is no condition. */
typedef struct {
  int32_t input;
  int32_t active;
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

typedef struct {
  int32_t kind;
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
  /* Index of the output, input, rule or sequence, as the kind says. */
  int32_t line;
  uint64_t token;
  int64_t time_ns;
  int32_t outcome;
  int32_t reason;
  int32_t steady;
  int32_t previous;
  int32_t error;
  int32_t is_output;
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
