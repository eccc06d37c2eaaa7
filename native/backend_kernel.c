/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the GPIO character device, uAPI v2 (Linux 5.10): ioctls on the descriptor of a request of one line. */

#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backend.h"

/* One read; the kernel's own queue of one line holds 16 unless the request asks for more. */
enum { READ_EVENTS = 32 };

static int kernel_write(BKD_Line *line, bool active, int64_t *stamp_ns) {
  struct gpio_v2_line_values values = {.bits = active, .mask = 1};

  if (ioctl(line->fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &values) < 0)
    return -errno;
  *stamp_ns = BKD_Now();
  return 0;
}

static int kernel_read(BKD_Line *line, bool *active) {
  struct gpio_v2_line_values values = {.bits = 0, .mask = 1};

  if (ioctl(line->fd, GPIO_V2_LINE_GET_VALUES_IOCTL, &values) < 0)
    return -errno;
  *active = (values.bits & 1) != 0;
  return 0;
}

static int kernel_drain(BKD_Line *line, BKD_Edge *edges, unsigned capacity) {
  struct gpio_v2_line_event events[READ_EVENTS];
  size_t wanted = (capacity < READ_EVENTS ? capacity : READ_EVENTS) * sizeof(events[0]);
  ssize_t got = read(line->fd, events, wanted);
  int count;

  if (got < 0)
    return errno == EAGAIN || errno == EINTR ? 0 : -errno;
  if (got == 0)
    return -ENODEV;
  count = (int)((size_t)got / sizeof(events[0]));
  for (int i = 0; i < count; i++) {
    edges[i].time_ns = (int64_t)events[i].timestamp_ns;
    edges[i].seqno = events[i].line_seqno;
    edges[i].active = events[i].id == GPIO_V2_LINE_EVENT_RISING_EDGE;
  }
  return count;
}

static void kernel_close(BKD_Line *line) { close(line->fd); }

static const BKD_Ops kernel_ops = {kernel_write, kernel_read, kernel_drain, kernel_close};

int KRN_Open(BKD_Line *line, int fd, bool output) {
  bool active;
  int flags, error;

  *line = (BKD_Line){.ops = &kernel_ops, .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)};
  if (line->fd < 0)
    return -errno;
  error = kernel_read(line, &active);
  if (error == 0 && !output) {
    /* A thread that meets its deadlines cannot wait in read(). The flag belongs to the request, not to the duplicate:
       whoever requested the line must leave its edges to us. */
    flags = fcntl(line->fd, F_GETFL);
    if (flags < 0 || fcntl(line->fd, F_SETFL, flags | O_NONBLOCK) < 0)
      error = -errno;
  }
  if (error != 0)
    close(line->fd);
  return error;
}
