# SPDX-License-Identifier: Apache-2.0
"""The spool on a real file system: order, restarts, bounds, and disks that refuse."""

from __future__ import annotations

import dataclasses
import errno
import os
from typing import TYPE_CHECKING

import pytest

from agent.spool.record import DropReason
from agent.spool.spool import SpoolLimits
from tests.agent.spool.spools import (
    EVENT,
    NOW_S,
    SAMPLE,
    SMALL,
    FailingFiles,
    keys,
    new_spool,
    record,
    segment_files,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_appended_is_read_in_order_after_a_restart(tmp_path: Path) -> None:
    spool = new_spool(tmp_path)
    spool.append(EVENT, [record(key) for key in range(1, 101)])
    again = new_spool(tmp_path)  # the first one was not closed: as after a kill
    assert keys(again) == list(range(1, 101))
    assert again.state.owed[EVENT] == 100
    assert again.last_key(EVENT) == 100


def test_a_key_comes_once(tmp_path: Path) -> None:
    spool = new_spool(tmp_path)
    spool.append(EVENT, [record(1), record(2), record(2), record(1), record(5)])
    spool.append(EVENT, [record(4), record(6)])
    assert keys(spool) == [1, 2, 5, 6]


def test_acknowledged_records_are_forgotten_and_their_files_go(tmp_path: Path) -> None:
    spool = new_spool(tmp_path)
    spool.append(EVENT, [record(key) for key in range(1, 201)])
    files = len(segment_files(tmp_path))
    assert files > 5
    spool.acknowledge(EVENT, 120)
    assert spool.state.owed[EVENT] == 80
    assert len(segment_files(tmp_path)) < files
    again = new_spool(tmp_path)
    assert again.state.owed[EVENT] == 80
    assert keys(again) == list(range(121, 201))
    again.acknowledge(EVENT, 200)
    assert again.state.owed[EVENT] == 0
    assert len(segment_files(tmp_path)) == 1


def test_the_last_key_survives_that_everything_was_acknowledged(tmp_path: Path) -> None:
    spool = new_spool(tmp_path)
    spool.append(EVENT, [record(41)])
    spool.acknowledge(EVENT, 41)
    spool.close()
    again = new_spool(tmp_path)
    assert again.last_key(EVENT) == 41
    again.append(EVENT, [record(41), record(42)])
    assert keys(again) == [42]


def test_bytes_are_bounded_and_samples_go_before_events(tmp_path: Path) -> None:
    spool = new_spool(tmp_path, SpoolLimits(max_bytes=64 * 1024, segment_bytes=4096))
    for key in range(1, 101):
        spool.append(SAMPLE, [record(key)])
        spool.append(EVENT, [record(key)])
    assert not spool.state.dropped
    for key in range(101, 221):
        spool.append(EVENT, [record(key)])
    state = spool.state
    assert state.bytes <= 64 * 1024 + 8192
    assert keys(spool, EVENT) == list(range(1, 221))
    samples = keys(spool, SAMPLE)
    assert samples == list(range(101 - len(samples), 101))
    assert state.dropped == {DropReason.BYTES: 100 - len(samples)}
    for key in range(221, 1000):
        spool.append(EVENT, [record(key)])
    kept = keys(spool, EVENT)
    assert kept == list(range(1000 - len(kept), 1000))
    assert sum(spool.state.dropped.values()) == 100 - len(keys(spool, SAMPLE)) + 999 - len(kept)
    assert sum(file.stat().st_size for file in segment_files(tmp_path)) <= 64 * 1024


def test_age_is_bounded_unless_the_clock_is_not_set(tmp_path: Path) -> None:
    limits = dataclasses.replace(SMALL, max_age_s=3600.0)
    old, unset, fresh = int((NOW_S - 7200) * 1000), 0, int(NOW_S * 1000)
    spool = new_spool(tmp_path, limits, now=None)
    spool.append(EVENT, [record(key, unix_ms=old) for key in range(1, 100)])
    spool.append(EVENT, [record(key, unix_ms=fresh) for key in range(100, 150)])
    spool.sync()
    assert spool.state.owed[EVENT] == 149
    again = new_spool(tmp_path, limits)
    again.sync()
    kept = keys(again)
    assert 50 <= len(kept) < 80
    assert kept[-1] == 149
    assert again.state.dropped == {DropReason.AGE: 149 - len(kept)}
    without = new_spool(tmp_path / "unset", limits)
    without.append(EVENT, [record(key, unix_ms=unset) for key in range(1, 100)])
    without.sync()
    assert without.state.owed[EVENT] == 99


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("room", [0, 1, 30, 500])
def test_a_disk_that_refuses_loses_nothing_while_memory_lasts(tmp_path: Path, error: int, room: int) -> None:
    files = FailingFiles()
    spool = new_spool(tmp_path, files=files)
    spool.append(EVENT, [record(key) for key in range(1, 11)])
    files.error, files.room = error, room
    for key in range(11, 31):
        spool.append(EVENT, [record(key)])
    spool.sync()
    assert spool.state.error == os.strerror(error)
    assert spool.state.in_memory == 20
    assert spool.state.owed[EVENT] == 30
    assert keys(spool) == list(range(1, 31))
    spool.acknowledge(EVENT, 15)
    assert keys(spool) == list(range(16, 31))
    files.error = None
    spool.sync()
    assert (spool.state.error, spool.state.in_memory) == ("", 0)
    spool.append(EVENT, [record(31)])
    assert keys(spool) == list(range(16, 32))
    assert keys(new_spool(tmp_path)) == [key for key in range(16, 32)]
    assert not spool.state.dropped.get(DropReason.MEMORY)


def test_memory_is_bounded_and_samples_go_first(tmp_path: Path) -> None:
    files = FailingFiles()
    spool = new_spool(tmp_path, dataclasses.replace(SMALL, memory_bytes=50_000), files)
    files.error = errno.EROFS
    spool.append(SAMPLE, [record(key) for key in range(1, 21)])
    spool.append(EVENT, [record(key) for key in range(1, 61)])
    assert keys(spool, EVENT) == list(range(1, 61))
    samples = keys(spool, SAMPLE)
    assert spool.state.dropped == {DropReason.MEMORY: 20 - len(samples)}
    spool.append(EVENT, [record(key) for key in range(61, 201)])
    kept = keys(spool, EVENT)
    assert kept == list(range(201 - len(kept), 201))
    assert not keys(spool, SAMPLE)
    assert spool.state.dropped == {DropReason.MEMORY: 20 + 200 - len(kept)}


def test_a_failed_sync_is_told_and_what_follows_goes_into_another_file(tmp_path: Path) -> None:
    files = FailingFiles()
    spool = new_spool(tmp_path, files=files)
    spool.append(EVENT, [record(1)])
    files.sync_error = errno.EIO
    spool.sync()
    assert spool.state.error == os.strerror(errno.EIO)
    files.sync_error = None
    spool.append(EVENT, [record(2)])
    spool.sync()
    assert spool.state.error == ""
    assert len(segment_files(tmp_path)) == 2
    assert keys(new_spool(tmp_path)) == [1, 2]


def test_nothing_unsynced_costs_no_sync(tmp_path: Path) -> None:
    files = FailingFiles()
    spool = new_spool(tmp_path, files=files)
    spool.sync()
    assert files.syncs == 0
    spool.append(EVENT, [record(1)])
    assert spool.unsynced
    spool.sync()
    spool.sync()
    assert files.syncs == 1
    assert not spool.unsynced


def test_a_record_that_is_too_long_is_counted(tmp_path: Path) -> None:
    spool = new_spool(tmp_path)
    spool.append(EVENT, [record(1), record(2, size=2_000_000), record(3)])
    assert keys(spool) == [1, 3]
    assert spool.state.dropped == {DropReason.SIZE: 1}


def test_a_folder_that_cannot_be_made_leaves_memory(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file is in the way")
    spool = new_spool(tmp_path / "spool")
    spool.append(EVENT, [record(key) for key in (1, 2, 3)])
    assert keys(spool) == [1, 2, 3]
    assert spool.state.in_memory == 3
    assert spool.state.error
    spool.acknowledge(EVENT, 2)
    assert keys(spool) == [3]


def test_a_cursor_that_is_spoilt_falls_back_to_the_one_before(tmp_path: Path) -> None:
    spool = new_spool(tmp_path)
    spool.append(EVENT, [record(key) for key in range(1, 11)])
    for key in (4, 5):
        spool.acknowledge(EVENT, key)
    spool.close()
    file = tmp_path / EVENT.value / "cursor"
    data = bytearray(file.read_bytes())
    for slot in range(2):
        spoilt = data.copy()
        spoilt[slot * 512 + 10] ^= 1
        file.write_bytes(spoilt)
        assert keys(new_spool(tmp_path)) in (list(range(5, 11)), list(range(6, 11)))
    file.write_bytes(b"")
    assert keys(new_spool(tmp_path)) == list(range(1, 11))
