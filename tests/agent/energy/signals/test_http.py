# SPDX-License-Identifier: Apache-2.0
"""The HTTP client against a server that misbehaves: an error in time, without the token, and no thread left."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.energy.signals.http import MAX_BYTES, retry_after_s
from agent.energy.signals.interface import SignalError
from agent.energy.signals.one_thread import OneThread
from agent.energy.signals.web import Web, WebOptions, web_faults
from tests.agent.energy.signals.misbehaving import Server, bomb, say, self_signed, serving
from tests.agent.energy.signals.sources import around

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "hidden-0815"
LIMIT_S = 0.5


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def get(url: str, **options: Any) -> bytes:
    web = Web(msgspec.convert({"timeout_s": 5.0, **options}, WebOptions), around())
    secret = {"securityToken": TOKEN}
    return asyncio.run(web.get(url, {"a": "b c"}, bytes, lambda: {"auth-token": TOKEN}, secret_query=lambda: secret))


def refused(url: str, **options: Any) -> SignalError:
    with pytest.raises(SignalError) as raised:
        get(url, **options)
    assert TOKEN not in str(raised.value)
    assert TOKEN not in repr(raised.value.__cause__)
    assert str(raised.value).isprintable()
    return raised.value


def signal_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("signal-")]


def test_a_good_answer(server: Server) -> None:
    server.answers["/x"] = say("200 OK", b"{}")
    assert get(server.url + "/x") == b"{}"
    request = server.requests[0]
    assert request.startswith(b"GET /x?a=b+c&securityToken=hidden-0815 HTTP/1.1\r\n")
    assert b"\r\nauth-token: hidden-0815\r\n" in request
    assert b"\r\nAccept-Encoding: identity\r\n" in request


def test_an_answer_in_chunks(server: Server) -> None:
    server.answers["/x"] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    assert get(server.url + "/x") == b"{}"


@pytest.mark.parametrize(
    ("answer", "why", "retry", "after_s"),
    [
        (say("429 Slow down", b"", "Retry-After: 77"), "429", True, 77.0),
        (say("429 Slow down"), "429", True, None),
        (say("503 Busy", b"", "Retry-After: tomorrow"), "503", True, None),
        (say("500 No"), "500", True, None),
        (say("404 Not yet"), "404", True, None),
        (say("401 Who"), "401 .check the token.", False, None),
        (say("400 What"), "400", False, None),
        (say("204 Nothing"), "204", False, None),
        (say("302 Found", b"", "Location: http://elsewhere.example/"), "302 .it has moved", False, None),
        (say("200 OK", b"<html>Log in</html>", "Content-Type: text/html; charset=utf-8"), "web page", True, None),
        (say("200 OK", bomb(50), "Content-Encoding: gzip"), "packed", True, None),
        (say("200 OK", b"x" * (MAX_BYTES + 1)), "larger than", True, None),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_BYTES + 1), "larger than", True, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "cut short", True, None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok", "IncompleteRead", True, None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok", "IncompleteRead|ValueError", True, None),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n", "does not speak HTTP", True, None),
        (b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000 + b"\r\n\r\n", "does not speak HTTP", True, None),
        (b"\x00\x01\x02\r\n\r\n", "does not speak HTTP", True, None),
        (b"", "cannot be reached", True, None),
    ],
)
def test_a_bad_answer(server: Server, answer: bytes, why: str, retry: bool, after_s: float | None) -> None:
    server.answers["/x"] = lambda connection, _: connection.sendall(answer)
    error = refused(server.url + "/x")
    assert error.args[0].startswith(server.url + "/x")
    with pytest.raises(SignalError, match=why):
        raise error
    assert (error.retry, error.after_s) == (retry, after_s)
    assert len(server.requests) == 1  # no redirect was followed, nothing was tried twice


def test_a_server_that_echoes_does_not_make_us_tell_the_token(server: Server) -> None:
    server.answers["/x"] = lambda connection, request: connection.sendall(request)
    assert "does not speak HTTP" in str(refused(server.url + "/x"))


@pytest.mark.parametrize(
    "text", [b"HTTP/1.1 200 OK\r\nX: y", b"HTTP/1.1 200 OK\r\n\r\n{}", b"HTTP/1.1 100 Continue\r\n\r\n" * 3]
)
def test_a_server_that_drips_holds_neither_us_nor_a_thread(server: Server, text: bytes) -> None:
    server.answers["/x"] = server.drip(text)
    began_s = time.monotonic()
    assert "no whole answer within 0.5 s" in str(refused(server.url + "/x", timeout_s=LIMIT_S))
    for thread in signal_threads():
        thread.join(5)
    assert not signal_threads()
    assert time.monotonic() - began_s < 4  # it would drip on for ever


def test_a_silent_server(server: Server) -> None:
    server.answers["/x"] = server.silent
    assert "no whole answer" in str(refused(server.url + "/x", timeout_s=LIMIT_S))


def test_a_dripping_handshake(server: Server) -> None:
    """What looks like the begin of a TLS record, and then a byte now and then."""

    def story() -> None:
        error = refused(server.url.replace("http:", "https:") + "/x", timeout_s=LIMIT_S)
        assert "no whole answer" in str(error)

    dripping = server.drip(b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb\x03\x03")
    server._one = lambda connection: dripping(connection, b"")  # type: ignore[method-assign]
    story()
    for thread in signal_threads():
        thread.join(5)
    assert not signal_threads()


def test_a_request_that_hangs_is_not_joined_by_another() -> None:
    gate = threading.Event()

    async def story() -> None:
        thread = OneThread("price")
        with pytest.raises(SignalError, match=r"within 0\.05 s"):
            await thread.run(gate.wait, 0.05)
        with pytest.raises(SignalError, match="still hangs"):
            await thread.run(gate.wait, 0.05)
        assert len(signal_threads()) == 1
        gate.set()
        signal_threads()[0].join(5)
        assert await thread.run(lambda: 7, 5) == 7

    asyncio.run(story())


def test_what_work_raises_reaches_the_one_who_waits() -> None:
    async def story() -> None:
        thread = OneThread("price")
        for raised, seen in [(KeyError("x"), KeyError), (StopIteration(), RuntimeError), (SystemExit(1), RuntimeError)]:

            def work(raised: BaseException = raised) -> None:
                raise raised

            with pytest.raises(seen):
                await thread.run(work, 5)

    asyncio.run(story())


def test_a_self_signed_certificate_is_refused_unless_it_is_named(tmp_path: Path) -> None:
    context, trusted = self_signed(tmp_path)
    with serving(context) as server:
        server.answers["/x"] = say("200 OK", b"{}")
        assert "self-signed certificate" in str(refused(server.url + "/x"))
        assert "certificate" in str(refused(f"https://localhost:{server.port}/x", ca_file=str(trusted)))
        assert not server.requests
        assert get(server.url + "/x", ca_file=str(trusted)) == b"{}"
        missing = refused(server.url + "/x", ca_file=str(tmp_path / "none"))
        assert (missing.retry, "ca_file" in str(missing)) == (False, True)


def test_proxies_of_the_environment_are_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers["/x"] = say("200 OK", b"{}")
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert get(server.url + "/x") == b"{}"


def test_a_proxy_of_the_site_file_is_used(server: Server) -> None:
    with serving() as proxy:
        proxy.answers["*"] = say("200 OK", b"{}")
        assert get(server.url + "/x", proxy=proxy.url) == b"{}"
        assert proxy.requests[0].startswith(server.url.encode().join((b"GET ", b"/x?")))
        assert not server.requests


def test_tls_goes_through_a_proxy_in_a_tunnel(server: Server) -> None:
    with serving() as proxy:
        proxy.answers["*"] = say("403 No")
        error = refused("https://prices.example/x", proxy=proxy.url)
        assert "prices.example/x cannot be reached" in str(error)
        assert proxy.requests[0].startswith(b"CONNECT prices.example:443 ")
        assert TOKEN.encode() not in proxy.requests[0]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/b",
        "file:///etc/passwd",
        "http://",
        "http://u:p@h/x",
        "http://a b/",
        "http://a/b?c",
        "http://a/b#c",
        "x",
    ],
)
def test_an_address_that_is_none(url: str) -> None:
    assert [key for key, _ in web_faults(url, "")] == ["url"]
    assert [key for key, _ in web_faults("http://a/b", "socks5://a")] == ["proxy"]
    assert not list(web_faults("https://a.example/b", "http://p:3128"))
    refused(url)


def test_a_refused_connection() -> None:
    with serving() as server:
        url = server.url
    assert "ConnectionRefusedError" in str(refused(url + "/x"))


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after_s(" 120 ") == 120
    assert retry_after_s("Thu, 01 Jan 1970 00:00:00 GMT") == 0
    later_s = retry_after_s("Fri, 01 Jan 2100 00:00:00 GMT")
    assert later_s is not None
    assert later_s > 86_400
    for text in ("", "soon", "-1", "9" * 5000, "Thu, 99 Jan 1970 00:00:00 GMT", "\u0663"):
        assert retry_after_s(text) is None


def test_the_text_of_an_error_is_one_short_line() -> None:
    error = SignalError("a\nb\x1b[2J" + "c" * 100_000, retry=True)
    assert str(error).isprintable()
    assert len(str(error)) <= 1000


def test_json_that_is_none_is_said(server: Server) -> None:
    from agent.energy.signals.web import decoded

    for body in (b"", b"{", b"[]", b'{"a":', b"[" * 100_000, b"\xff", json.dumps("x" * 9000).encode()):
        with pytest.raises(SignalError, match="not the answer of this source") as raised:
            decoded(body, dict[str, int], "here")
        assert raised.value.retry
