# SPDX-License-Identifier: Apache-2.0
"""The connection against brokers that misbehave; the loop is watched meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.mqtt import retry
from agent.mqtt.connection import Connection
from agent.mqtt.dial import Dialler
from tests.agent.mqtt.brokers import PATIENCE_S, eventually, free_port
from tests.agent.mqtt.faces import BASE, config, running
from tests.agent.mqtt.fake_broker import FakeBroker, Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from agent.mqtt.ending import Ending
    from agent.mqtt.link import Link
    from agent.mqtt.message import Incoming


class Nobody:
    """Uses links for nothing."""

    def link_up(self, link: Link) -> None:
        pass

    def link_down(self, ending: Ending) -> None:
        pass

    def received(self, message: Incoming) -> None:
        pass


@contextlib.asynccontextmanager
async def connecting(url: str, **changes: object) -> AsyncIterator[Connection]:
    connection = Connection(config(url, **changes), Nobody(), chance=lambda: 0.999)
    connection.start()
    try:
        yield connection
    finally:
        await connection.close(0.2)


@contextlib.asynccontextmanager
async def beating(meanwhile: Callable[[], bool]) -> AsyncIterator[list[float]]:
    """A heart that stops when somebody blocks the loop: it gives the times of its beats while that holds."""
    beats: list[float] = []

    async def beat() -> None:
        while True:
            if meanwhile():
                beats.append(time.monotonic())
            await asyncio.sleep(0.005)

    task = asyncio.create_task(beat())
    try:
        yield beats
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def dialling() -> bool:
    return "mqtt-connect" in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(
    ("fault", "levels"),
    [(Fault.NONE, [5]), (Fault.REFUSES_5, [5, 4]), (Fault.HANGS_UP_ON_5, [5, 4]), (Fault.SILENT_ON_5, [5, 4])],
)
def test_five_first_with_fallback(fault: Fault, levels: list[int]) -> None:
    async def run() -> None:
        with FakeBroker(fault) as broker:
            # Where the broker is to answer, however late: an answer that is given up is a fall-back of its own.
            answer_s = 0.3 if fault is Fault.SILENT_ON_5 else PATIENCE_S
            async with running(broker.url, answer_timeout_s=answer_s) as agent:
                await agent.connected()
                assert broker.connects[: len(levels)] == levels
                assert fault is Fault.SILENT_ON_5 or broker.connects == levels
                await eventually(lambda: (f"{BASE}/status", b"online") in broker.published)
                await eventually(lambda: f"{BASE}/telemetry" in dict(broker.published))
                assert agent.face.status().protocol == ("5.0" if levels == [5] else "3.1.1")

    asyncio.run(run())


def test_a_refused_version_is_remembered_over_reconnects() -> None:
    async def run() -> None:
        with FakeBroker(Fault.REFUSES_5) as broker:
            async with connecting(broker.url) as connection:
                await eventually(lambda: connection.link is not None)
                assert connection.link is not None
                connection.link.abort("by the test")
                await eventually(lambda: connection.established == 2)
                assert broker.connects == [5, 4, 4]

    asyncio.run(run())


def test_a_silent_broker_blocks_nothing_and_is_given_up() -> None:
    async def run() -> None:
        with FakeBroker(Fault.SILENT) as broker:
            async with (
                connecting(broker.url, answer_timeout_s=0.3) as connection,
                beating(lambda: connection.text.startswith("connecting to")) as beats,
            ):
                await eventually(lambda: "does not answer CONNECT" in connection.last_error)
                await eventually(lambda: len(beats) > 20, "beats while it waits for an answer")

    asyncio.run(run())


def test_the_loop_runs_while_a_black_hole_is_dialled() -> None:
    """The listener's backlog is full: SYNs get no answer, as from a host that drops them."""

    async def run() -> None:
        with socket.socket() as hole:
            hole.bind(("127.0.0.1", 0))
            hole.listen(0)
            port = hole.getsockname()[1]
            fillers = [socket.socket() for _ in range(4)]
            for filler in fillers:
                filler.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    filler.connect(("127.0.0.1", port))
            await asyncio.sleep(0.05)
            try:
                url = f"mqtt://127.0.0.1:{port}"
                async with connecting(url, connect_timeout_s=1.0) as connection, beating(dialling) as beats:
                    await eventually(lambda: "does not answer within 1 s" in connection.last_error)
                    # Had a dial blocked the loop, hardly a beat would lie within it.
                    await eventually(lambda: len(beats) > 50, "beats while it dials")
            finally:
                for filler in fillers:
                    filler.close()

    asyncio.run(run())


def test_closing_does_not_wait_for_a_dial() -> None:
    """The thread is held inside the dial: close has to return all the same, and nobody starts a second one."""
    held, release = threading.Event(), threading.Event()

    def slow_lookup(*_: object, **__: object) -> list[object]:
        held.set()
        release.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    async def run() -> None:
        async with running("mqtt://a.host.that.takes.long:1883"), beating(held.is_set) as beats:
            await eventually(lambda: len(beats) > 10, "beats while it looks the name up")
        assert not release.is_set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", slow_lookup)
        try:
            asyncio.run(run())
        finally:
            release.set()


def test_one_dial_at_a_time() -> None:
    """Two would come with one client id: a second dial waits for the thread that the first left behind."""
    release = threading.Event()
    lookups: list[str] = []

    def slow_lookup(host: str, *_: object, **__: object) -> list[object]:
        lookups.append(host)
        release.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    async def run() -> None:
        dialler = Dialler(config("mqtt://slow:1883"))
        first = asyncio.create_task(dialler.dial(retry.Version.V5))
        await eventually(lambda: lookups)
        first.cancel()
        second = asyncio.create_task(dialler.dial(retry.Version.V5))
        await asyncio.sleep(0.3)
        assert len(lookups) == 1
        release.set()
        await eventually(lambda: len(lookups) == 2)
        await asyncio.wait((second,))
        assert isinstance(second.exception(), Exception)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", slow_lookup)
        try:
            asyncio.run(run())
        finally:
            release.set()


def test_unknown_host_and_closed_port_are_named() -> None:
    async def run() -> None:
        async with connecting("mqtt://broker.invalid") as connection:
            await eventually(lambda: connection.last_error)
            assert "host name 'broker.invalid'" in connection.last_error
        port = free_port()
        async with connecting(f"mqtt://127.0.0.1:{port}") as connection:
            await eventually(lambda: connection.last_error)
            assert f"mqtt://127.0.0.1:{port}: Connection refused" in connection.last_error
            assert "next attempt in" in connection.text

    asyncio.run(run())


def test_a_refusal_is_reported_and_retried_slowly() -> None:
    async def run() -> None:
        with FakeBroker(Fault.REFUSES_ALL) as broker:
            async with connecting(broker.url) as connection:
                await eventually(lambda: connection.last_error)
                assert "does not authorise" in connection.last_error
                await asyncio.sleep(0.2)
                assert len(broker.connects) == 1

    asyncio.run(run())


def test_a_takeover_is_reported_as_a_double_id() -> None:
    async def run() -> None:
        with FakeBroker(Fault.TAKES_OVER) as broker:
            async with connecting(broker.url) as connection:
                await eventually(lambda: "same client id" in connection.last_error)
                await asyncio.sleep(0.2)
                assert len(broker.connects) == 1

    asyncio.run(run())


def test_a_huge_message_is_not_collected() -> None:
    async def run() -> None:
        with FakeBroker(Fault.HUGE) as broker:
            async with connecting(broker.url) as connection:
                await eventually(lambda: "too long" in connection.last_error)

    asyncio.run(run())


def test_a_broker_that_acknowledges_nothing_holds_a_window_and_no_more() -> None:
    async def run() -> None:
        with FakeBroker(Fault.NO_PUBACK) as broker:
            async with running(broker.url, inflight=3) as agent:
                await agent.connected()
                for _ in range(50):
                    agent.board.powered = not agent.board.powered
                    agent.board.tell("host/0")
                    await asyncio.sleep(0)

                def acknowledged() -> list[str]:
                    return [topic for topic, _ in broker.published if not topic.startswith(f"{BASE}/telemetry")]

                await eventually(lambda: len(acknowledged()) >= 3)
                await asyncio.sleep(0.1)
                assert len(acknowledged()) == 3

    asyncio.run(run())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(min_size=1, max_size=60))
def test_any_answer_is_an_ending_or_a_link(garbage: bytes) -> None:
    async def run() -> None:
        with FakeBroker(Fault.GARBAGE, garbage) as broker:
            async with connecting(broker.url, answer_timeout_s=0.05) as connection:
                await eventually(lambda: connection.last_error or connection.link is not None)

    asyncio.run(run())


PACKETS = st.builds(
    lambda kind, flags, body: bytes((kind << 4 | flags, len(body))) + body,
    st.integers(0, 15),
    st.integers(0, 15),
    st.binary(max_size=40),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(min_size=1, max_size=60) | st.lists(PACKETS, min_size=1, max_size=4).map(b"".join))
def test_whatever_a_broker_sends_the_agent_comes_back(garbage: bytes) -> None:
    async def run() -> None:
        with FakeBroker(Fault.LATE_GARBAGE, garbage) as broker:
            async with running(broker.url) as agent:
                await eventually(lambda: broker.connects)
                await eventually(lambda: agent.face._connection.established)
                broker.fault = Fault.NONE
                link = agent.face._connection.link
                if link is not None:
                    link.abort("by the test")
                await eventually(lambda: agent.face._connection.established >= 2)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retry, "FIRST_S", 0.01)
        patch.setattr(retry, "REFUSED_FIRST_S", 0.01)
        patch.setattr(retry, "TAKEN_OVER_FIRST_S", 0.01)
        asyncio.run(run())
