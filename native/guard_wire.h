/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_GUARD_WIRE_H
#define PGOOD_GUARD_WIRE_H

#include <sys/socket.h>

#include "core.h"

/* What a guard and the agents before and after it say to each other. */

/* Words on the tie and on the rendezvous socket. */
enum { WORD_DISMISS = 'D', WORD_ACKNOWLEDGE = 'K' };

enum { STATUS_AGENT_ALIVE = 1, STATUS_LINES = 2 };

/* One packet; as many keys as lines follow. */
typedef struct {
  uint32_t status;
  uint32_t count;
  char keys[GRD_MAX_LINES][GRD_KEY_SIZE];
} Handover;

typedef union {
  struct cmsghdr header;
  char room[CMSG_SPACE(sizeof(int) * GRD_MAX_LINES)];
} Rights;

#endif
