# SPDX-License-Identifier: Apache-2.0
"""One GET, bounded in time, size and redirects. The standard library's client on a thread: nothing to install."""

from __future__ import annotations

import asyncio
import http.client
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from agent.energy.signals.interface import SignalError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 4_000_000
TIMEOUT_S = 20.0
CHUNK = 65_536


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A source that has moved is a matter for the operator: a token must not follow to another host."""

    def redirect_request(self, *_: object) -> None:
        return None


async def get(url: str, headers: Mapping[str, str] | None = None, timeout_s: float = TIMEOUT_S) -> bytes:
    """The body of a 200. Raises SignalError, which names the host and never the query, where a token may be."""
    return await asyncio.to_thread(_get, url, dict(headers or {}), timeout_s)


def _get(url: str, headers: dict[str, str], timeout_s: float) -> bytes:
    place = url.partition("?")[0]
    if not url.startswith(("http://", "https://")):
        raise SignalError(f"{place}: the address must begin with https:// or http://", retry=False)
    end_s = time.monotonic() + timeout_s
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "pgood", **headers})
        with opener.open(request, timeout=timeout_s) as answer:
            body = bytearray()
            while chunk := answer.read1(CHUNK):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise SignalError(f"{place}: the answer is larger than {MAX_BYTES} bytes", retry=True)
                if time.monotonic() > end_s:
                    raise SignalError(f"{place}: no whole answer within {timeout_s:g} s", retry=True)
            length = answer.headers.get("Content-Length", "")
            if length.isdecimal() and int(length) != len(body):
                raise SignalError(f"{place}: the answer was cut short", retry=True)
            return bytes(body)
    except urllib.error.HTTPError as error:
        with error:
            raise SignalError(
                f"{place} answered {error.code} {_cure(error.code)}",
                retry=error.code in (408, 429) or error.code >= 500,
                after_s=_seconds(error.headers.get("Retry-After", "")),
            ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SignalError(f"{place} cannot be reached: {type(error).__name__}: {error}", retry=True) from error


def _cure(code: int) -> str:
    if code in (401, 403):
        return "(check the token)"
    return "(it has moved: change the address)" if 300 <= code < 400 else ""


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 7 else None
