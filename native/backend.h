/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_BACKEND_H
#define PGOOD_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "core.h"

/* A line as the loop sees it: kernel or memory behind one table of functions. All return 0 or -errno unless said. */

typedef struct {
  int64_t time_ns;
  /* Counts the edges of this line from 1, including those that were dropped. */
  uint32_t seqno;
  bool active;
} BKD_Edge;

typedef struct BKD_Line BKD_Line;

typedef struct {
  int (*write)(BKD_Line *line, bool active, int64_t *stamp_ns);
  int (*read)(BKD_Line *line, bool *active);
  /* Takes waiting edges: how many, 0 for none. */
  int (*drain)(BKD_Line *line, BKD_Edge *edges, unsigned capacity);
  void (*close)(BKD_Line *line);
} BKD_Ops;

struct BKD_Line {
  const BKD_Ops *ops;
  /* Readable when edges wait. */
  int fd;
  MEM_Chip *chip;
  uint32_t index;
  uint32_t last_seqno;
};

int64_t BKD_Now(void);
/* `fd` stays with the caller; the line works on a duplicate. */
int KRN_Open(BKD_Line *line, int fd, bool output);
/* -EBUSY when somebody else has the line open. */
int MEM_Open(BKD_Line *line, MEM_Chip *chip, uint32_t index, bool output);

#endif
