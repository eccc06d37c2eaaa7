/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_THREAD_H
#define PGOOD_THREAD_H

#include <stddef.h>

#include "core.h"

/* Memory that must never fault once the thread runs. */
typedef struct {
  void *start;
  size_t size;
} THR_Area;

/* Real-time dress of the calling thread. Each piece is optional: what cannot be had is reported, never a failure. */
void THR_Apply(const LOP_ThreadConfig *config, const THR_Area *areas, size_t count, LOP_ThreadReport *report);

#endif
