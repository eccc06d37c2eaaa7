/* SPDX-License-Identifier: Apache-2.0 */
/* Edge to action on memory lines: `engine` (an interlock on the raw edge) or `minimal_loop` (wait, read, write, in a
   thread of the same priority). One driver for both; prints one delay in ns per line. */

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "backend.h"
#include "core.h"

enum { INPUT_LINE, OUTPUT_LINE, LINES, PRIORITY = 50, WARM_UP = 10, PAUSE_NS = 2000000 };

static MEM_Chip *chip;

static void die(const char *what) {
  fprintf(stderr, "edge_to_action: %s\n", what);
  exit(1);
}

static void pause_ns(long span_ns) {
  const struct timespec span = {.tv_nsec = span_ns};

  nanosleep(&span, NULL);
}

/* The delay from the drive to the change of the output. */
static int64_t one_edge(void) {
  int64_t driven_ns = BKD_Now();
  MEM_Change change;

  if (MEM_Drive(chip, INPUT_LINE, 1) != 0)
    die("cannot drive the line");
  for (int tries = 0; tries < 1000; tries++) {
    pause_ns(PAUSE_NS / 4);
    if (MEM_TakeChanges(chip, &change, 1) == 1 && change.active)
      return change.time_ns - driven_ns;
  }
  die("nobody answered the edge");
  return 0;
}

static void to_rest(void) {
  MEM_Change change;

  (void)MEM_Drive(chip, INPUT_LINE, 0);
  pause_ns(PAUSE_NS);
  while (MEM_TakeChanges(chip, &change, 1) == 1)
    continue;
}

/* Engine ---------------------------------------------------------------------------------------------------------- */

static LOP *start_engine(void) {
  const LOP_Source input = {.fd = -1, .chip = chip, .index = INPUT_LINE};
  const LOP_Source output = {.fd = -1, .chip = chip, .index = OUTPUT_LINE};
  const ENG_InputConfig input_config = {.source = ENG_LEVEL, .rise_ns = 1000000, .fall_ns = 0};
  const ENG_OutputConfig output_config = {.line_class = ENG_MAINTAINED};
  ENG_RuleConfig rule = {.active = 1, .raw_edge_ok = 1, .armed = 1, .action_count = 1};
  const LOP_ThreadConfig thread = {.fifo_priority = PRIORITY, .cpu = -1, .lock_memory = 1};
  LOP_ThreadReport report;
  LOP *loop = LOP_Create();

  rule.actions[0] = (ENG_ActionConfig){.kind = ENG_ACTION_LEVEL, .active = 1};
  if (loop == NULL || LOP_AddInput(loop, &input, &input_config) != 0 ||
      LOP_AddOutput(loop, &output, &output_config) != 0 || LOP_AddRule(loop, &rule) != 0 ||
      LOP_Start(loop, &thread, &report) != 0)
    die("the engine does not start");
  if (report.fifo_error != 0)
    fprintf(stderr, "edge_to_action: no real-time priority: %s\n", strerror(report.fifo_error));
  return loop;
}

static void submit(LOP *loop, ENG_OrderKind kind) {
  const ENG_Order order = {.kind = (int32_t)kind, .precondition = {.input = -1}, .until = {.input = -1}};

  if (LOP_Submit(loop, &order) != 0)
    die("an order was refused");
  pause_ns(PAUSE_NS / 4);
}

static void rest_engine(LOP *loop) {
  ENG_Event events[64];

  (void)MEM_Drive(chip, INPUT_LINE, 0);
  pause_ns(PAUSE_NS);
  submit(loop, ENG_RESET);
  submit(loop, ENG_RELEASE);
  to_rest();
  while (LOP_TakeEvents(loop, events, 64) > 0)
    continue;
}

static void measure_engine(long count) {
  LOP *loop = start_engine();

  for (long i = 0; i < count + WARM_UP; i++) {
    int64_t delay_ns = one_edge();

    if (i >= WARM_UP)
      printf("%lld\n", (long long)delay_ns);
    rest_engine(loop);
  }
  LOP_Destroy(loop);
}

/* Minimal loop ---------------------------------------------------------------------------------------------------- */

static BKD_Line input_line, output_line;
static atomic_bool stopping;

static void *minimal_loop(void *unused) {
  const struct sched_param parameters = {.sched_priority = PRIORITY};

  (void)unused;
  (void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
  if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters) != 0)
    fprintf(stderr, "edge_to_action: no real-time priority\n");
  while (!atomic_load(&stopping)) {
    struct pollfd watched = {.fd = input_line.fd, .events = POLLIN};
    BKD_Edge edge;
    int64_t stamp_ns;

    if (poll(&watched, 1, 100) != 1)
      continue;
    while (input_line.ops->drain(&input_line, &edge, 1) == 1)
      (void)output_line.ops->write(&output_line, edge.active, &stamp_ns);
  }
  return NULL;
}

static void measure_minimal(long count) {
  pthread_t thread;

  if (MEM_Open(&input_line, chip, INPUT_LINE, false) < 0 || MEM_Open(&output_line, chip, OUTPUT_LINE, true) < 0 ||
      pthread_create(&thread, NULL, minimal_loop, NULL) != 0)
    die("the loop does not start");
  for (long i = 0; i < count + WARM_UP; i++) {
    int64_t delay_ns = one_edge();

    if (i >= WARM_UP)
      printf("%lld\n", (long long)delay_ns);
    to_rest();
    pause_ns(PAUSE_NS);
  }
  atomic_store(&stopping, true);
  pthread_join(thread, NULL);
  input_line.ops->close(&input_line);
  output_line.ops->close(&output_line);
}

int main(int argc, char **argv) {
  long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

  chip = MEM_Create(LINES);
  if (chip == NULL || count < 1)
    die("usage: edge_to_action engine|minimal_loop COUNT");
  if (strcmp(argv[1], "engine") == 0)
    measure_engine(count);
  else if (strcmp(argv[1], "minimal_loop") == 0)
    measure_minimal(count);
  else
    die("usage: edge_to_action engine|minimal_loop COUNT");
  MEM_Destroy(chip);
  return 0;
}
