# SPDX-License-Identifier: Apache-2.0
"""The listener against real HTTP clients, and against what is no HTTP."""

from __future__ import annotations

import asyncio
import http.client
import socket
from typing import TYPE_CHECKING

import pytest

from agent.prometheus.listener import MAX_CONNECTIONS, MetricsListener, MetricsListenError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def serving(story: Callable[[int], Awaitable[None]]) -> None:
    async def run() -> None:
        listener = MetricsListener(lambda: "pgood_info 1\n")
        await listener.listen("127.0.0.1", 0)
        assert listener.bound is not None
        try:
            await story(listener.bound[1])
        finally:
            await listener.close()

    asyncio.run(run())


def ask(port: int, method: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(method, path, headers={"Accept": "*/*"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_a_scrape_and_what_is_none() -> None:
    async def story(port: int) -> None:
        for method, path, status in (
            ("GET", "/metrics", 200),
            ("GET", "/metrics?x=1", 200),
            ("HEAD", "/metrics", 200),
            ("POST", "/metrics", 405),
            ("GET", "/", 404),
            ("GET", "/metrics/../etc/passwd", 404),
        ):
            found, body = await asyncio.to_thread(ask, port, method, path)
            assert found == status, path
            assert (body == b"pgood_info 1\n") == (status == 200 and method == "GET")

    serving(story)


@pytest.mark.parametrize(
    "sent", [b"\x00\xff" * 9000, b"GET /metrics\r\n\r\n", b"GET /metrics HTTP/1.1\r\n", b"\r\n\r\n"]
)
def test_junk_ends_its_own_connection_only(sent: bytes) -> None:
    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        writer.write_eof()
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 400") or not answer
        writer.close()
        assert (await asyncio.to_thread(ask, port, "GET", "/metrics"))[0] == 200

    serving(story)


def test_idle_connections_do_not_shut_others_out_for_long() -> None:
    async def story(port: int) -> None:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MAX_CONNECTIONS)]
        assert (await asyncio.to_thread(ask, port, "GET", "/metrics"))[0] == 503
        for _, writer in idle:
            writer.close()
            await writer.wait_closed()
        for _ in range(200):
            if (await asyncio.to_thread(ask, port, "GET", "/metrics"))[0] == 200:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("still shut out")

    serving(story)


def test_a_taken_address_is_told_with_the_cure() -> None:
    async def run() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            with pytest.raises(MetricsListenError, match=r"change metrics\.listen"):
                await MetricsListener(str).listen("127.0.0.1", taken.getsockname()[1])

    asyncio.run(run())
