/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's side of the guard: to send it away, and to take lines over from the guard of an agent that is gone. */

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "guard_wire.h"

int GRD_Dismiss(int tie, int timeout_ms) {
  struct pollfd gone = {.fd = tie, .events = POLLIN};
  const char word = WORD_DISMISS;
  int ready;

  if (send(tie, &word, 1, MSG_NOSIGNAL) != 1)
    return -errno;
  do {
    ready = poll(&gone, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  return ready == 1 ? 0 : -ETIMEDOUT;
}

static uint32_t take_rights(struct msghdr *message, int fds[static GRD_MAX_LINES]) {
  uint32_t count = 0;

  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
    size_t size = part->cmsg_len - CMSG_LEN(0);

    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS || count > 0)
      continue;
    count = (uint32_t)(size / sizeof(int));
    memcpy(fds, CMSG_DATA(part), count * sizeof(int));
  }
  return count;
}

int GRD_TakeOver(int connection, GRD_Line *lines, uint32_t capacity, int timeout_ms) {
  static Handover received;
  static Rights rights;
  struct iovec part = {.iov_base = &received, .iov_len = sizeof(received)};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = rights.room, .msg_controllen = sizeof(rights.room)};
  struct pollfd answer = {.fd = connection, .events = POLLIN};
  const char word = WORD_ACKNOWLEDGE;
  int fds[GRD_MAX_LINES];
  uint32_t count;
  ssize_t got;

  if (poll(&answer, 1, timeout_ms) != 1)
    return -ETIMEDOUT;
  got = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
  if (got < 0)
    return -errno;
  count = take_rights(&message, fds);
  if (got >= (ssize_t)sizeof(uint32_t) && received.status == STATUS_AGENT_ALIVE)
    return -EBUSY;
  if (got < (ssize_t)offsetof(Handover, keys) || received.status != STATUS_LINES || received.count != count ||
      (size_t)got != offsetof(Handover, keys) + count * sizeof(received.keys[0]) || count > capacity) {
    for (uint32_t i = 0; i < count; i++)
      close(fds[i]);
    return -EPROTO;
  }
  for (uint32_t i = 0; i < count; i++) {
    memcpy(lines[i].key, received.keys[i], GRD_KEY_SIZE);
    lines[i].key[GRD_KEY_SIZE - 1] = '\0';
    lines[i].fd = fds[i];
  }
  if (send(connection, &word, 1, MSG_NOSIGNAL) != 1)
    return (int)count;
  /* The old guard frees the path, then closes: after this a new guard can be started there. */
  (void)poll(&answer, 1, timeout_ms);
  return (int)count;
}
