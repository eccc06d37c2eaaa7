/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_TEST_H
#define PGOOD_TEST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A test is a program that includes the file that it tests. It says what it checked and exits 0, or aborts. */

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);   \
      abort();                                                                  \
    }                                                                           \
  } while (0)

#define MS INT64_C(1000000)

/* xorshift: the same on every machine. */
static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static inline uint64_t random_below(uint64_t limit) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state % limit;
}

#endif
