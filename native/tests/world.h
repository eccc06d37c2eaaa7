/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_WORLD_H
#define PGOOD_WORLD_H

#include <string.h>

#include "../fake.h"
#include "test.h"

/* An engine under a fake clock: time passes in world_run(), from deadline to deadline. */

static FAK *world;

static inline void world_begin(void) { world = FAK_Create(); }

static inline void world_end(void) { FAK_Destroy(world); }

static inline int64_t world_now(void) { return world->clock_ns; }

static inline void world_start(void) {
  world->clock_ns = 1000 * MS;
  ENG_Start(world->engine, world->clock_ns);
}

static inline void world_run(int64_t span_ns) {
  int64_t end_ns = world->clock_ns + span_ns;

  for (;;) {
    int64_t due_ns = ENG_NextDeadline(world->engine);

    if (due_ns > end_ns)
      break;
    if (due_ns > world->clock_ns)
      world->clock_ns = due_ns;
    ENG_Advance(world->engine, world->clock_ns);
  }
  if (end_ns > world->clock_ns)
    world->clock_ns = end_ns;
  ENG_Advance(world->engine, world->clock_ns);
}

static inline void world_drive(unsigned input, bool active) {
  world->levels[input] = active;
  ENG_Edge(world->engine, input, active, world->clock_ns, world->clock_ns);
}

static inline unsigned world_button(int64_t max_press_ns) {
  ENG_OutputConfig config = {.line_class = ENG_MOMENTARY, .max_press_ns = max_press_ns};

  return (unsigned)ENG_AddOutput(world->engine, &config);
}

static inline unsigned world_rail(bool initial) {
  ENG_OutputConfig config = {.line_class = ENG_MAINTAINED, .initial = initial};

  return (unsigned)ENG_AddOutput(world->engine, &config);
}

static inline unsigned world_input(ENG_Source source, int64_t rise_ns, int64_t fall_ns) {
  ENG_InputConfig config = {
      .source = (int32_t)source, .rise_ns = rise_ns, .fall_ns = fall_ns, .blink_max_ns = 5000 * MS};

  return (unsigned)ENG_AddInput(world->engine, &config);
}

static inline ENG_Order world_order(ENG_OrderKind kind, unsigned line, uint64_t token) {
  ENG_Order order = {.kind = (int32_t)kind, .line = (int32_t)line, .token = token, .count = 1};

  order.precondition.input = -1;
  order.until.input = -1;
  return order;
}

static inline void world_command(const ENG_Order *order) { ENG_Command(world->engine, order, world->clock_ns); }

static inline void world_pulse(unsigned line, uint64_t token, int64_t width_ns) {
  ENG_Order order = world_order(ENG_PULSE, line, token);

  order.width_ns = width_ns;
  world_command(&order);
}

/* The newest event of a kind, or NULL. */
static inline const ENG_Event *world_last(ENG_EventKind kind) {
  for (uint32_t i = world->event_count; i > 0; i--) {
    if (world->events[i - 1].kind == (int32_t)kind)
      return &world->events[i - 1];
  }
  return NULL;
}

static inline const ENG_Event *world_done(uint64_t token) {
  for (uint32_t i = 0; i < world->event_count; i++) {
    if (world->events[i].kind == ENG_EVENT_COMMAND_DONE && world->events[i].token == token)
      return &world->events[i];
  }
  return NULL;
}

static inline ENG_InputState world_state(unsigned input) {
  ENG_InputState state;

  ENG_GetInput(world->engine, input, &state);
  return state;
}

#endif
