/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOOD_THREAD_H
#define PGOOD_THREAD_H

#include <stddef.h>

#include "core.h"

/* Real-time dress of the calling thread. Each piece is optional: what cannot be had is reported, never a failure. */
void THR_Apply(const LOP_ThreadConfig *config, void *memory, size_t memory_size, LOP_ThreadReport *report);

#endif
