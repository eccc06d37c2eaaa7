/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_VIEW_H
#define PGOOD_VIEW_H

#include <stdatomic.h>
#include <stdint.h>

#include "engine_types.h"

/* The state of one input as other threads see it: a sequence lock. One writer that never waits, any number of
   readers; each field is atomic, so that there is no data race to begin with. */

typedef struct {
  _Atomic uint32_t sequence;
  _Atomic int32_t steady;
  _Atomic int32_t level;
  _Atomic int64_t stable_since_ns;
  _Atomic int64_t blink_period_ns;
  _Atomic uint64_t glitches;
  _Atomic uint64_t raw_edges;
  _Atomic uint64_t resyncs;
} VIEW_Input;

void VIEW_Publish(VIEW_Input *view, const ENG_InputState *state);
void VIEW_Read(VIEW_Input *view, ENG_InputState *state);

#endif
