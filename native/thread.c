/* SPDX-License-Identifier: Apache-2.0 */
#include "thread.h"

#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the thread may use of its stack; touched beforehand so that it never faults later. */
enum { STACK_TOUCHED = 32 * 1024 };

static bool may_lock_anything(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
  struct rlimit limit;

  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY)
    return true;
  memset(data, 0, sizeof(data));
  return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & (1U << CAP_IPC_LOCK)) != 0;
}

static int lock_memory(const THR_Area *areas, size_t count, int32_t *locked_all) {
  int error = 0;

  /* With a limit on locked memory, MCL_FUTURE would make later allocations of the whole program fail. */
  *locked_all = may_lock_anything() && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
  /* Unlike MCL_ONFAULT this brings every page in. */
  for (size_t i = 0; i < count; i++) {
    if (mlock(areas[i].start, areas[i].size) != 0)
      error = errno;
  }
  return *locked_all ? 0 : error;
}

static void touch_stack(void) {
  volatile unsigned char room[STACK_TOUCHED];

  for (size_t i = 0; i < sizeof(room); i += 1024)
    room[i] = 0;
  (void)room[0];
}

void THR_Apply(const LOP_ThreadConfig *config, const THR_Area *areas, size_t count, LOP_ThreadReport *report) {
  memset(report, 0, sizeof(*report));
  if (config->lock_memory)
    report->memory_error = lock_memory(areas, count, &report->locked_all);
  touch_stack();
  if (config->cpu >= 0) {
    cpu_set_t set;

    CPU_ZERO(&set);
    if (config->cpu < CPU_SETSIZE)
      CPU_SET((size_t)config->cpu, &set);
    report->cpu_error = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
  }
  if (config->fifo_priority > 0) {
    struct sched_param parameters = {.sched_priority = config->fifo_priority};

    report->fifo_error = pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters);
  }
}
