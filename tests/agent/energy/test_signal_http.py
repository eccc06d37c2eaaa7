# SPDX-License-Identifier: Apache-2.0
"""A server that misbehaves."""

from __future__ import annotations

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from agent.energy.signals import http, registry
from agent.energy.signals.interface import SignalError, SignalUnit

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADS = {
    "/good": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "/short": b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nok",
    "/huge": b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * (http.MAX_BYTES + 2),
    "/429": b"HTTP/1.0 429 Slow\r\nRetry-After: 77\r\n\r\n",
    "/500": b"HTTP/1.0 500 No\r\n\r\n",
    "/403": b"HTTP/1.0 403 No\r\n\r\n",
    "/moved": b"HTTP/1.0 302 Found\r\nLocation: /good\r\n\r\n",
    "/noise": b"\x00\x01\x02\r\n\r\n",
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.wfile.write(HEADS[self.path.partition("?")[0]])

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listener.server_port}"
        listener.shutdown()


def test_a_good_answer(server: str) -> None:
    assert asyncio.run(http.get(server + "/good")) == b"ok"


@pytest.mark.parametrize(
    ("path", "retry", "after_s"),
    [
        ("/short", True, None),
        ("/huge", True, None),
        ("/429", True, 77.0),
        ("/500", True, None),
        ("/403", False, None),
        ("/moved", False, None),
        ("/noise", True, None),
    ],
)
def test_a_bad_answer_is_an_error_without_the_query(server: str, path: str, retry: bool, after_s: float | None) -> None:
    with pytest.raises(SignalError) as raised:
        asyncio.run(http.get(f"{server}{path}?securityToken=hidden"))
    assert (raised.value.retry, raised.value.after_s) == (retry, after_s)
    assert "hidden" not in str(raised.value)


def test_kinds_by_name() -> None:
    made = registry.make("static", name="p", unit=SignalUnit.MW, zone="UTC", value=3.0)
    assert made.name == "p"
    for kind in ("nothing", "static"):
        with pytest.raises(SignalError, match=kind):
            registry.make(kind)
