# SPDX-License-Identifier: Apache-2.0
"""The stream over a real spool, without a broker: what is taken, retired, marked and paced."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from agent.mqtt.event_key import id_of, key_of
from agent.mqtt.event_queue import EventRecord
from agent.mqtt.pace import Pace
from agent.mqtt.spool_stream import LOW, READY, SpoolStream
from agent.spool.record import RecordClass, SpoolRecord
from tests.agent.mqtt.brokers import eventually
from tests.agent.spool.spools import FailingFiles, new_spool, segment_files

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from agent.spool.spool import Spool

FIRST = key_of("00000003-0000000001")
FAST = 1e6


class Bench:
    def __init__(self, folder: Path, spooled: int = 0, rate_per_s: float = FAST) -> None:
        self.thread = ThreadPoolExecutor(1)
        self.spool: Spool = new_spool(folder)
        self.next = FIRST
        self.spool.append(RecordClass.EVENT, [self.new() for _ in range(spooled)])
        self.stream = SpoolStream(self.spool, self.thread, rate_per_s)
        self.woken = asyncio.Event()
        self.stream.on_ready(self.woken.set)

    def new(self) -> SpoolRecord:
        record = SpoolRecord(self.next, 0, "event", json.dumps({"id": id_of(self.next)}).encode())
        self.next += 1
        return record

    async def put(self, count: int) -> None:
        records = [self.new() for _ in range(count)]
        await asyncio.wrap_future(self.thread.submit(self.spool.append, RecordClass.EVENT, records))
        for record in records:
            self.stream.put(EventRecord(id_of(record.key), record.payload))

    async def take(self, count: int, *, retire: bool = True) -> list[dict[str, object]]:
        """The next `count` payloads."""
        taken: list[dict[str, object]] = []
        while len(taken) < count:
            record = self.stream.take()
            if record is None:
                self.woken.clear()
                await asyncio.wait_for(self.woken.wait(), 10)
                continue
            taken.append(json.loads(record.payload))
            assert taken[-1]["id"] == record.id
            if retire:
                self.stream.retire(record.id)
        return taken


def on_a_bench(
    folder: Path, test: Callable[[Bench], Awaitable[None]], spooled: int = 0, rate_per_s: float = FAST
) -> None:
    async def run() -> None:
        bench = Bench(folder, spooled, rate_per_s)
        await test(bench)
        await bench.stream.close()

    asyncio.run(run())


def expected(first: int, count: int) -> list[str]:
    return [id_of(FIRST + first + number) for number in range(count)]


def ids(payloads: list[dict[str, object]]) -> list[object]:
    return [payload["id"] for payload in payloads]


def test_history_then_live(tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.stream.rewind()
        await bench.put(700)
        payloads = await bench.take(1700)
        assert ids(payloads) == expected(0, 1700)
        assert [payload.get("historical") for payload in payloads] == [True] * 1000 + [None] * 700
        assert len(bench.stream) == 0
        assert bench.stream.take() is None

    on_a_bench(tmp_path, test, spooled=1000)


def test_little_is_in_memory(tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        await bench.put(3000)
        assert len(bench.stream) == 8000
        assert len(bench.stream._ready) <= READY
        await bench.take(5)
        assert LOW <= len(bench.stream._ready) <= READY

    on_a_bench(tmp_path, test, spooled=5000)


def test_what_is_read_from_the_spool_before_it_is_put_comes_once(tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.stream.rewind()
        fresh = bench.new()
        bench.thread.submit(bench.spool.append, RecordClass.EVENT, [fresh])
        assert bench.stream.take() is None  # what is read now was appended before
        await asyncio.wait_for(bench.woken.wait(), 10)
        bench.stream.put(EventRecord(id_of(fresh.key), fresh.payload))
        payloads = await bench.take(11)
        assert ids(payloads) == expected(0, 11)
        assert [payload.get("historical") for payload in payloads] == [True] * 10 + [None]
        await bench.put(1)
        assert ids(await bench.take(1)) == expected(11, 1)
        assert bench.stream.take() is None

    on_a_bench(tmp_path, test, spooled=10)


def test_what_was_not_retired_comes_again_as_history(tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        bench.stream.rewind()
        await bench.put(10)
        first = await bench.take(6, retire=False)
        bench.stream.retire(str(first[0]["id"]))
        bench.stream.rewind()
        again = await bench.take(9)
        assert ids(again) == expected(1, 9)
        assert all(payload["historical"] for payload in again)

    on_a_bench(tmp_path, test)


def test_the_cursor_follows_the_oldest_that_is_owed(tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        await bench.take(5, retire=False)
        for number in (1, 2, 4):
            bench.stream.retire(id_of(FIRST + number))
        await asyncio.sleep(0.1)
        assert bench.spool.cursor(RecordClass.EVENT) is None
        bench.stream.retire(id_of(FIRST))
        await asyncio.sleep(0.1)
        assert bench.spool.cursor(RecordClass.EVENT) is None, "the fourth is still owed"
        bench.stream.retire(id_of(FIRST + 3))
        await eventually(lambda: bench.spool.cursor(RecordClass.EVENT) == FIRST + 4)

    on_a_bench(tmp_path, test, spooled=10)


def test_history_keeps_its_rate_and_what_is_live_does_not_wait(tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await bench.take(60)
        assert loop.time() - began_s >= 60 / 200 - 0.06
        bench.stream.rewind()
        await bench.put(100)
        assert all([bench.stream.take() for _ in range(100)])

    on_a_bench(tmp_path, test, spooled=60, rate_per_s=200.0)


def test_a_damaged_end_does_not_hold_up_what_follows(tmp_path: Path) -> None:
    spool = new_spool(tmp_path)
    spool.append(RecordClass.EVENT, [SpoolRecord(FIRST + n, 0, "event", b'{"id":"x"}') for n in range(200)])
    spool.close()
    for file in segment_files(tmp_path)[1:]:
        data = bytearray(file.read_bytes())
        data[24:-44] = bytes(len(data) - 68)
        file.write_bytes(data)

    async def run() -> None:
        bench = Bench(tmp_path)
        bench.next = FIRST + 500
        while bench.stream._read_to < bench.stream._newest or bench.stream._ready:
            record = bench.stream.take()
            if record is not None:
                bench.stream.retire(record.id)
            await asyncio.sleep(0.001)
        await bench.put(3)
        assert ids(await bench.take(3)) == expected(500, 3)
        await bench.stream.close()
        assert bench.spool.state.owed[RecordClass.EVENT] == 0
        assert bench.stream.state().dropped["damage"]

    asyncio.run(run())


def test_a_disk_that_refuses_is_told_and_events_still_go_out(tmp_path: Path) -> None:
    async def run() -> None:
        files = FailingFiles()
        bench = Bench(tmp_path)
        bench.spool = new_spool(tmp_path / "failing", files=files)
        bench.stream = SpoolStream(bench.spool, bench.thread, FAST)
        bench.stream.on_ready(bench.woken.set)
        files.error = 28
        await bench.put(600)
        assert bench.stream.state().disk_error == "No space left on device"
        assert ids(await bench.take(600)) == expected(0, 600)
        await bench.stream.close()

    asyncio.run(run())


@given(st.floats(1, 1000), st.lists(st.floats(0, 0.5), max_size=60))
def test_the_pace_is_kept_whenever_it_is_asked(rate: float, waits: list[float]) -> None:
    pace, now, let = Pace(rate), 0.0, 0
    for wait in waits:
        now += wait
        while (left := pace.wait_s(now)) == 0.0:
            let += 1
        assert left > 0
        assert let <= now * rate + max(0.05 * rate, 1) + 1 + 1e-6


@given(st.integers(0, 99_999_999), st.integers(0, 10**10 - 1))
def test_keys_order_as_ids(start: int, seq: int) -> None:
    one = f"{start:08d}-{seq:010d}"
    assert id_of(key_of(one)) == one
