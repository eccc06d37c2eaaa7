# SPDX-License-Identifier: Apache-2.0
"""What must survive: settings, SEL and events over a restart, and over kill -9 at any instant."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from agent.events.bus import EventBus
from agent.events.event import EventKind
from agent.ipmi_face.sel_form import SelForms
from agent.store.database import Database, StoreError
from agent.store.journal import EventJournal
from agent.store.sel import CAPACITY, LAST_ID, SystemEventLog
from agent.store.settings import Settings
from agent.store.users import UserFile, UsersError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_790_000_000


@contextmanager
def database(folder: Path) -> Iterator[Database]:
    opened = Database(folder / "state.db")
    try:
        yield opened
    finally:
        opened.close()


def sel_of(opened: Database) -> SystemEventLog:
    return SystemEventLog(opened, Settings(opened), lambda: NOW)


def record(marker: int) -> bytes:
    return bytes([0, 0, 2]) + marker.to_bytes(4, "little") + bytes(9)


def test_settings_survive_and_unchanged_ones_are_not_written(tmp_path: Path) -> None:
    with database(tmp_path) as opened:
        Settings(opened).put_now({"a": [1, 2], "b": {"c": None}})
    with database(tmp_path) as opened:
        settings = Settings(opened)
        assert settings.all() == {"a": [1, 2], "b": {"c": None}}
        before = opened.transact_now(lambda c: c.total_changes)
        settings.put_now({"a": [1, 2]})
        assert opened.transact_now(lambda c: c.total_changes) == before


def test_sel_keeps_order_ids_and_overflow_over_a_restart(tmp_path: Path) -> None:
    async def fill(count: int) -> None:
        with database(tmp_path) as opened:
            sel = sel_of(opened)
            for marker in range(count):
                assert await sel.add(record(marker)) is not None

    asyncio.run(fill(CAPACITY + 3))
    with database(tmp_path) as opened:
        sel = sel_of(opened)
        ids = sel.record_ids()
        assert (len(ids), ids[0], ids[-1]) == (CAPACITY, 4, CAPACITY + 3)
        oldest = sel.record(ids[0])
        assert oldest is not None
        assert oldest[3:7] == (3).to_bytes(4, "little")
        assert sel.info().free_bytes == 0
        assert sel.info().overflow


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_full_sel_says_so_until_it_is_cleared_also_after_a_restart(tmp_path: Path, overwrite: bool) -> None:
    async def story(fill: bool, clear: bool) -> tuple[int, bool]:
        with database(tmp_path) as opened:
            sel = SystemEventLog(opened, Settings(opened), lambda: NOW, overwrite=overwrite)
            if fill:
                placed = sel.place([record(marker) for marker in range(CAPACITY)])
                await opened.transact(lambda c: sel.write(c, placed))
                sel.adopt(placed)
                assert not sel.info().overflow
                assert (await sel.add(record(7)) is None) is not overwrite
            if clear:
                await sel.clear()
            return sel.record_ids()[0] if sel.record_ids() else 0, sel.info().overflow

    first = 2 if overwrite else 1
    assert asyncio.run(story(True, False)) == (first, True)
    assert asyncio.run(story(False, False)) == (first, True)
    assert asyncio.run(story(False, True)) == (0, False)
    assert asyncio.run(story(False, False)) == (0, False)


def test_sel_ids_wrap_without_meeting_the_reserved_ones(tmp_path: Path) -> None:
    async def scenario() -> None:
        with database(tmp_path) as opened:
            Settings(opened).put_now({"sel.last_id": LAST_ID - 1})
            sel = sel_of(opened)
            assert [await sel.add(record(0)) for _ in range(3)] == [LAST_ID, 1, 2]
            assert await sel.delete(1)
            assert not await sel.delete(1)
            await sel.clear()
            assert (sel.info().entries, sel.info().erased_at) == (0, NOW)

    asyncio.run(scenario())


def test_events_and_their_sel_records_are_written_together(tmp_path: Path) -> None:
    async def scenario() -> None:
        with database(tmp_path) as opened:
            sel = sel_of(opened)
            journal = EventJournal(opened, sel, SelForms({"psu/1": 0}, {}, lambda: NOW).record)
            bus = EventBus(journal, 1, "boot")
            bus.start()
            bus.emit(EventKind.PSU_REMOVED, "psu/1", "1")
            bus.emit(EventKind.AGENT_STARTED, "board", "b", "0")  # has no place in the SEL
            await bus.close()
            assert [event["kind"] for event in await journal.latest(10)] == ["psu.removed", "agent.started"]
        with database(tmp_path) as opened:
            sel = sel_of(opened)
            (only,) = sel.record_ids()
            time_bytes = NOW.to_bytes(4, "little")
            assert sel.record(only) == b"\x01\x00\x02" + time_bytes + bytes.fromhex("2000 04 08 50 ef 00 ff ff")

    asyncio.run(scenario())


WRITER = """
import asyncio, sys
from pathlib import Path
from agent.events.bus import EventBus
from agent.events.event import EventKind
from agent.ipmi_face.sel_form import SelForms
from agent.store.database import Database
from agent.store.journal import EventJournal
from agent.store.sel import SystemEventLog
from agent.store.settings import Settings

async def main():
    opened = Database(Path(sys.argv[1]) / "state.db")
    settings = Settings(opened)
    start = int(settings.get("starts", 0)) + 1
    settings.put_now({"starts": start})
    sel = SystemEventLog(opened, settings, lambda: 0)
    bus = EventBus(EventJournal(opened, sel, SelForms({}, {}, lambda: 0).record), start, "boot")
    bus.start()
    told = bus.subscribe("told")
    while True:
        bus.emit(EventKind.HOST_ON, "host/0", "0")
        print((await told.get()).id, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("seed", range(6))
def test_a_told_event_survives_kill_9_at_any_instant(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    told: list[str] = []
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=os.getcwd()
        )
        assert process.stdout is not None
        told.append(process.stdout.readline().strip())
        time.sleep(chance.random() * 0.05)
        process.send_signal(signal.SIGKILL)
        told += [line.strip() for line in process.stdout if line.endswith("\n")]
        process.wait(10)
    with database(tmp_path) as opened:
        written = [
            row[0] for row in opened.transact_now(lambda c: c.execute("SELECT id FROM events ORDER BY id").fetchall())
        ]
        entries = sel_of(opened).info().entries
    assert set(told) <= set(written)
    assert len(written) == len(set(written))
    assert entries == min(len(written), CAPACITY)


def test_a_database_of_a_newer_version_is_refused_and_kept(tmp_path: Path) -> None:
    with database(tmp_path) as opened:
        opened.transact_now(lambda c: c.execute("INSERT INTO settings VALUES ('a', '1')"))

        def age(connection: object) -> None:
            connection.execute("PRAGMA user_version=99")  # type: ignore[attr-defined]

        opened.transact_now(age)
    with pytest.raises(StoreError, match="newer pgood"):
        Database(tmp_path / "state.db")


def test_users_file(tmp_path: Path) -> None:
    users = UserFile(tmp_path / "users.json")
    password = users.create_first("admin")
    assert (tmp_path / "users.json").stat().st_mode & 0o777 == 0o600
    again = UserFile(tmp_path / "users.json")
    admin = again.by_name(b"admin")
    assert admin is not None
    assert admin.password == password.encode()
    assert password not in repr(admin)
    with pytest.raises(UsersError, match="already"):
        again.create_first("other")
