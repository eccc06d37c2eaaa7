# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from ipmi.endpoint import Endpoint, ReplyPath
from ipmi.wire import MAXIMUM_DATAGRAM

if TYPE_CHECKING:
    from ipmi.session import Source


async def open_and_send(host: str, datagrams: list[bytes]) -> list[bytes]:
    """What an endpoint on `host` has received of some datagrams."""
    got: list[bytes] = []
    done = asyncio.Event()

    def received(path: ReplyPath, datagram: bytes, source: Source) -> None:
        got.append(datagram)
        if len(got) == len(datagrams):
            done.set()

    endpoint = await Endpoint.open(host, 0, received)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for datagram in datagrams:
            client.sendto(datagram, ("127.0.0.1", endpoint.address[1]))
        await asyncio.wait_for(done.wait(), 10)
    endpoint.close()
    return got


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_burst_arrives_in_order(host: str) -> None:
    """More than one wake-up takes, and an empty datagram among them."""
    burst = [b"%d" % number for number in range(100)] + [b""]
    assert asyncio.run(open_and_send(host, burst)) == burst


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_what_is_too_long_is_cut_to_where_it_is_recognised(host: str) -> None:
    assert asyncio.run(open_and_send(host, [bytes(9000)])) == [bytes(MAXIMUM_DATAGRAM + 1)]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_an_answer_that_cannot_be_sent_is_told(host: str) -> None:
    async def scene() -> None:
        paths: list[ReplyPath] = []
        arrived = asyncio.Event()

        def received(path: ReplyPath, datagram: bytes, source: Source) -> None:
            paths.append(path)
            arrived.set()

        endpoint = await Endpoint.open(host, 0, received)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"x", ("127.0.0.1", endpoint.address[1]))
            await asyncio.wait_for(arrived.wait(), 10)
        assert not paths[0].send(b"answer", ("255.255.255.255", 9))
        endpoint.close()
        endpoint.close()
        assert not endpoint.send(b"answer", ("127.0.0.1", 9))

    asyncio.run(scene())


def test_closing_while_datagrams_wait() -> None:
    """The callback may close the endpoint; nothing more is read then."""

    async def scene() -> int:
        count = 0
        closed = asyncio.Event()

        def received(path: ReplyPath, datagram: bytes, source: Source) -> None:
            nonlocal count
            count += 1
            endpoint.close()
            closed.set()

        endpoint = await Endpoint.open("127.0.0.1", 0, received)
        port = endpoint.address[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for _ in range(5):
                client.sendto(b"x", ("127.0.0.1", port))
            await asyncio.wait_for(closed.wait(), 10)
        await asyncio.sleep(0)
        return count

    assert asyncio.run(scene()) == 1
