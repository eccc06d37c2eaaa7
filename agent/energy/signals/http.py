# SPDX-License-Identifier: Apache-2.0
"""One GET by the standard library's http.client: bounded in time, size and redirects, TLS always verified.

http.client reads no proxy variables, follows no redirect and keeps no connection: docs/energy-signals.md says why it
was chosen. Errors name the address without its query, and nothing that a server sent back: a token may be in both.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.energy.signals.interface import SignalError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

MAX_BYTES = 1_000_000
"""A day of quarters of everything that sources publish is a tenth of it."""
CHUNK = 65_536
RETRIED = frozenset({404, 408, 425, 429})
"""Besides 5xx: 404 is how some sources say that a day is not published yet."""


class HttpRefused(SignalError):
    """The server answered with another status than 200."""

    def __init__(self, place: str, status: int, after_s: float | None) -> None:
        retry = status in RETRIED or status >= 500
        super().__init__(f"{place} answered {status}{_cure(status)}", retry=retry, after_s=after_s)
        self.status = status


@dataclass(frozen=True, slots=True)
class Get:
    """What is asked for. `url` begins with http:// or https://; `proxy` is the URL of one, or empty."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 20.0
    """Of each wait for the network; who calls sets the deadline of the whole, and calls `cut`."""
    ca_file: str = ""
    """Certificates to trust instead of the system's."""
    proxy: str = ""
    max_bytes: int = MAX_BYTES
    page: bool = False
    """A web page for people is wanted."""


class Exchange:
    """One request. `run` blocks, on a thread; `cut` ends it from another one."""

    def __init__(self, get: Get) -> None:
        self._get = get
        self._place = get.url.partition("?")[0]
        self._connection: http.client.HTTPConnection | None = None
        self._is_cut = False

    def run(self) -> bytes:
        """The body of a 200. Raises SignalError."""
        try:
            connection = self._connection = self._connect()
            with contextlib.closing(connection):
                connection.connect()
                headers = {"User-Agent": "pgood", "Accept-Encoding": "identity", "Connection": "close"}
                connection.request("GET", self._target(), headers={**headers, **self._get.headers})
                return self._body(connection.getresponse())
        except TimeoutError:
            text = f"{self._place}: no whole answer within {self._get.timeout_s:g} s"
            raise SignalError(text, retry=True) from None
        except (OSError, ValueError) as error:
            why = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or ""
            text = f"{self._place} cannot be reached: {type(error).__name__} {why}".rstrip()
            raise SignalError(text, retry=True) from None
        except http.client.HTTPException as error:
            text = f"{self._place} does not speak HTTP as it should: {type(error).__name__}"
            raise SignalError(text, retry=True) from None

    def cut(self) -> None:
        """Every wait of `run` for this connection ends at once. Any thread; idempotent."""
        self._is_cut = True
        sock = self._connection.sock if self._connection is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # SSLSocket's own would let the reader go on in clear

    def _given_up(self) -> None:
        """Raises SignalError once nobody waits any more."""
        if self._is_cut:
            raise SignalError(f"{self._place}: given up", retry=True)

    def _connect(self) -> http.client.HTTPConnection:
        get = self._get
        parts = urllib.parse.urlsplit(get.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise SignalError(f"{self._place}: write http://HOST/PATH or https://HOST/PATH", retry=False)
        context = _context(get.ca_file, self._place) if parts.scheme == "https" else None
        port = parts.port or (443 if context else 80)
        if not get.proxy:
            return _Connection(parts.hostname, port, get.timeout_s, parts.hostname, context, self._given_up)
        proxy = urllib.parse.urlsplit(get.proxy)
        if proxy.scheme != "http" or not proxy.hostname:
            raise SignalError(f"{self._place}: proxy: write http://HOST:PORT", retry=False)
        connection = _Connection(
            proxy.hostname, proxy.port or 3128, get.timeout_s, parts.hostname, context, self._given_up
        )
        if context:
            connection.set_tunnel(parts.hostname, port)
        return connection

    def _target(self) -> str:
        """The whole URL for a proxy without tunnel."""
        parts = urllib.parse.urlsplit(self._get.url)
        if self._get.proxy and parts.scheme == "http":
            return urllib.parse.urlunsplit(parts._replace(fragment=""))
        return urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))

    def _body(self, answer: http.client.HTTPResponse) -> bytes:
        if answer.status != 200:
            raise HttpRefused(self._place, answer.status, retry_after_s(answer.getheader("Retry-After", "")))
        if answer.getheader("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            raise SignalError(f"{self._place}: the answer is packed, though that was not asked for", retry=True)
        if not self._get.page and "text/html" in answer.getheader("Content-Type", "").lower():
            why = "answered a web page in place of data: check the address, or log in to the network"
            raise SignalError(f"{self._place} {why}", retry=True)
        body = bytearray()
        while chunk := answer.read1(CHUNK):
            body += chunk
            if len(body) > self._get.max_bytes:
                raise SignalError(f"{self._place}: the answer is larger than {self._get.max_bytes} bytes", retry=True)
        length = answer.getheader("Content-Length", "")
        if not answer.chunked and length.isdecimal() and int(length) != len(body):
            raise SignalError(f"{self._place}: the answer was cut short", retry=True)
        return bytes(body)


class _Connection(http.client.HTTPConnection):
    """`sock` is set before the handshake, so that a server that drips it can be cut off."""

    def __init__(
        self,
        host: str,
        port: int,
        timeout_s: float,
        name: str,
        context: ssl.SSLContext | None,
        given_up: Callable[[], None],
    ) -> None:
        """`name` is what the certificate must be for; `given_up` raises when nobody waits any more."""
        super().__init__(host, port, timeout=timeout_s)
        self._name = name
        self._context = context
        self._given_up = given_up

    def connect(self) -> None:
        super().connect()
        if self._context is not None:
            wrapped = self._context.wrap_socket(self.sock, server_hostname=self._name, do_handshake_on_connect=False)
            self.sock = wrapped
            self._given_up()
            wrapped.do_handshake()
        self._given_up()


def _context(ca_file: str, place: str) -> ssl.SSLContext:
    import ssl

    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", "") or type(error).__name__
        raise SignalError(f"{place}: ca_file {ca_file} cannot be used: {why}", retry=False) from None


def retry_after_s(text: str) -> float | None:
    """Seconds, or a date (RFC 9110, 10.2.3); None for anything else."""
    text = text.strip()
    if text.isascii() and text.isdecimal() and len(text) < 9:
        return float(text)
    from email.utils import parsedate_to_datetime

    try:
        return max(parsedate_to_datetime(text[:64]).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _cure(status: int) -> str:
    if status in (401, 403):
        return " (check the token)"
    return " (it has moved: change the address)" if 300 <= status < 400 else ""
