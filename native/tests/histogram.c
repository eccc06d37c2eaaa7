/* SPDX-License-Identifier: Apache-2.0 */
#include "../histogram.c"

#include "test.h"

static void test_buckets(void) {
  unsigned previous = 0;

  CHECK(bucket_of(0) == 0);
  CHECK(bucket_of(UINT64_MAX) == HST_BUCKETS - 1);
  for (uint64_t value = 0; value < 1 << 20; value++) {
    unsigned bucket = bucket_of(value);

    CHECK(bucket == previous || bucket == previous + 1);
    CHECK((int64_t)value <= upper_end(bucket));
    CHECK(bucket == 0 || (int64_t)value > upper_end(bucket - 1));
    previous = bucket;
  }
  /* Every bucket that is in use is at most an eighth wide. */
  for (unsigned i = SUB_COUNT; i < HST_BUCKETS; i++)
    CHECK((upper_end(i) - upper_end(i - 1)) * 8 <= upper_end(i - 1) + 1);
}

static int compare(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

  return x < y ? -1 : x > y;
}

static void test_percentiles_against_sorted_values(void) {
  enum { COUNT = 5000 };
  static HST_Histogram histogram;
  static int64_t values[COUNT];

  for (int round = 0; round < 50; round++) {
    HST_Summary summary;
    int64_t exact_ns;

    HST_Reset(&histogram);
    for (int i = 0; i < COUNT; i++) {
      values[i] = (int64_t)random_below(UINT64_C(1) << (1 + random_below(40)));
      HST_Add(&histogram, values[i]);
    }
    qsort(values, COUNT, sizeof(values[0]), compare);
    HST_Summarise(&histogram, &summary);
    CHECK(summary.count == COUNT);
    CHECK(summary.max_ns == values[COUNT - 1]);
    exact_ns = values[COUNT * 99 / 100 - 1];
    CHECK(summary.p99_ns >= exact_ns && summary.p99_ns <= exact_ns + exact_ns / 8 + 1);
    exact_ns = values[COUNT / 2 - 1];
    CHECK(summary.p50_ns >= exact_ns && summary.p50_ns <= exact_ns + exact_ns / 8 + 1);
  }
}

static void test_negative_and_empty(void) {
  static HST_Histogram histogram;
  HST_Summary summary;

  HST_Summarise(&histogram, &summary);
  CHECK(summary.count == 0 && summary.p999_ns == 0);
  HST_Add(&histogram, -5);
  HST_Summarise(&histogram, &summary);
  CHECK(summary.count == 1 && summary.max_ns == 0);
}

int main(void) {
  test_buckets();
  test_percentiles_against_sorted_values();
  test_negative_and_empty();
  puts("histogram: ok");
  return 0;
}
