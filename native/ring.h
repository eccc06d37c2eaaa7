/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_RING_H
#define PGOOD_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine_types.h"

/* Ring of events between the engine's thread (the only producer) and Python (one consumer at a time).
   It never blocks: what does not fit is counted, and a resync event that carries the count follows. */

/* A full second of every one of 128 lines changing eight times. */
enum { RNG_CAPACITY = 1024 };

typedef struct {
  ENG_Event events[RNG_CAPACITY];
  _Atomic uint32_t head;
  _Atomic uint32_t tail;
  _Atomic uint32_t high_water;
  _Atomic uint64_t lost;
  /* Producer only: what the next resync event has to tell. */
  uint64_t unreported;
} RNG_Ring;

void RNG_Push(RNG_Ring *ring, const ENG_Event *event);
/* Producer: delivers a resync event that had to wait for room. */
void RNG_Flush(RNG_Ring *ring, int64_t now_ns);
/* Producer: whether a resync event is waiting for room. */
bool RNG_Owes(const RNG_Ring *ring);
/* Consumer: takes up to `capacity` events, returns how many. */
unsigned RNG_Pop(RNG_Ring *ring, ENG_Event *events, unsigned capacity);
bool RNG_IsEmpty(RNG_Ring *ring);

#endif
