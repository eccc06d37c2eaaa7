/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include <sched.h>

#define STORE(field, value) atomic_store_explicit(&(field), (value), memory_order_release)
#define LOAD(field) atomic_load_explicit(&(field), memory_order_acquire)

void VIEW_Publish(VIEW_Input *view, const ENG_InputState *state) {
  uint32_t sequence = atomic_load_explicit(&view->sequence, memory_order_relaxed);

  STORE(view->sequence, sequence + 1);
  STORE(view->steady, state->steady);
  STORE(view->level, state->level);
  STORE(view->stable_since_ns, state->stable_since_ns);
  STORE(view->blink_period_ns, state->blink_period_ns);
  STORE(view->glitches, state->glitches);
  STORE(view->raw_edges, state->raw_edges);
  STORE(view->resyncs, state->resyncs);
  STORE(view->sequence, sequence + 2);
}

/* Whoever sees a new field also sees the odd sequence that was stored before it, and tries again. */
void VIEW_Read(VIEW_Input *view, ENG_InputState *state) {
  uint32_t before, after;

  do {
    before = LOAD(view->sequence);
    *state = (ENG_InputState){
        .steady = LOAD(view->steady),
        .level = LOAD(view->level),
        .stable_since_ns = LOAD(view->stable_since_ns),
        .blink_period_ns = LOAD(view->blink_period_ns),
        .glitches = LOAD(view->glitches),
        .raw_edges = LOAD(view->raw_edges),
        .resyncs = LOAD(view->resyncs),
    };
    after = LOAD(view->sequence);
    if (before % 2 != 0)
      sched_yield();
  } while (before % 2 != 0 || before != after);
}
