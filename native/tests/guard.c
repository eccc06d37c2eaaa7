/* SPDX-License-Identifier: Apache-2.0 */
/* The guard with pipes in the place of lines: what it would write to the chip arrives here as a byte. */

#include <sys/ioctl.h>
#include <unistd.h>

static int pipe_ioctl(int fd, unsigned long request, const void *values);

#define ioctl(fd, request, values) pipe_ioctl(fd, request, values)
#include "../guard.c"
#undef ioctl

#include <stdio.h>
#include <sys/un.h>
#include <time.h>

#include "test.h"

static char path[64];

static int pipe_ioctl(int fd, unsigned long request, const void *values) {
  const struct gpio_v2_line_values *line = values;
  const char level = (line->bits & 1) ? '1' : '0';

  return request == GPIO_V2_LINE_SET_VALUES_IOCTL && line->mask == 1 && write(fd, &level, 1) == 1 ? 0 : -1;
}

static int64_t now_ns(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static bool readable(int fd, int timeout_ms) {
  struct pollfd watched = {.fd = fd, .events = POLLIN};

  return poll(&watched, 1, timeout_ms) == 1;
}

static struct sockaddr_un address(void) {
  struct sockaddr_un result = {.sun_family = AF_UNIX};

  memcpy(result.sun_path, path, strlen(path) + 1);
  return result;
}

static int listen_there(void) {
  struct sockaddr_un where = address();
  int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

  unlink(path);
  CHECK(bind(listener, (struct sockaddr *)&where, sizeof(where)) == 0);
  CHECK(listen(listener, 4) == 0);
  return listener;
}

static int connect_there(void) {
  struct sockaddr_un where = address();
  int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

  CHECK(connect(connection, (struct sockaddr *)&where, sizeof(where)) == 0);
  return connection;
}

static int start(const int lines[2]) {
  GRD_Line guarded[2] = {{.key = "chip:1"}, {.key = "chip:2"}};
  int listener = listen_there(), tie;
  int32_t pid = 0;

  guarded[0].fd = lines[0];
  guarded[1].fd = lines[1];
  tie = GRD_Start(guarded, 2, listener, path, &pid);
  CHECK(tie >= 0 && kill(pid, 0) == 0);
  close(listener);
  return tie;
}

/* Takes both lines over, as the next agent does. */
static void take_both(GRD_Line taken[static GRD_MAX_LINES]) {
  int connection = connect_there();

  CHECK(GRD_TakeOver(connection, taken, GRD_MAX_LINES, 2000) == 2);
  close(connection);
}

static void test_writes_idle_when_the_tie_closes(void) {
  GRD_Line taken[GRD_MAX_LINES];
  int line[2], other[2], tie;
  int64_t closed_ns;
  char level = 0;

  CHECK(pipe(line) == 0 && pipe(other) == 0);
  tie = start((int[]){line[1], other[1]});
  CHECK(!readable(line[0], 50));
  closed_ns = now_ns();
  close(tie);
  CHECK(readable(line[0], 1000));
  CHECK(now_ns() - closed_ns < 10 * MS);
  CHECK(read(line[0], &level, 1) == 1 && level == '0');
  CHECK(readable(other[0], 1000));
  /* The guard keeps its copy: our end gone, the pipe has a writer still. */
  close(line[1]);
  CHECK(!readable(line[0], 50));

  take_both(taken);
  CHECK(strcmp(taken[0].key, "chip:1") == 0 && strcmp(taken[1].key, "chip:2") == 0);
  CHECK(access(path, F_OK) != 0);
  CHECK(write(taken[0].fd, "x", 1) == 1 && read(line[0], &level, 1) == 1 && level == 'x');
  /* No second writer: the old guard has let go. */
  close(taken[0].fd);
  CHECK(readable(line[0], 2000) && read(line[0], &level, 1) == 0);
  close(taken[1].fd);
  close(line[0]);
  close(other[0]);
  close(other[1]);
}

static void test_refuses_while_the_agent_lives(void) {
  GRD_Line taken[GRD_MAX_LINES];
  int line[2], tie, connection;

  CHECK(pipe(line) == 0);
  tie = start((int[]){line[1], line[1]});
  connection = connect_there();
  CHECK(GRD_TakeOver(connection, taken, GRD_MAX_LINES, 2000) == -EBUSY);
  close(connection);
  CHECK(GRD_Dismiss(tie, 2000) == 0);
  CHECK(readable(line[0], 1000));
  CHECK(access(path, F_OK) != 0);
  close(tie);
  close(line[0]);
  close(line[1]);
}

/* An agent that dies while a child of it holds the tie open by accident. */
static void test_notices_death_behind_an_inherited_tie(void) {
  GRD_Line taken[GRD_MAX_LINES];
  int line[2], ready[2];
  char byte;
  pid_t agent;

  CHECK(pipe(line) == 0 && pipe(ready) == 0);
  agent = fork();
  CHECK(agent >= 0);
  if (agent == 0) {
    pid_t child;

    (void)start((int[]){line[1], line[1]});
    child = fork();
    if (child == 0) {
      close(line[0]);
      close(line[1]);
      sleep(2);
      _exit(0);
    }
    CHECK(write(ready[1], "r", 1) == 1);
    pause();
  }
  CHECK(read(ready[0], &byte, 1) == 1);
  kill(agent, SIGKILL);
  CHECK(readable(line[0], 1000));
  waitpid(agent, NULL, 0);
  take_both(taken);
  close(taken[0].fd);
  close(taken[1].fd);
  close(line[0]);
  close(line[1]);
  close(ready[0]);
  close(ready[1]);
}

/* A client that takes the packet and dies is not the next agent: the lines stay here. */
static void test_keeps_lines_without_acknowledgement(void) {
  GRD_Line taken[GRD_MAX_LINES];
  int line[2], tie, connection;

  CHECK(pipe(line) == 0);
  tie = start((int[]){line[1], line[1]});
  close(tie);
  CHECK(readable(line[0], 1000));
  connection = connect_there();
  CHECK(readable(connection, 1000));
  close(connection);
  take_both(taken);
  close(taken[0].fd);
  close(taken[1].fd);
  close(line[0]);
  close(line[1]);
}

static void test_bad_arguments(void) {
  static GRD_Line lines[1] = {{.key = "x", .fd = 9999}};
  char long_path[200];
  int listener = listen_there();
  int32_t pid;

  CHECK(GRD_Start(lines, 1, listener, path, &pid) == -EBADF);
  CHECK(GRD_Start(lines, GRD_MAX_LINES + 1, listener, path, &pid) == -EINVAL);
  memset(long_path, 'x', sizeof(long_path) - 1);
  long_path[sizeof(long_path) - 1] = '\0';
  CHECK(GRD_Start(lines, 0, listener, long_path, &pid) == -EINVAL);
  close(listener);
  unlink(path);
}

int main(void) {
  snprintf(path, sizeof(path), "/tmp/pgood-guard-%d", getpid());
  test_writes_idle_when_the_tie_closes();
  test_refuses_while_the_agent_lives();
  test_notices_death_behind_an_inherited_tie();
  test_keeps_lines_without_acknowledgement();
  test_bad_arguments();
  puts("guard: ok");
  return 0;
}
