/* SPDX-License-Identifier: Apache-2.0 */
/* What a thread costs that wakes 1000 times a second and does nothing: the least that polling at 1 kHz can cost on this
   machine. Same priority and span as the engine's figure; prints percent of a core. */

#include <sched.h>
#include <stdio.h>
#include <time.h>

enum { PRIORITY = 50, WAKES = 2000, PERIOD_NS = 1000000, SECOND_NS = 1000000000 };

static double clock_s(clockid_t clock) {
  struct timespec now;

  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / SECOND_NS;
}

int main(void) {
  const struct sched_param parameters = {.sched_priority = PRIORITY};
  struct timespec due;
  double cpu_s, began_s;

  (void)sched_setscheduler(0, SCHED_FIFO, &parameters);
  clock_gettime(CLOCK_MONOTONIC, &due);
  cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID);
  began_s = clock_s(CLOCK_MONOTONIC);
  for (int i = 0; i < WAKES; i++) {
    due.tv_nsec += PERIOD_NS;
    if (due.tv_nsec >= SECOND_NS) {
      due.tv_nsec -= SECOND_NS;
      due.tv_sec++;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
  }
  printf("%.4f\n", (clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_s) / (clock_s(CLOCK_MONOTONIC) - began_s) * 100);
  return 0;
}
