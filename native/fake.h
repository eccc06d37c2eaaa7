/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_FAKE_H
#define PGOOD_FAKE_H

#include "engine.h"

/* Ports without a world behind them: the engine alone under a clock that the caller sets. For tests and for trying out
   a configuration; one thread. cffi gets this text too. */

enum { FAK_LOG = 4096 };

typedef struct {
  int64_t time_ns;
  uint32_t output;
  int32_t active;
} FAK_Write;

typedef struct {
  ENG *engine;
  /* What the clock shows at the next write; each write takes write_ns. */
  int64_t clock_ns;
  int64_t write_ns;
  int32_t levels[ENG_MAX_INPUTS];
  int32_t read_errors[ENG_MAX_INPUTS];
  int32_t outputs[ENG_MAX_OUTPUTS];
  int32_t write_errors[ENG_MAX_OUTPUTS];
  /* Nonzero: writes of this output end when FAK_EndWrite() says so. */
  int32_t slow[ENG_MAX_OUTPUTS];
  int32_t pending[ENG_MAX_OUTPUTS];
  uint32_t write_count;
  uint32_t event_count;
  FAK_Write writes[FAK_LOG];
  ENG_Event events[FAK_LOG];
} FAK;

FAK *FAK_Create(void);
void FAK_Destroy(FAK *fake);
/* Ends the pending write of a slow output with 0 or -errno. */
void FAK_EndWrite(FAK *fake, unsigned output, int error, int64_t now_ns);

#endif
