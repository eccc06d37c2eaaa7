/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

static bool put(RNG_Ring *ring, const ENG_Event *event) {
  uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
  uint32_t used = head - atomic_load_explicit(&ring->tail, memory_order_acquire);

  if (used == RNG_CAPACITY)
    return false;
  ring->events[head % RNG_CAPACITY] = *event;
  atomic_store_explicit(&ring->head, head + 1, memory_order_release);
  if (used + 1 > atomic_load_explicit(&ring->high_water, memory_order_relaxed))
    atomic_store_explicit(&ring->high_water, used + 1, memory_order_relaxed);
  return true;
}

void RNG_Flush(RNG_Ring *ring, int64_t now_ns) {
  ENG_Event event = {
      .kind = ENG_EVENT_RESYNC,
      .line = -1,
      .time_ns = now_ns,
      .reason = ENG_REASON_EVENTS_LOST,
      .count = ring->unreported,
  };

  if (ring->unreported > 0 && put(ring, &event))
    ring->unreported = 0;
}

void RNG_Push(RNG_Ring *ring, const ENG_Event *event) {
  RNG_Flush(ring, event->time_ns);
  if (ring->unreported == 0 && put(ring, event))
    return;
  ring->unreported++;
  atomic_fetch_add_explicit(&ring->lost, 1, memory_order_relaxed);
}

bool RNG_Owes(const RNG_Ring *ring) { return ring->unreported > 0; }

unsigned RNG_Pop(RNG_Ring *ring, ENG_Event *events, unsigned capacity) {
  uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
  uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
  unsigned taken = 0;

  while (taken < capacity && tail != head)
    events[taken++] = ring->events[tail++ % RNG_CAPACITY];
  atomic_store_explicit(&ring->tail, tail, memory_order_release);
  return taken;
}

bool RNG_IsEmpty(RNG_Ring *ring) {
  return atomic_load_explicit(&ring->tail, memory_order_acquire) ==
         atomic_load_explicit(&ring->head, memory_order_acquire);
}
