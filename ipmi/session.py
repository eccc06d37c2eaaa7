# SPDX-License-Identifier: Apache-2.0
"""One established session: keys, sequence numbers, who is behind it and the last answer given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipmi.board import Privilege
from ipmi.request import Caller
from ipmi.window import ReplayWindow
from ipmi.wire import PayloadType

if TYPE_CHECKING:
    from ipmi.endpoint import ReplyPath
    from ipmi.protection import Protection

Source = tuple[str, int] | tuple[str, int, int, int]
"""Socket address of a client: host, port and for IPv6 two numbers more."""

_MAPPED = "::ffff:"


def client_address(source: Source) -> str:
    """The client's address as people write it: without the prefix that an IPv6 socket puts before IPv4."""
    return source[0].removeprefix(_MAPPED)


REPLY_KEPT_S: Final = 10.0
"""A lost answer is asked for again within seconds; later the same bytes are a new request."""


@dataclass(frozen=True, slots=True)
class Established:
    """What a login leaves behind for the session that follows."""

    session_id: int
    console_id: int
    user_id: int
    name: bytes
    limit: Privilege
    protection: Protection
    final_request: bytes
    """RAKP message 3 and its answer, kept until the client shows that the answer arrived."""
    final_answer: bytes


class Session:
    """State of one session. Not thread-safe: it belongs to the session layer."""

    __slots__ = (
        "_sequence",
        "answer",
        "answered_at",
        "caller",
        "console_id",
        "final_answer",
        "final_request",
        "handle",
        "id",
        "open",
        "path",
        "port",
        "protection",
        "request",
        "seen_at",
        "source",
        "window",
    )

    def __init__(self, login: Established, handle: int, source: Source, now: float) -> None:
        self.id = login.session_id
        self.console_id = login.console_id
        self.handle = handle
        self.protection = login.protection
        self.window = ReplayWindow()
        self.source = source
        self.seen_at = now
        self.open = True
        self.path: ReplyPath | None = None
        """The way by which its last packet came, for what is sent unasked."""
        self.port = 0
        """The server's port that the client speaks to."""
        self.final_request = login.final_request
        self.final_answer = login.final_answer
        self.caller = Caller(
            login.session_id,
            login.user_id,
            login.name,
            min(Privilege.USER, login.limit),
            login.limit,
            client_address(source),
        )
        self.request = b""
        """Bytes of the last request, to know it again when the client repeats it."""
        self.answer: bytes | None = None
        """The answer to it; None while it is being worked on."""
        self.answered_at = now
        self._sequence = 0

    def heard(self, source: Source, now: float) -> None:
        """Note an authentic packet: the session lives on, and answers go where it came from."""
        self.seen_at = now
        self.final_request = b""
        if source != self.source:
            self.source = source
            if client_address(source) != self.caller.address:
                self._become(self.caller.privilege)

    def set_privilege(self, level: int) -> None:
        """Change the present level; the caller has checked it against the limit."""
        self._become(level)

    def seal(self, payload: bytes, kind: int = PayloadType.IPMI) -> bytes:
        """A datagram that carries `payload` to the client, encrypted and signed."""
        self._sequence = self._sequence % 0xFFFFFFFF + 1
        return self.protection.seal(kind, self.console_id, self._sequence, payload)

    def _become(self, level: int) -> None:
        old = self.caller
        self.caller = Caller(old.session_id, old.user_id, old.name, level, old.limit, client_address(self.source))
