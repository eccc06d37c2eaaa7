/* SPDX-License-Identifier: Apache-2.0 */
/* Power LEDs: tells steady on, steady off and blinking (ACPI S3) apart. */

#include "engine_state.h"

/* Nothing that a mainboard blinks is faster; below this it is flicker. */
#define BLINK_MIN_NS (200 * NS_PER_MS)

void LED_Reset(Led *led) { *led = (Led){.confirm_ns = ENG_NEVER}; }

static bool is_period(const Input *input, int64_t period_ns) {
  return period_ns >= BLINK_MIN_NS && period_ns <= input->config.blink_max_ns;
}

static bool alike(int64_t a_ns, int64_t b_ns) {
  int64_t difference_ns = a_ns > b_ns ? a_ns - b_ns : b_ns - a_ns;

  return difference_ns <= (a_ns > b_ns ? a_ns : b_ns) / 4;
}

/* Two overlapping periods that agree: a board that fails its first start and tries again does not look like this. */
static bool blinks(const Input *input) {
  const Led *led = &input->led;
  int64_t newer_ns, older_ns;

  if (led->known < LED_EDGES)
    return false;
  newer_ns = led->edges_ns[0] - led->edges_ns[2];
  older_ns = led->edges_ns[1] - led->edges_ns[3];
  return is_period(input, newer_ns) && is_period(input, older_ns) && alike(newer_ns, older_ns);
}

static int64_t patience_ns(const Input *input) {
  int64_t period_ns = input->led.period_ns > 0 ? input->led.period_ns : input->config.blink_max_ns;

  return period_ns + period_ns / 2 + 1;
}

void LED_Level(ENG *engine, unsigned index, int64_t edge_ns, int64_t now_ns) {
  Input *input = &engine->inputs[index];
  Led *led = &input->led;

  for (unsigned i = LED_EDGES - 1; i > 0; i--)
    led->edges_ns[i] = led->edges_ns[i - 1];
  led->edges_ns[0] = edge_ns;
  if (led->known < LED_EDGES)
    led->known++;
  led->confirm_ns = ENG_NEVER;

  if (blinks(input)) {
    led->period_ns = led->edges_ns[0] - led->edges_ns[2];
    INP_SetSteady(engine, index, ENG_BLINKING, led->edges_ns[3], now_ns);
    led->confirm_ns = edge_ns + patience_ns(input);
  } else if (input->steady == ENG_INACTIVE && input->settled == ENG_ACTIVE) {
    /* A host that is off does not fall asleep: its LED means on at once. */
    INP_SetSteady(engine, index, ENG_ACTIVE, edge_ns, now_ns);
  } else if (input->steady != input->settled) {
    led->confirm_ns = edge_ns + patience_ns(input);
  }
  INP_Schedule(engine, index);
}

void LED_Due(ENG *engine, unsigned index, int64_t now_ns) {
  Input *input = &engine->inputs[index];

  input->led.confirm_ns = ENG_NEVER;
  input->led.known = 0;
  INP_SetSteady(engine, index, input->settled, input->led.edges_ns[0], now_ns);
}
