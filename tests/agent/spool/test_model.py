# SPDX-License-Identifier: Apache-2.0
"""The spool against a model: lists in memory; killed, reopened, and cut at the tail as a power cut may leave it."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agent.spool.spool import SpoolLimits
from tests.agent.spool.spools import EVENT, FailingFiles, keys, new_spool, record, segment_files

LIMITS = SpoolLimits(max_bytes=1 << 30, segment_bytes=4096)


class SpoolModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="pgood-spool-"))
        self.files = FailingFiles()

    @initialize()
    def start(self) -> None:
        self.spool = new_spool(self.folder, LIMITS, self.files)
        self.stored: list[int] = []
        """What must be there after a kill."""
        self.memory: list[int] = []
        self.synced = 0
        self.cursor = 0
        self.next = 1

    @rule(count=st.integers(1, 12), size=st.sampled_from([20, 200, 1000, 5000]), skip=st.integers(1, 5))
    def append(self, count: int, size: int, skip: int) -> None:
        new = [self.next + skip + n for n in range(count)]
        self.spool.append(EVENT, [record(key, size) for key in new])
        self.next = new[-1] + 1
        (self.memory if self.files.error is not None or self.memory else self.stored).extend(new)

    @rule(part=st.floats(0, 1))
    def acknowledge(self, part: float) -> None:
        owed = self.owed()
        if owed:
            self.cursor = owed[int(part * (len(owed) - 1))]
            # A cursor that the disk does not take holds in memory only.
            self.spool.acknowledge(EVENT, self.cursor)
            self.memory = [key for key in self.memory if key > self.cursor]

    @rule()
    def sync(self) -> None:
        self.spool.sync()
        if self.files.error is None:
            self.stored += self.memory
            self.memory = []
            self.synced = self.stored[-1] if self.stored else 0

    @rule(error=st.sampled_from([errno.ENOSPC, errno.EROFS, errno.EIO]))
    def disk_fails(self, error: int) -> None:
        self.files.error = error

    @rule()
    def disk_recovers(self) -> None:
        self.files.error = None
        self.sync()

    @rule()
    def kill(self) -> None:
        """Without a close. What only memory had is lost, as told."""
        if self.files.error is None:
            self.memory = []
            self.reopen()

    @rule(part=st.floats(0, 1))
    def power_cut(self, part: float) -> None:
        """The last file ends anywhere after what was synced."""
        if self.files.error is not None or self.memory or not self.stored:
            return
        last = segment_files(self.folder)[-1]
        size = last.stat().st_size
        unsynced = [key for key in self.stored if key > self.synced]
        if len(unsynced) > 1:
            keep = size - int(part * min(size - 24, 40))
            with last.open("r+b") as file:
                file.truncate(keep)
            if keep < size:
                self.stored.pop()
        self.synced = self.stored[-1]  # what is left is on the disk
        self.reopen()

    def reopen(self) -> None:
        self.spool = new_spool(self.folder, LIMITS, self.files)
        self.next = max(self.next, self.spool.last_key(EVENT) + 1)

    def owed(self) -> list[int]:
        return [key for key in self.stored + self.memory if key > self.cursor]

    @invariant()
    def everything_owed_is_there_in_order(self) -> None:
        if hasattr(self, "spool"):
            owed = self.owed()
            assert keys(self.spool, after=self.cursor, step=50) == owed
            assert self.spool.state.owed[EVENT] == len(owed)

    def teardown(self) -> None:
        shutil.rmtree(self.folder)


TestSpoolModel = SpoolModel.TestCase
TestSpoolModel.settings = settings(
    max_examples=int(os.environ.get("PGOOD_EXAMPLES", "25")), stateful_step_count=25, deadline=None
)
