/* SPDX-License-Identifier: Apache-2.0 */
/* The guard: a process that holds copies of the outputs and one end of a socket pair, the tie. When the agent dies in
   whatever way, the tie closes, and the guard writes idle to the momentary ones; it never writes a maintained one. It keeps
   the lines until the next agent takes them; dismissed, it stays for the sake of maintained lines only.
   Everything after fork() uses async-signal-safe functions only, so that a new guard can be started at any time. */

#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard_wire.h"

enum {
  IDLE_RETRY_MS = 10,
  START_TIMEOUT_MS = 2000,
  ACKNOWLEDGE_TIMEOUT_MS = 2000,
  PATH_SIZE = 128,
  FIRST_FREE_FD = 3,
  HIGHEST_FD = 65536
};

typedef struct {
  GRD_Line lines[GRD_MAX_LINES];
  bool idle[GRD_MAX_LINES];
  uint32_t count;
  int tie, listener, agent;
  bool agent_alive;
  char path[PATH_SIZE];
} Guard;

/* Too large for a small stack; the guard has it for itself after the fork. */
static Guard guard;
static Handover handover;

static bool write_idle(int fd) {
  struct gpio_v2_line_values values = {.bits = 0, .mask = 1};

  return ioctl(fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &values) == 0;
}

/* Whether every line is idle now. */
static bool idle_all(void) {
  bool all = true;

  for (uint32_t i = 0; i < guard.count; i++) {
    if (!guard.idle[i] && !guard.lines[i].maintained)
      guard.idle[i] = write_idle(guard.lines[i].fd);
    all = all && (guard.idle[i] || guard.lines[i].maintained);
  }
  return all;
}

static void leave(void) {
  if (guard.path[0] != '\0')
    unlink(guard.path);
  _exit(0);
}

static void agent_died(void) {
  guard.agent_alive = false;
  (void)idle_all();
}

static bool has_maintained(void) {
  for (uint32_t i = 0; i < guard.count; i++) {
    if (guard.lines[i].maintained)
      return true;
  }
  return false;
}

static void hear_tie(void) {
  char word = 0;
  ssize_t got = read(guard.tie, &word, 1);

  if (got == 1 && word == WORD_DISMISS) {
    (void)idle_all();
    if (!has_maintained())
      leave();
    /* Some kernels let a line go when its last descriptor is closed: a rail must not fall between two agents. */
    got = 0;
  }
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
    close(guard.tie);
    guard.tie = -1;
    agent_died();
  }
}

static bool is_trusted(int connection) {
  struct ucred peer;
  socklen_t size = sizeof(peer);

  return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == geteuid());
}

static bool send_lines(int connection) {
  static Rights rights;
  size_t size = offsetof(Handover, keys) + guard.count * sizeof(handover.keys[0]);
  struct iovec part = {.iov_base = &handover, .iov_len = size};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  int fds[GRD_MAX_LINES];

  handover = (Handover){.status = STATUS_LINES, .count = guard.count};
  for (uint32_t i = 0; i < guard.count; i++) {
    memcpy(handover.keys[i], guard.lines[i].key, GRD_KEY_SIZE);
    fds[i] = guard.lines[i].fd;
  }
  if (guard.count > 0) {
    message.msg_control = rights.room;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * guard.count);
    rights.header.cmsg_level = SOL_SOCKET;
    rights.header.cmsg_type = SCM_RIGHTS;
    rights.header.cmsg_len = CMSG_LEN(sizeof(int) * guard.count);
    memcpy(CMSG_DATA(&rights.header), fds, sizeof(int) * guard.count);
  }
  return sendmsg(connection, &message, MSG_NOSIGNAL) == (ssize_t)size;
}

static void hear_rendezvous(void) {
  int connection = accept4(guard.listener, NULL, NULL, SOCK_CLOEXEC);
  struct pollfd answer = {.fd = connection, .events = POLLIN};
  const uint32_t alive[2] = {STATUS_AGENT_ALIVE, 0};
  char word = 0;

  if (connection < 0)
    return;
  if (!is_trusted(connection)) {
    close(connection);
    return;
  }
  if (guard.agent_alive) {
    (void)send(connection, alive, sizeof(alive), MSG_NOSIGNAL | MSG_DONTWAIT);
  } else if (send_lines(connection) && poll(&answer, 1, ACKNOWLEDGE_TIMEOUT_MS) == 1 && read(connection, &word, 1) == 1 &&
             word == WORD_ACKNOWLEDGE) {
    /* The path must be free before the next agent hears that we are gone. */
    leave();
  }
  close(connection);
}

static void stand_guard(void) {
  for (;;) {
    struct pollfd watched[] = {
        {.fd = guard.tie, .events = POLLIN},
        {.fd = guard.agent, .events = POLLIN},
        {.fd = guard.listener, .events = POLLIN},
    };
    bool restless = !guard.agent_alive && !idle_all();

    if (poll(watched, 3, restless ? IDLE_RETRY_MS : -1) < 0)
      continue;
    if (watched[0].revents != 0)
      hear_tie();
    if (watched[1].revents != 0) {
      close(guard.agent);
      guard.agent = -1;
      agent_died();
    }
    if (watched[2].revents != 0)
      hear_rendezvous();
  }
}

static bool is_kept(int fd) {
  if (fd == guard.tie || fd == guard.listener || fd == guard.agent)
    return true;
  for (uint32_t i = 0; i < guard.count; i++) {
    if (fd == guard.lines[i].fd)
      return true;
  }
  return false;
}

static int highest_kept(void) {
  int highest = guard.tie > guard.listener ? guard.tie : guard.listener;

  if (guard.agent > highest)
    highest = guard.agent;
  for (uint32_t i = 0; i < guard.count; i++) {
    if (guard.lines[i].fd > highest)
      highest = guard.lines[i].fd;
  }
  return highest;
}

static bool move_up(int *fd) {
  *fd = fcntl(*fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
  return *fd >= 0;
}

/* Leaves open what the guard needs and nothing else: it must not keep alive what belonged to the agent. */
static bool close_others(void) {
  int highest, null_fd;

  if (!move_up(&guard.tie) || !move_up(&guard.listener) || (guard.agent >= 0 && !move_up(&guard.agent)))
    return false;
  for (uint32_t i = 0; i < guard.count; i++) {
    if (!move_up(&guard.lines[i].fd))
      return false;
  }
  highest = highest_kept();
  for (int fd = 0; fd < highest; fd++) {
    if (!is_kept(fd))
      close(fd);
  }
#ifdef SYS_close_range
  if (syscall(SYS_close_range, (unsigned)highest + 1, ~0U, 0U) != 0)
#endif
    for (int fd = highest + 1; fd < HIGHEST_FD; fd++)
      close(fd);
  null_fd = open("/dev/null", O_RDWR);
  return null_fd == 0 && dup(0) == 1 && dup(0) == 2;
}

static void reset_signals(void) {
  static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGTSTP};
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigset_t none;

  for (int number = 1; number < NSIG; number++)
    sigaction(number, &action, NULL);
  action.sa_handler = SIG_IGN;
  for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
    sigaction(ignored[i], &action, NULL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Out of memory is one of the deaths that the guard is there for. Needs privileges; without them it stays as it is. */
static void survive_memory_shortage(void) {
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

  if (fd < 0)
    return;
  if (write(fd, "-1000", 5) < 0)
    errno = 0;
  close(fd);
}

/* The agent may have died because the machine is overloaded. Needs privileges as well. */
static void run_first(void) {
  const struct sched_param parameters = {.sched_priority = 60};

  (void)sched_setscheduler(0, SCHED_FIFO, &parameters);
}

static void be_guard(void) {
  const int32_t pid = getpid();

  (void)setsid();
  reset_signals();
  (void)prctl(PR_SET_NAME, "pgood-guard", 0, 0, 0);
  if (chdir("/") < 0 || !close_others())
    _exit(1);
  survive_memory_shortage();
  run_first();
  guard.agent_alive = true;
  if (send(guard.tie, &pid, sizeof(pid), MSG_NOSIGNAL) != sizeof(pid))
    agent_died();
  stand_guard();
}

/* The first thing that a guard says is who it is. */
static int await_guard(int fd, int32_t *pid) {
  struct pollfd answer = {.fd = fd, .events = POLLIN};
  int ready;

  do {
    ready = poll(&answer, 1, START_TIMEOUT_MS);
  } while (ready < 0 && errno == EINTR);
  if (ready == 0)
    return -ETIMEDOUT;
  if (ready < 0)
    return -errno;
  return read(fd, pid, sizeof(*pid)) == sizeof(*pid) ? 0 : -ECHILD;
}

static int fork_guard(void) {
  sigset_t all, before;
  pid_t child;
  int status, error = 0;

  /* No handler of Python's may run in the child. */
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  child = fork();
  if (child == 0) {
    /* Twice, so that init reaps the guard and the agent never has a zombie. */
    child = fork();
    if (child == 0)
      be_guard();
    _exit(child < 0 ? 1 : 0);
  }
  if (child < 0)
    error = -errno;
  sigprocmask(SIG_SETMASK, &before, NULL);
  if (child > 0) {
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
      continue;
  }
  return error;
}

int GRD_Start(const GRD_Line *lines, uint32_t count, int listener, const char *path, int32_t *pid) {
  int tie[2], error;

  if (count > GRD_MAX_LINES || strlen(path) >= PATH_SIZE)
    return -EINVAL;
  memset(&guard, 0, sizeof(guard));
  for (uint32_t i = 0; i < count; i++) {
    if (fcntl(lines[i].fd, F_GETFD) < 0)
      return -EBADF;
    guard.lines[i] = lines[i];
  }
  guard.count = count;
  guard.listener = listener;
  memcpy(guard.path, path, strlen(path) + 1);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, tie) < 0)
    return -errno;
  /* A child of the agent may hold the agent's end of the tie open by accident; the pidfd tells of its death even so. */
  guard.agent = (int)syscall(SYS_pidfd_open, getpid(), 0);
  guard.tie = tie[1];
  error = fork_guard();
  close(tie[1]);
  if (guard.agent >= 0)
    close(guard.agent);
  if (error == 0)
    error = await_guard(tie[0], pid);
  if (error != 0) {
    close(tie[0]);
    return error;
  }
  return tie[0];
}
