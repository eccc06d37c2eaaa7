/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_SLOW_H
#define PGOOD_SLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "backend.h"

/* A thread for one chip whose lines sleep when they are used (expanders on I2C or USB). The engine's thread hands it
   writes and takes what was done; neither ever waits for the other. */

typedef struct SLW_Slow SLW;

typedef struct {
  bool is_output;
  bool active;
  unsigned line;
  int error;
  int64_t time_ns;
} SLW_Done;

/* `wake_fd`: the eventfd that wakes the engine's thread. */
SLW *SLW_Create(int wake_fd);
void SLW_Destroy(SLW *slow);
void SLW_AddOutput(SLW *slow, unsigned output, BKD_Line *line);
/* poll_ns == 0: the line has edges, and is read once a second all the same. */
void SLW_AddInput(SLW *slow, unsigned input, BKD_Line *line, int64_t poll_ns);
int SLW_Start(SLW *slow);
/* Writes what is still to be written, then ends the thread. Idempotent. */
void SLW_Stop(SLW *slow);

/* Engine's thread: ENG_WRITE_PENDING, or -EAGAIN when the chip does not keep up at all. */
int SLW_Write(SLW *slow, unsigned output, bool active);
/* The level that was read last; never touches the chip. */
int SLW_Read(SLW *slow, unsigned input, bool *active);
/* An edge has told the level before the chip was read. */
void SLW_Note(SLW *slow, unsigned input, bool active);
bool SLW_TakeDone(SLW *slow, SLW_Done *done);

#endif
