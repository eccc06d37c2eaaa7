/* SPDX-License-Identifier: Apache-2.0 */
#include "../slow.c"

#include <sys/eventfd.h>

#include "test.h"

static MEM_Chip *chip;
static BKD_Line output, input;
static int wake_fd;
static SLW *slow;

static void begin(void) {
  chip = MEM_Create(2);
  CHECK(MEM_Open(&output, chip, 0, true) == 0);
  CHECK(MEM_Open(&input, chip, 1, false) == 0);
  wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  slow = SLW_Create(wake_fd);
  SLW_AddOutput(slow, 5, &output);
  SLW_AddInput(slow, 7, &input, MS);
  CHECK(SLW_Start(slow) == 0);
}

static void end(void) {
  SLW_Destroy(slow);
  close(wake_fd);
  output.ops->close(&output);
  input.ops->close(&input);
  MEM_Destroy(chip);
}

static SLW_Done await_done(void) {
  struct pollfd watched = {.fd = wake_fd, .events = POLLIN};
  eventfd_t ignored;
  SLW_Done done;

  while (!SLW_TakeDone(slow, &done)) {
    CHECK(poll(&watched, 1, 2000) == 1);
    (void)eventfd_read(wake_fd, &ignored);
  }
  return done;
}

static void test_writes_never_wait(void) {
  int64_t before_ns;
  SLW_Done done;

  begin();
  MEM_Delay(chip, 30 * MS);
  before_ns = BKD_Now();
  CHECK(SLW_Write(slow, 5, true) == ENG_WRITE_PENDING);
  CHECK(BKD_Now() - before_ns < 30 * MS);
  done = await_done();
  CHECK(done.is_output && done.line == 5 && done.active && done.error == 0);
  CHECK(done.time_ns - before_ns >= 30 * MS);
  CHECK(MEM_Level(chip, 0) == 1);
  MEM_Delay(chip, 0);
  MEM_FailWith(chip, 0, EIO);
  CHECK(SLW_Write(slow, 5, false) == ENG_WRITE_PENDING);
  CHECK(await_done().error == -EIO);
  end();
}

static void test_input_is_polled(void) {
  SLW_Done done;
  bool active = false;

  begin();
  CHECK(SLW_Read(slow, 7, &active) == 0 && !active);
  MEM_Drive(chip, 1, 1);
  done = await_done();
  CHECK(!done.is_output && done.line == 7 && done.active);
  CHECK(SLW_Read(slow, 7, &active) == 0 && active);
  MEM_FailWith(chip, 1, EIO);
  CHECK(await_done().error == -EIO);
  CHECK(SLW_Read(slow, 7, &active) == -EIO);
  MEM_FailWith(chip, 1, 0);
  CHECK(await_done().active);
  end();
}

static void test_stop_writes_what_was_asked(void) {
  SLW_Done done;

  begin();
  MEM_Delay(chip, 5 * MS);
  for (int i = 0; i < 11; i++)
    CHECK(SLW_Write(slow, 5, i % 2 == 0) == ENG_WRITE_PENDING);
  SLW_Stop(slow);
  CHECK(MEM_Level(chip, 0) == 1);
  for (int i = 0; i < 11; i++)
    CHECK(SLW_TakeDone(slow, &done));
  CHECK(!SLW_TakeDone(slow, &done));
  end();
}

static void test_full_queue_is_an_error(void) {
  int taken = 0;

  begin();
  MEM_Delay(chip, 10 * MS);
  while (SLW_Write(slow, 5, true) == ENG_WRITE_PENDING)
    taken++;
  CHECK(taken >= QUEUE);
  MEM_Delay(chip, 0);
  end();
}

int main(void) {
  test_writes_never_wait();
  test_input_is_polled();
  test_stop_writes_what_was_asked();
  test_full_queue_is_an_error();
  puts("slow: ok");
  return 0;
}
