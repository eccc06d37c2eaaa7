# SPDX-License-Identifier: Apache-2.0
"""What all sources on the network share: their options, one request with a deadline, JSON of a known shape."""

from __future__ import annotations

import threading
import urllib.parse
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec

from agent.energy.signals.http import MAX_BYTES, Exchange, Get
from agent.energy.signals.interface import SignalError
from agent.energy.signals.kind import SignalOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from agent.energy.signals.kind import Around, Fault

T = TypeVar("T")


class WebOptions(SignalOptions, frozen=True, kw_only=True):
    """Proxy variables of the environment are never honoured: what is not in the site file does not happen."""

    timeout_s: Annotated[float, msgspec.Meta(ge=0.1, le=120)] = 20.0
    """For the whole answer."""
    ca_file: str = ""
    """A file with certificates to trust instead of the system's; TLS is always verified."""
    proxy: str = ""
    """`http://HOST:PORT` of a proxy; without it there is none."""


def web_faults(url: str, proxy: str, *, query: bool = False) -> Iterator[Fault]:
    """What is wrong with these addresses; `query`: the URL may have one."""
    if not _is_address(url, ("http", "https")) or "#" in url or ("?" in url and not query):
        yield "url", "write http://HOST/PATH or https://HOST/PATH, without user or password"
    if proxy and not _is_address(proxy, ("http",)):
        yield "proxy", "write http://HOST:PORT"


def _is_address(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
        good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return good and not parts.username and not parts.password and url.isascii() and url.isprintable() and " " not in url


class Web:
    """The way of one signal to its server. Used on the loop's thread; connections and parsing are on another."""

    def __init__(self, options: WebOptions, around: Around) -> None:
        self._options = options
        self._thread = around.thread

    async def get(
        self,
        url: str,
        query: Mapping[str, str | int],
        parse: Callable[[bytes], T],
        headers: Callable[[], Mapping[str, str]] = dict,
        *,
        secret_query: Callable[[], Mapping[str, str]] = dict,
        page: bool = False,
        max_bytes: int = MAX_BYTES,
    ) -> T:
        """What `parse` makes of the body. `headers` and `secret_query` are asked on the thread: they read files.

        Raises SignalError.
        """
        options = self._options
        exchanges: list[Exchange] = []
        given_up = threading.Event()

        def work() -> T:
            whole = urllib.parse.urlencode({**query, **secret_query()})
            address = f"{url}?{whole}" if whole else url
            get = Get(address, headers(), options.timeout_s, options.ca_file, options.proxy, max_bytes, page)
            exchanges.append(Exchange(get))
            if given_up.is_set():  # while files were read
                exchanges[0].cut()
            return parse(exchanges[0].run())

        def cut() -> None:
            given_up.set()
            for exchange in exchanges:
                exchange.cut()

        return await self._thread.run(work, options.timeout_s, cut)


def decoded(body: bytes, shape: type[T], place: str) -> T:
    """JSON of this shape. Raises SignalError."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        text = f"{place}: not the answer of this source: {error}; has it changed its form?"
        raise SignalError(text, retry=True) from None
