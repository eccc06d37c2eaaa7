/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated lines in memory. They behave like the kernel's: edges are stamped when they happen, wait in a bounded
   queue, and carry a sequence number in which lost ones leave a gap. */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"

enum {
  EDGE_QUEUE = 256,
  CHANGE_QUEUE = 4096
};

typedef struct {
  bool active;
  bool output;
  bool open;
  int fd;
  int error;
  uint32_t lose;
  uint32_t seqno;
  uint32_t head, tail;
  BKD_Edge edges[EDGE_QUEUE];
} MemoryLine;

struct MEM_Chip {
  pthread_mutex_t lock;
  /* The owner and every open line: garbage collection may destroy a chip before the engine that uses it. */
  uint32_t users;
  bool gone;
  _Atomic int64_t delay_ns;
  int change_fd;
  uint32_t line_count;
  uint32_t change_head, change_tail;
  MEM_Change changes[CHANGE_QUEUE];
  MemoryLine lines[];
};

static void wake(int fd) {
  /* Fails only when the counter is full, and then the reader is awake anyway. */
  (void)eventfd_write(fd, 1);
}

MEM_Chip *MEM_Create(uint32_t line_count) {
  MEM_Chip *chip = calloc(1, sizeof(*chip) + line_count * sizeof(chip->lines[0]));
  pthread_mutexattr_t attributes;

  if (chip == NULL)
    return NULL;
  chip->line_count = line_count;
  chip->users = 1;
  chip->change_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (chip->change_fd < 0) {
    free(chip);
    return NULL;
  }
  /* The simulation may hold the lock while the engine's thread wants it: it inherits the priority. */
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(&chip->lock, &attributes);
  pthread_mutexattr_destroy(&attributes);
  return chip;
}

/* Gives the lock back too. */
static void drop_user(MEM_Chip *chip) {
  bool last = --chip->users == 0;

  pthread_mutex_unlock(&chip->lock);
  if (!last)
    return;
  close(chip->change_fd);
  pthread_mutex_destroy(&chip->lock);
  free(chip);
}

void MEM_Destroy(MEM_Chip *chip) {
  if (chip == NULL)
    return;
  pthread_mutex_lock(&chip->lock);
  drop_user(chip);
}

void MEM_Unplug(MEM_Chip *chip) {
  pthread_mutex_lock(&chip->lock);
  chip->gone = true;
  for (uint32_t i = 0; i < chip->line_count; i++) {
    if (chip->lines[i].open && !chip->lines[i].output)
      wake(chip->lines[i].fd);
  }
  pthread_mutex_unlock(&chip->lock);
}

static void queue_edge(MemoryLine *line, int64_t now_ns) {
  line->seqno++;
  if (line->lose > 0) {
    line->lose--;
    return;
  }
  /* As the kernel does: the oldest edge gives way. */
  if (line->head - line->tail == EDGE_QUEUE)
    line->tail++;
  line->edges[line->head++ % EDGE_QUEUE] = (BKD_Edge){.time_ns = now_ns, .seqno = line->seqno, .active = line->active};
  wake(line->fd);
}

static void queue_change(MEM_Chip *chip, uint32_t index, int64_t now_ns) {
  if (chip->change_head - chip->change_tail == CHANGE_QUEUE)
    chip->change_tail++;
  chip->changes[chip->change_head++ % CHANGE_QUEUE] =
      (MEM_Change){.time_ns = now_ns, .index = index, .active = chip->lines[index].active};
  wake(chip->change_fd);
}

int MEM_Drive(MEM_Chip *chip, uint32_t index, int active) {
  MemoryLine *line;
  int error = 0;

  if (index >= chip->line_count)
    return -EINVAL;
  pthread_mutex_lock(&chip->lock);
  line = &chip->lines[index];
  if (chip->gone) {
    error = -ENODEV;
  } else if (line->open && line->output) {
    error = -EBUSY;
  } else if (line->active != (active != 0)) {
    line->active = active != 0;
    if (line->open)
      queue_edge(line, BKD_Now());
  }
  pthread_mutex_unlock(&chip->lock);
  return error;
}

int MEM_Level(MEM_Chip *chip, uint32_t index) {
  int level;

  if (index >= chip->line_count)
    return -EINVAL;
  pthread_mutex_lock(&chip->lock);
  level = chip->lines[index].active;
  pthread_mutex_unlock(&chip->lock);
  return level;
}

int MEM_ChangeFd(const MEM_Chip *chip) { return chip->change_fd; }

int MEM_TakeChanges(MEM_Chip *chip, MEM_Change *changes, uint32_t capacity) {
  eventfd_t ignored;
  int taken = 0;

  pthread_mutex_lock(&chip->lock);
  while ((uint32_t)taken < capacity && chip->change_tail != chip->change_head)
    changes[taken++] = chip->changes[chip->change_tail++ % CHANGE_QUEUE];
  if (chip->change_tail == chip->change_head)
    (void)eventfd_read(chip->change_fd, &ignored);
  pthread_mutex_unlock(&chip->lock);
  return taken;
}

int MEM_LoseEdges(MEM_Chip *chip, uint32_t index, uint32_t count) {
  if (index >= chip->line_count)
    return -EINVAL;
  pthread_mutex_lock(&chip->lock);
  chip->lines[index].lose = count;
  pthread_mutex_unlock(&chip->lock);
  return 0;
}

int MEM_FailWith(MEM_Chip *chip, uint32_t index, int error) {
  if (index >= chip->line_count)
    return -EINVAL;
  pthread_mutex_lock(&chip->lock);
  chip->lines[index].error = error;
  pthread_mutex_unlock(&chip->lock);
  return 0;
}

void MEM_Delay(MEM_Chip *chip, int64_t delay_ns) { atomic_store(&chip->delay_ns, delay_ns); }

/* Before the lock: a slow chip delays whoever uses it, not the world around it. */
static void take_time(const BKD_Line *handle) {
  int64_t delay_ns = atomic_load_explicit(&handle->chip->delay_ns, memory_order_relaxed);
  struct timespec delay = {.tv_sec = (time_t)(delay_ns / 1000000000), .tv_nsec = (long)(delay_ns % 1000000000)};

  if (delay_ns > 0)
    (void)nanosleep(&delay, NULL);
}

static int state_error(const BKD_Line *handle) {
  return handle->chip->gone ? -ENODEV : -handle->chip->lines[handle->index].error;
}

static int memory_write(BKD_Line *handle, bool active, int64_t *stamp_ns) {
  MEM_Chip *chip = handle->chip;
  MemoryLine *line = &chip->lines[handle->index];
  int error;

  take_time(handle);
  pthread_mutex_lock(&chip->lock);
  error = state_error(handle);
  if (error == 0) {
    *stamp_ns = BKD_Now();
    if (line->active != active) {
      line->active = active;
      queue_change(chip, handle->index, *stamp_ns);
    }
  }
  pthread_mutex_unlock(&chip->lock);
  return error;
}

static int memory_read(BKD_Line *handle, bool *active) {
  int error;

  take_time(handle);
  pthread_mutex_lock(&handle->chip->lock);
  error = state_error(handle);
  *active = handle->chip->lines[handle->index].active;
  pthread_mutex_unlock(&handle->chip->lock);
  return error;
}

static int memory_drain(BKD_Line *handle, BKD_Edge *edges, unsigned capacity) {
  MemoryLine *line = &handle->chip->lines[handle->index];
  eventfd_t ignored;
  unsigned taken = 0;
  int error;

  pthread_mutex_lock(&handle->chip->lock);
  error = handle->chip->gone ? -ENODEV : 0;
  while (taken < capacity && line->tail != line->head)
    edges[taken++] = line->edges[line->tail++ % EDGE_QUEUE];
  if (line->tail == line->head)
    (void)eventfd_read(line->fd, &ignored);
  pthread_mutex_unlock(&handle->chip->lock);
  return error != 0 ? error : (int)taken;
}

static void memory_close(BKD_Line *handle) {
  MemoryLine *line = &handle->chip->lines[handle->index];

  pthread_mutex_lock(&handle->chip->lock);
  line->open = false;
  line->head = line->tail = 0;
  if (line->fd >= 0)
    close(line->fd);
  drop_user(handle->chip);
}

static const BKD_Ops memory_ops = {memory_write, memory_read, memory_drain, memory_close};

int MEM_Open(BKD_Line *handle, MEM_Chip *chip, uint32_t index, bool output) {
  MemoryLine *line;
  int error = 0;

  if (index >= chip->line_count)
    return -EINVAL;
  pthread_mutex_lock(&chip->lock);
  line = &chip->lines[index];
  if (chip->gone) {
    error = -ENODEV;
  } else if (line->open) {
    error = -EBUSY;
  } else {
    line->fd = output ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!output && line->fd < 0)
      error = -errno;
  }
  if (error == 0) {
    chip->users++;
    line->open = true;
    line->output = output;
    line->seqno = 0;
    *handle = (BKD_Line){.ops = &memory_ops, .fd = line->fd, .chip = chip, .index = index};
  }
  pthread_mutex_unlock(&chip->lock);
  return error;
}
