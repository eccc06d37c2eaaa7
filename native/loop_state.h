/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_LOOP_STATE_H
#define PGOOD_LOOP_STATE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "backend.h"
#include "engine.h"
#include "histogram.h"
#include "ring.h"
#include "slow.h"
#include "thread.h"
#include "view.h"

/* Shared by the thread (loop.c) and its face towards Python (loop_face.c). */

enum { ORDER_QUEUE = 256, TAG_TIMER = ENG_MAX_INPUTS, TAG_ORDERS };

/* A write that sleeps (an expander on I2C takes 200 us and more) makes every other line late. */
#define LOP_SLOW_NS INT64_C(200000)

/* What it takes to wake a thread of real-time priority on a quiet small machine. */
#define LOP_LEAD_NS INT64_C(100000)

struct LOP_Loop {
  ENG *engine;
  pthread_t thread;
  pthread_mutex_t submit_lock;
  sem_t ready;
  _Atomic bool running;
  _Atomic bool stopping;
  bool started;
  bool owes_wake;
  int epoll_fd, timer_fd, order_fd, event_fd;
  int64_t armed_ns;
  int start_error;
  LOP_ThreadConfig thread_config;
  LOP_ThreadReport thread_report;
  BKD_Line outputs[ENG_MAX_OUTPUTS];
  BKD_Line inputs[ENG_MAX_INPUTS];
  /* The thread of its slow chip that a line belongs to, plus one; 0: this thread. */
  uint8_t output_groups[ENG_MAX_OUTPUTS];
  uint8_t input_groups[ENG_MAX_INPUTS];
  SLW *slow[LOP_MAX_SLOW];
  ENG_Order orders[ORDER_QUEUE];
  _Atomic uint32_t order_head, order_tail;
  _Atomic uint64_t claims[ENG_MAX_OUTPUTS];
  _Atomic bool momentary[ENG_MAX_OUTPUTS];
  _Atomic bool levels[ENG_MAX_OUTPUTS];
  VIEW_Input views[ENG_MAX_INPUTS];
  RNG_Ring ring;
  HST_Histogram measures[ENG_MEASURES];
  _Atomic uint64_t wakeups;
  _Atomic int64_t since_ns;
};

extern const ENG_Ports LOP_ports;

void *LOP_Run(void *loop);

#endif
