/* SPDX-License-Identifier: Apache-2.0 */
#include "slow.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"

enum { QUEUE = 512, STACK_SIZE = 256 * 1024 };

#define NS_PER_S INT64_C(1000000000)
#define REREAD_NS NS_PER_S

typedef struct {
  BKD_Line *line;
  int64_t period_ns;
  int64_t next_ns;
  /* The newest reading: 0 or 1, or -errno. */
  _Atomic int reading;
} SlowInput;

typedef struct {
  unsigned output;
  bool active;
} Request;

struct SLW_Slow {
  pthread_t thread;
  bool started;
  _Atomic bool stopping;
  int wake_fd, request_fd;
  BKD_Line *outputs[ENG_MAX_OUTPUTS];
  SlowInput inputs[ENG_MAX_INPUTS];
  /* Engine's thread to this one. */
  Request requests[QUEUE];
  _Atomic uint32_t request_head, request_tail;
  /* This thread to the engine's. */
  SLW_Done done[QUEUE];
  _Atomic uint32_t done_head, done_tail;
};

SLW *SLW_Create(int wake_fd) {
  SLW *slow = calloc(1, sizeof(*slow));

  if (slow == NULL)
    return NULL;
  slow->wake_fd = wake_fd;
  slow->request_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (slow->request_fd < 0) {
    free(slow);
    return NULL;
  }
  return slow;
}

void SLW_Destroy(SLW *slow) {
  if (slow == NULL)
    return;
  SLW_Stop(slow);
  close(slow->request_fd);
  free(slow);
}

void SLW_AddOutput(SLW *slow, unsigned output, BKD_Line *line) { slow->outputs[output] = line; }

static int read_line(BKD_Line *line) {
  bool active = false;
  int error = line->ops->read(line, &active);

  return error != 0 ? error : active;
}

void SLW_AddInput(SLW *slow, unsigned input, BKD_Line *line, int64_t poll_ns) {
  slow->inputs[input].line = line;
  slow->inputs[input].period_ns = poll_ns > 0 ? poll_ns : REREAD_NS;
  atomic_store(&slow->inputs[input].reading, read_line(line));
}

/* The engine takes what is done many times a second; a queue this long is never full. A sample that would not fit is
   dropped, the next one says the same. A write always waits: the engine counts on its end. */
static bool put_done(SLW *slow, const SLW_Done *done) {
  uint32_t head = atomic_load_explicit(&slow->done_head, memory_order_relaxed);

  if (head - atomic_load_explicit(&slow->done_tail, memory_order_acquire) == QUEUE)
    return false;
  slow->done[head % QUEUE] = *done;
  atomic_store_explicit(&slow->done_head, head + 1, memory_order_release);
  (void)eventfd_write(slow->wake_fd, 1);
  return true;
}

static void serve_requests(SLW *slow) {
  uint32_t tail = atomic_load_explicit(&slow->request_tail, memory_order_relaxed);

  while (tail != atomic_load_explicit(&slow->request_head, memory_order_acquire)) {
    Request request = slow->requests[tail % QUEUE];
    BKD_Line *line = slow->outputs[request.output];
    SLW_Done done = {.is_output = true, .line = request.output, .active = request.active};

    done.error = line->ops->write(line, request.active, &done.time_ns);
    if (done.error != 0)
      done.time_ns = BKD_Now();
    while (!put_done(slow, &done) && !atomic_load(&slow->stopping))
      (void)poll(NULL, 0, 1);
    atomic_store_explicit(&slow->request_tail, ++tail, memory_order_release);
  }
}

static void poll_input(SLW *slow, unsigned index, int64_t now_ns) {
  SlowInput *input = &slow->inputs[index];
  SLW_Done done = {.line = index};
  int before = atomic_load(&input->reading), reading = read_line(input->line);

  input->next_ns = now_ns + input->period_ns;
  done.time_ns = BKD_Now();
  done.active = reading > 0;
  done.error = reading < 0 ? reading : 0;
  if (reading == before)
    return;
  /* An edge that came while the chip was read knows better. */
  if (atomic_compare_exchange_strong(&input->reading, &before, reading) && !put_done(slow, &done))
    atomic_store(&input->reading, before);
}

/* Reads what is due; returns when the next reading is. */
static int64_t poll_inputs(SLW *slow) {
  int64_t next_ns = INT64_MAX;

  for (unsigned i = 0; i < ENG_MAX_INPUTS; i++) {
    SlowInput *input = &slow->inputs[i];
    int64_t now_ns;

    if (input->line == NULL)
      continue;
    now_ns = BKD_Now();
    if (input->next_ns <= now_ns)
      poll_input(slow, i, now_ns);
    if (input->next_ns < next_ns)
      next_ns = input->next_ns;
  }
  return next_ns;
}

static struct timespec left_until(int64_t time_ns) {
  int64_t left_ns = time_ns - BKD_Now();

  if (left_ns < 0)
    left_ns = 0;
  return (struct timespec){.tv_sec = (time_t)(left_ns / NS_PER_S), .tv_nsec = (long)(left_ns % NS_PER_S)};
}

static void *run(void *argument) {
  SLW *slow = argument;

  while (!atomic_load(&slow->stopping)) {
    int64_t next_ns = poll_inputs(slow);
    struct timespec left = left_until(next_ns);
    struct pollfd watched = {.fd = slow->request_fd, .events = POLLIN};
    eventfd_t ignored;

    (void)ppoll(&watched, 1, next_ns == INT64_MAX ? NULL : &left, NULL);
    (void)eventfd_read(slow->request_fd, &ignored);
    serve_requests(slow);
  }
  serve_requests(slow);
  return NULL;
}

int SLW_Start(SLW *slow) {
  pthread_attr_t attributes;
  int error;

  /* The engine's thread starts this one: its blocked signals and its priority are inherited. */
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_SIZE);
  error = pthread_create(&slow->thread, &attributes, run, slow);
  pthread_attr_destroy(&attributes);
  slow->started = error == 0;
  return -error;
}

void SLW_Stop(SLW *slow) {
  if (!slow->started)
    return;
  slow->started = false;
  atomic_store(&slow->stopping, true);
  (void)eventfd_write(slow->request_fd, 1);
  pthread_join(slow->thread, NULL);
}

int SLW_Write(SLW *slow, unsigned output, bool active) {
  uint32_t head = atomic_load_explicit(&slow->request_head, memory_order_relaxed);

  if (head - atomic_load_explicit(&slow->request_tail, memory_order_acquire) == QUEUE)
    return -EAGAIN;
  slow->requests[head % QUEUE] = (Request){.output = output, .active = active};
  atomic_store_explicit(&slow->request_head, head + 1, memory_order_release);
  (void)eventfd_write(slow->request_fd, 1);
  return ENG_WRITE_PENDING;
}

int SLW_Read(SLW *slow, unsigned input, bool *active) {
  int reading = atomic_load(&slow->inputs[input].reading);

  *active = reading > 0;
  return reading < 0 ? reading : 0;
}

void SLW_Note(SLW *slow, unsigned input, bool active) { atomic_store(&slow->inputs[input].reading, active); }

bool SLW_TakeDone(SLW *slow, SLW_Done *done) {
  uint32_t tail = atomic_load_explicit(&slow->done_tail, memory_order_relaxed);

  if (tail == atomic_load_explicit(&slow->done_head, memory_order_acquire))
    return false;
  *done = slow->done[tail % QUEUE];
  atomic_store_explicit(&slow->done_tail, tail + 1, memory_order_release);
  return true;
}
