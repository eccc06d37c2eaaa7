/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_ENGINE_H
#define PGOOD_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine_types.h"

/* The line engine: a pure state machine. It has no clock, makes no system call and allocates nothing after ENG_Create().
   Time comes in as an argument (CLOCK_MONOTONIC, ns); lines are reached through the ports only.
   Locking: none; one thread at a time may call into one engine. */

typedef struct {
  void *context;
  /* Drives an output. Returns 0 and the time of the write, ENG_WRITE_PENDING (ENG_Written() follows), or -errno. */
  int (*write)(void *context, unsigned output, bool active, int64_t *stamp_ns);
  /* Reads the present raw level of an input. Returns 0 or -errno. */
  int (*read)(void *context, unsigned input, bool *active);
  /* Takes an event; the pointer is valid during the call only. */
  void (*emit)(void *context, const ENG_Event *event);
  /* Takes measured delays for the histograms. */
  void (*measure)(void *context, ENG_Measure what, int64_t delay_ns);
} ENG_Ports;

/* NULL when memory is short. */
ENG *ENG_Create(void);
void ENG_Destroy(ENG *engine);
/* Bytes of one engine. */
size_t ENG_Size(void);
void ENG_SetPorts(ENG *engine, const ENG_Ports *ports);

/* Configuration, before ENG_Start(). Each returns the index of what was added, or -ENG_ERROR_... */
int ENG_AddOutput(ENG *engine, const ENG_OutputConfig *config);
int ENG_AddInput(ENG *engine, const ENG_InputConfig *config);
/* Rules, sequences and watches name lines that were added before. */
int ENG_AddRule(ENG *engine, const ENG_RuleConfig *config);
int ENG_AddSequence(ENG *engine, const ENG_SequenceConfig *config);
int ENG_AddWatch(ENG *engine, const ENG_WatchConfig *config);

/* Momentary outputs are written idle, maintained ones adopted; every input is read and begins to settle. */
void ENG_Start(ENG *engine, int64_t now_ns);
/* Momentary outputs return to idle, running commands end as cancelled, maintained outputs are left alone. */
void ENG_Stop(ENG *engine, int64_t now_ns);

void ENG_Command(ENG *engine, const ENG_Order *order, int64_t now_ns);
/* An edge to `active` at `edge_ns`; times that run backwards or lie ahead of now are clamped. */
void ENG_Edge(ENG *engine, unsigned input, bool active, int64_t edge_ns, int64_t now_ns);
/* `lost` edges of an input were never seen: read the line again. */
void ENG_EdgesLost(ENG *engine, unsigned input, uint64_t lost, int64_t now_ns);
/* The level of a line that somebody else reads (a slow chip's own thread). */
void ENG_Sample(ENG *engine, unsigned input, bool active, int64_t now_ns);
/* The line cannot be read any more (-errno); its state is unknown until a read succeeds. */
void ENG_InputFailed(ENG *engine, unsigned input, int error, int64_t now_ns);
/* The end of a pending write: 0 or -errno, and the time of the write. */
void ENG_Written(ENG *engine, unsigned output, int error, int64_t stamp_ns, int64_t now_ns);

/* Carries out everything that is due. */
void ENG_Advance(ENG *engine, int64_t now_ns);
/* When ENG_Advance() is needed next, or ENG_NEVER. */
int64_t ENG_NextDeadline(const ENG *engine);
/* When a press or a pause between presses ends next, or ENG_NEVER: the deadlines that the world sees to the microsecond. */
int64_t ENG_NextWrite(const ENG *engine);

void ENG_GetInput(const ENG *engine, unsigned input, ENG_InputState *state);
unsigned ENG_InputCount(const ENG *engine);
unsigned ENG_OutputCount(const ENG *engine);
/* Whether the input changed in any way since the last call. */
bool ENG_TakeDirty(ENG *engine, unsigned input);

#endif
