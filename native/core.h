/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_CORE_H
#define PGOOD_CORE_H

#include <stdbool.h>

#include "engine_types.h"

/* Everything that Python calls. Like engine_types.h this text also goes to cffi, without the lines that begin with a
   number sign. Functions that can fail return 0 (or a count or index) or -errno unless they say otherwise. */

typedef struct {
  uint64_t count;
  int64_t p50_ns;
  int64_t p99_ns;
  int64_t p999_ns;
  int64_t max_ns;
} HST_Summary;

/* Memory chip: simulated lines. Any thread may call anything but MEM_Destroy(). */
typedef struct MEM_Chip MEM_Chip;

typedef struct {
  int64_t time_ns;
  uint32_t index;
  int32_t active;
} MEM_Change;

MEM_Chip *MEM_Create(uint32_t line_count);
void MEM_Destroy(MEM_Chip *chip);
/* From now on every use of a line fails with -ENODEV, as when a real chip is pulled out. */
void MEM_Unplug(MEM_Chip *chip);
/* -EBUSY when the line is an output of an engine. */
int MEM_Drive(MEM_Chip *chip, uint32_t index, int active);
int MEM_Level(MEM_Chip *chip, uint32_t index);
int MEM_ChangeFd(const MEM_Chip *chip);
int MEM_TakeChanges(MEM_Chip *chip, MEM_Change *changes, uint32_t capacity);
/* Tests: drops the next `count` edges of a line on their way, and makes its writes and reads fail with `error`. */
int MEM_LoseEdges(MEM_Chip *chip, uint32_t index, uint32_t count);
int MEM_FailWith(MEM_Chip *chip, uint32_t index, int error);
/* Tests: every read and write of the chip takes this long. */
void MEM_Delay(MEM_Chip *chip, int64_t delay_ns);

/* Loop: one engine on its own thread. Configuration and LOP_Start()/LOP_Close() belong to one thread; the rest may be
   called from any thread in between, LOP_TakeEvents() from one at a time. */
typedef struct LOP_Loop LOP;

enum { LOP_MAX_SLOW = 8 };

/* chip == NULL: `fd` is the descriptor of a GPIO v2 request of one line. slow_group: 0, or 1 to LOP_MAX_SLOW for lines
   that share the thread of a slow chip. A line that is measured to be slow gets one without being asked. */
typedef struct {
  int32_t slow_group;
  int fd;
  MEM_Chip *chip;
  uint32_t index;
} LOP_Source;

/* Negative priority or cpu: leave as it is. */
typedef struct {
  int32_t fifo_priority;
  int32_t cpu;
  int32_t lock_memory;
} LOP_ThreadConfig;

/* 0: had or not asked for; else errno. locked_all: the whole process, else the engine's own memory only. */
typedef struct {
  int32_t fifo_error;
  int32_t cpu_error;
  int32_t memory_error;
  int32_t locked_all;
} LOP_ThreadReport;

typedef struct {
  HST_Summary lateness;
  HST_Summary edge_to_action;
  HST_Summary write;
  uint64_t wakeups;
  int64_t since_ns;
  int64_t now_ns;
  uint64_t events_lost;
  uint32_t ring_high_water;
  uint32_t ring_capacity;
} LOP_Statistics;

LOP *LOP_Create(void);
/* Closes first if need be. */
void LOP_Destroy(LOP *loop);
/* The index of the line or -errno; ENOSPC: capacity, EINVAL: a value. */
int LOP_AddOutput(LOP *loop, const LOP_Source *source, const ENG_OutputConfig *config);
int LOP_AddInput(LOP *loop, const LOP_Source *source, const ENG_InputConfig *config);
/* ENOENT: a line that is not there; EINVAL: a value; ENOSPC: capacity; EEXIST: contradicts another rule. */
int LOP_AddRule(LOP *loop, const ENG_RuleConfig *config);
int LOP_AddSequence(LOP *loop, const ENG_SequenceConfig *config);
int LOP_AddWatch(LOP *loop, const ENG_WatchConfig *config);
int LOP_Start(LOP *loop, const LOP_ThreadConfig *config, LOP_ThreadReport *report);
void LOP_Close(LOP *loop);
/* -EBUSY: the line has an order; -EAGAIN: too many orders wait; -ESHUTDOWN: not running. */
int LOP_Submit(LOP *loop, const ENG_Order *order);
/* Wakes the thread for nothing; how often it has woken before. A living thread has woken again by the next call. */
uint64_t LOP_Nudge(LOP *loop);
int LOP_EventFd(const LOP *loop);
uint32_t LOP_TakeEvents(LOP *loop, ENG_Event *events, uint32_t capacity);
void LOP_GetInput(LOP *loop, uint32_t index, ENG_InputState *state);
int LOP_GetOutput(LOP *loop, uint32_t index);
/* The token of the order that occupies the output, or 0. */
uint64_t LOP_GetClaim(LOP *loop, uint32_t index);
void LOP_GetStatistics(LOP *loop, LOP_Statistics *statistics);
void LOP_ResetStatistics(LOP *loop);

/* Guard: a process of its own that returns momentary lines to idle when the agent dies, and keeps maintained ones. */
enum { GRD_MAX_LINES = 128, GRD_KEY_SIZE = 96 };

typedef struct {
  char key[GRD_KEY_SIZE];
  int32_t fd;
  bool maintained;
} GRD_Line;

/* Forks. Returns the descriptor of the tie to the guard (readable when the guard is gone) or -errno, and the guard's
   process id. `listener` is a listening unix socket; the guard keeps its own copy. One caller at a time. */
int GRD_Start(const GRD_Line *lines, uint32_t count, int listener, const char *path, int32_t *pid);
/* Asks the guard at the other end of the tie to write idle, to close its lines and to end; waits for it. With
   maintained lines it stays, as after the agent's death. */
int GRD_Dismiss(int tie, int timeout_ms);
/* Takes the lines over from the guard behind a connected socket: the count of lines, -EBUSY while its agent lives. */
int GRD_TakeOver(int connection, GRD_Line *lines, uint32_t capacity, int timeout_ms);

#endif
