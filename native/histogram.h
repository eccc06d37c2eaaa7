/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_HISTOGRAM_H
#define PGOOD_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#include "core.h"

/* Log-linear histogram of delays: 8 buckets per octave (12 % wide), 0 ns to beyond an hour.
   Threads: one writer, any number of readers. */

enum { HST_BUCKETS = 8 * 44 };

typedef struct {
  _Atomic uint64_t buckets[HST_BUCKETS];
  _Atomic int64_t max_ns;
} HST_Histogram;

void HST_Add(HST_Histogram *histogram, int64_t delay_ns);
/* Percentiles are the upper ends of their buckets, never above the maximum. */
void HST_Summarise(HST_Histogram *histogram, HST_Summary *summary);
void HST_Reset(HST_Histogram *histogram);

#endif
