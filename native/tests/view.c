/* SPDX-License-Identifier: Apache-2.0 */
#include "../view.c"

#include <pthread.h>

#include "test.h"

enum { ROUNDS = 200000 };

static VIEW_Input view;

static void *publish(void *unused) {
  (void)unused;
  for (int32_t i = 1; i <= ROUNDS; i++) {
    ENG_InputState state = {
        .steady = i, .level = i, .stable_since_ns = i, .blink_period_ns = i, .glitches = (uint64_t)i,
        .raw_edges = (uint64_t)i, .resyncs = (uint64_t)i};

    VIEW_Publish(&view, &state);
  }
  return NULL;
}

/* A reader never sees half of one state and half of another. */
int main(void) {
  pthread_t writer;
  ENG_InputState state = {.steady = 0};

  CHECK(pthread_create(&writer, NULL, publish, NULL) == 0);
  while (state.steady < ROUNDS) {
    int32_t before = state.steady;

    VIEW_Read(&view, &state);
    CHECK(state.steady >= before);
    CHECK(state.level == state.steady && state.stable_since_ns == state.steady);
    CHECK(state.glitches == (uint64_t)state.steady && state.resyncs == (uint64_t)state.steady);
    CHECK(state.blink_period_ns == state.steady && state.raw_edges == (uint64_t)state.steady);
  }
  pthread_join(writer, NULL);
  puts("view: ok");
  return 0;
}
