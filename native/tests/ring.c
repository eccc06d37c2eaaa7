/* SPDX-License-Identifier: Apache-2.0 */
#include "../ring.c"

#include <pthread.h>

#include "test.h"

static RNG_Ring ring;

static void test_overflow_is_counted_and_followed_by_resync(void) {
  static ENG_Event taken[RNG_CAPACITY + 8];
  ENG_Event event = {.kind = ENG_EVENT_INPUT_CHANGED};
  unsigned count;

  for (unsigned i = 0; i < RNG_CAPACITY + 5; i++) {
    event.token = i;
    RNG_Push(&ring, &event);
  }
  CHECK(RNG_Owes(&ring));
  CHECK(ring.lost == 5);
  CHECK(ring.high_water == RNG_CAPACITY);
  count = RNG_Pop(&ring, taken, RNG_CAPACITY + 8);
  CHECK(count == RNG_CAPACITY);
  CHECK(taken[count - 1].token == RNG_CAPACITY - 1);

  RNG_Flush(&ring, 77);
  CHECK(!RNG_Owes(&ring));
  event.token = 9;
  RNG_Push(&ring, &event);
  count = RNG_Pop(&ring, taken, 8);
  CHECK(count == 2);
  CHECK(taken[0].kind == ENG_EVENT_RESYNC && taken[0].count == 5 && taken[0].time_ns == 77);
  CHECK(taken[0].reason == ENG_REASON_EVENTS_LOST && taken[0].line == -1);
  CHECK(taken[1].token == 9);
  CHECK(RNG_IsEmpty(&ring));
}

enum { SENT = 200000 };

static _Atomic bool produced;

static void *produce(void *unused) {
  (void)unused;
  for (uint64_t i = 1; i <= SENT; i++) {
    ENG_Event event = {.kind = ENG_EVENT_INPUT_CHANGED, .token = i, .count = i * 3};

    RNG_Push(&ring, &event);
  }
  atomic_store(&produced, true);
  return NULL;
}

/* With a slow reader every event either arrives, whole and in order, or is counted in a resync event. */
static void test_two_threads(void) {
  pthread_t producer;
  ENG_Event taken[64];
  uint64_t newest = 0, arrived = 0, lost = 0;

  ring.lost = 0;
  CHECK(pthread_create(&producer, NULL, produce, NULL) == 0);
  while (!atomic_load(&produced)) {
    unsigned count = RNG_Pop(&ring, taken, 1 + (unsigned)random_below(64));

    for (unsigned i = 0; i < count; i++) {
      if (taken[i].kind == ENG_EVENT_RESYNC) {
        lost += taken[i].count;
      } else {
        CHECK(taken[i].token > newest);
        newest = taken[i].token;
        CHECK(taken[i].count == taken[i].token * 3);
        arrived++;
      }
    }
  }
  pthread_join(producer, NULL);
  /* The ring may be full: room first, then the resync event that waits for it. */
  for (int round = 0; round < 2; round++) {
    while (RNG_Pop(&ring, taken, 1) == 1) {
      if (taken[0].kind == ENG_EVENT_RESYNC)
        lost += taken[0].count;
      else
        arrived++;
    }
    RNG_Flush(&ring, 0);
  }
  CHECK(arrived + lost == SENT);
  CHECK(lost == ring.lost);
}

int main(void) {
  test_overflow_is_counted_and_followed_by_resync();
  test_two_threads();
  puts("ring: ok");
  return 0;
}
