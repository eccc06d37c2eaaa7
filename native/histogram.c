/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

enum { SUB_BITS = 3, SUB_COUNT = 1 << SUB_BITS };

static unsigned bucket_of(uint64_t value) {
  unsigned exponent, bucket;

  if (value < SUB_COUNT)
    return (unsigned)value;
  exponent = 63U - (unsigned)__builtin_clzll(value);
  bucket = (exponent - SUB_BITS + 1) * SUB_COUNT + (unsigned)((value >> (exponent - SUB_BITS)) & (SUB_COUNT - 1));
  return bucket < HST_BUCKETS ? bucket : HST_BUCKETS - 1;
}

/* The largest value that falls into the bucket. */
static int64_t upper_end(unsigned bucket) {
  unsigned shift, mantissa;

  if (bucket < SUB_COUNT)
    return (int64_t)bucket;
  shift = bucket / SUB_COUNT - 1;
  mantissa = SUB_COUNT + bucket % SUB_COUNT;
  return (int64_t)(((uint64_t)mantissa + 1) << shift) - 1;
}

void HST_Add(HST_Histogram *histogram, int64_t delay_ns) {
  uint64_t value = delay_ns > 0 ? (uint64_t)delay_ns : 0;

  atomic_fetch_add_explicit(&histogram->buckets[bucket_of(value)], 1, memory_order_relaxed);
  if ((int64_t)value > atomic_load_explicit(&histogram->max_ns, memory_order_relaxed))
    atomic_store_explicit(&histogram->max_ns, (int64_t)value, memory_order_relaxed);
}

static int64_t percentile(const uint64_t counts[static HST_BUCKETS], uint64_t total, uint64_t per_mille,
                          int64_t max_ns) {
  uint64_t rank = (total * per_mille + 999) / 1000, seen = 0;

  for (unsigned i = 0; i < HST_BUCKETS; i++) {
    seen += counts[i];
    if (seen >= rank)
      return upper_end(i) < max_ns ? upper_end(i) : max_ns;
  }
  return max_ns;
}

void HST_Summarise(HST_Histogram *histogram, HST_Summary *summary) {
  uint64_t counts[HST_BUCKETS], total = 0;

  for (unsigned i = 0; i < HST_BUCKETS; i++) {
    counts[i] = atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
    total += counts[i];
  }
  *summary = (HST_Summary){.count = total};
  if (total == 0)
    return;
  summary->max_ns = atomic_load_explicit(&histogram->max_ns, memory_order_relaxed);
  summary->p50_ns = percentile(counts, total, 500, summary->max_ns);
  summary->p99_ns = percentile(counts, total, 990, summary->max_ns);
  summary->p999_ns = percentile(counts, total, 999, summary->max_ns);
}

void HST_Reset(HST_Histogram *histogram) {
  for (unsigned i = 0; i < HST_BUCKETS; i++)
    atomic_store_explicit(&histogram->buckets[i], 0, memory_order_relaxed);
  atomic_store_explicit(&histogram->max_ns, 0, memory_order_relaxed);
}
