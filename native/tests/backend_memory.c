/* SPDX-License-Identifier: Apache-2.0 */
#include "../backend_memory.c"

#include <poll.h>

#include "test.h"

static bool readable(int fd) {
  struct pollfd watched = {.fd = fd, .events = POLLIN};

  return poll(&watched, 1, 0) == 1;
}

static void test_edges_are_stamped_and_numbered(void) {
  MEM_Chip *chip = MEM_Create(2);
  BKD_Line line;
  BKD_Edge edges[4];
  int64_t before_ns = BKD_Now();

  CHECK(MEM_Open(&line, chip, 1, false) == 0);
  CHECK(!readable(line.fd));
  CHECK(MEM_Drive(chip, 1, 1) == 0);
  CHECK(MEM_Drive(chip, 1, 1) == 0);
  CHECK(readable(line.fd));
  CHECK(line.ops->drain(&line, edges, 4) == 1);
  CHECK(edges[0].active && edges[0].seqno == 1);
  CHECK(edges[0].time_ns >= before_ns && edges[0].time_ns <= BKD_Now());
  CHECK(!readable(line.fd));
  line.ops->close(&line);
  MEM_Destroy(chip);
}

static void test_lost_edges_leave_a_gap(void) {
  MEM_Chip *chip = MEM_Create(1);
  BKD_Line line;
  BKD_Edge edges[EDGE_QUEUE];
  bool active = false;

  CHECK(MEM_Open(&line, chip, 0, false) == 0);
  MEM_LoseEdges(chip, 0, 2);
  for (int i = 0; i < 3; i++)
    MEM_Drive(chip, 0, i % 2 == 0);
  CHECK(line.ops->drain(&line, edges, EDGE_QUEUE) == 1);
  CHECK(edges[0].seqno == 3);
  for (int i = 0; i < EDGE_QUEUE + 10; i++)
    MEM_Drive(chip, 0, i % 2);
  CHECK(line.ops->drain(&line, edges, EDGE_QUEUE) == EDGE_QUEUE);
  CHECK(edges[EDGE_QUEUE - 1].seqno - edges[0].seqno == EDGE_QUEUE - 1);
  CHECK(edges[0].seqno > 4);
  CHECK(line.ops->read(&line, &active) == 0 && active == (MEM_Level(chip, 0) == 1));
  line.ops->close(&line);
  MEM_Destroy(chip);
}

static void test_one_user_per_line(void) {
  MEM_Chip *chip = MEM_Create(1);
  BKD_Line line, other;
  MEM_Change change;
  int64_t stamp_ns;

  CHECK(MEM_Open(&line, chip, 7, true) == -EINVAL);
  CHECK(MEM_Open(&line, chip, 0, true) == 0);
  CHECK(MEM_Open(&other, chip, 0, false) == -EBUSY);
  CHECK(MEM_Drive(chip, 0, 1) == -EBUSY);
  CHECK(line.ops->write(&line, true, &stamp_ns) == 0);
  CHECK(line.ops->write(&line, true, &stamp_ns) == 0);
  CHECK(readable(MEM_ChangeFd(chip)));
  CHECK(MEM_TakeChanges(chip, &change, 1) == 1 && change.active == 1 && change.index == 0);
  CHECK(MEM_TakeChanges(chip, &change, 1) == 0);
  CHECK(!readable(MEM_ChangeFd(chip)));
  line.ops->close(&line);
  CHECK(MEM_Level(chip, 0) == 1);
  CHECK(MEM_Drive(chip, 0, 0) == 0);
  MEM_Destroy(chip);
}

static void test_unplugged_chip(void) {
  MEM_Chip *chip = MEM_Create(2);
  BKD_Line input, output;
  BKD_Edge edge;
  int64_t stamp_ns;
  bool active;

  CHECK(MEM_Open(&input, chip, 0, false) == 0);
  CHECK(MEM_Open(&output, chip, 1, true) == 0);
  MEM_FailWith(chip, 1, EIO);
  CHECK(output.ops->write(&output, true, &stamp_ns) == -EIO);
  MEM_FailWith(chip, 1, 0);
  MEM_Unplug(chip);
  CHECK(readable(input.fd));
  CHECK(input.ops->drain(&input, &edge, 1) == -ENODEV);
  CHECK(input.ops->read(&input, &active) == -ENODEV);
  CHECK(output.ops->write(&output, true, &stamp_ns) == -ENODEV);
  CHECK(MEM_Level(chip, 1) == 0);
  input.ops->close(&input);
  output.ops->close(&output);
  CHECK(MEM_Open(&input, chip, 0, false) == -ENODEV);
  MEM_Destroy(chip);
}

enum { TOGGLES = 20000 };

static void *toggle(void *chip) {
  for (int i = 1; i <= TOGGLES; i++)
    MEM_Drive(chip, 0, i % 2);
  return NULL;
}

static void test_two_threads(void) {
  MEM_Chip *chip = MEM_Create(1);
  pthread_t driver;
  BKD_Line line;
  BKD_Edge edges[32];
  uint32_t last = 0;

  CHECK(MEM_Open(&line, chip, 0, false) == 0);
  CHECK(pthread_create(&driver, NULL, toggle, chip) == 0);
  while (last < TOGGLES) {
    int count = line.ops->drain(&line, edges, 32);

    for (int i = 0; i < count; i++) {
      CHECK(edges[i].seqno > last);
      last = edges[i].seqno;
      CHECK(edges[i].active == (last % 2 == 1));
    }
  }
  pthread_join(driver, NULL);
  line.ops->close(&line);
  MEM_Destroy(chip);
}

int main(void) {
  test_edges_are_stamped_and_numbered();
  test_lost_edges_leave_a_gap();
  test_one_user_per_line();
  test_unplugged_chip();
  test_two_threads();
  puts("backend_memory: ok");
  return 0;
}
