# SPDX-License-Identifier: Apache-2.0
"""Packet protection in C (frame.c): a whole datagram per call."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any

from ipmi.crypto import packet_keys
from ipmi.protection._frame import ffi as _ffi
from ipmi.protection._frame import lib as _lib
from ipmi.protection.interface import Forged
from ipmi.wire import MalformedPacket

if TYPE_CHECKING:
    from ipmi.crypto import Suite

_OK, _MALFORMED, _UNAUTHENTIC = _lib.FRM_OK, _lib.FRM_MALFORMED, _lib.FRM_UNAUTHENTIC
_UNREADABLE = _lib.FRM_UNREADABLE
_HASH_BITS = {"sha1": 160, "sha256": 256}


@functools.cache
def is_available() -> bool:
    """Whether OpenSSL 3 is on this machine, as it is wherever Debian's Python is."""
    return bool(_lib.FRM_Initialise() == 0)


class CompiledProtection:
    """Implements Protection over one FRM_Keys. Raises MemoryError when the library cannot make them."""

    __slots__ = ("_keys",)

    def __init__(self, suite: Suite, session_key: bytes) -> None:
        if not is_available():
            raise RuntimeError("libcrypto.so.3 is not on this machine")
        k1, k2 = packet_keys(suite, session_key)
        keys = _lib.FRM_NewKeys(_HASH_BITS[suite.digest], k1, k2)
        if keys == _ffi.NULL:
            raise MemoryError("no room for the keys of a session")
        self._keys = _ffi.gc(keys, _lib.FRM_FreeKeys)

    def open(self, datagram: bytes) -> tuple[int, int, bytes | None]:
        opened = _rooms.opened
        status = _lib.FRM_Open(self._keys, datagram, len(datagram), opened)
        if status == _OK:
            return opened.payload_type, opened.sequence, _ffi.unpack(opened.payload, opened.length)
        if status == _UNAUTHENTIC:
            raise Forged
        if status == _UNREADABLE:
            return opened.payload_type, opened.sequence, None
        raise MalformedPacket("protection" if status == _MALFORMED else "the cipher library failed")

    def seal(self, payload_type: int, session_id: int, sequence: int, payload: bytes) -> bytes:
        room = _rooms.datagram
        length = _lib.FRM_Seal(self._keys, payload_type, session_id, sequence, payload, len(payload), room)
        if not length:
            raise ValueError(f"payload of {len(payload)} bytes, or the cipher library failed")
        return bytes(_ffi.unpack(room, length))


class _Rooms(threading.local):
    """Where C puts what it opened and what it sealed: one for all sessions of a thread.

    Two servers in one process have a thread each, and C runs without the interpreter's lock: in a room for both, one
    would find the other's command.
    """

    def __init__(self) -> None:
        self.opened: Any = _ffi.new("FRM_Opened *")
        self.datagram: Any = _ffi.new("char[]", _lib.FRM_MAXIMUM)


_rooms = _Rooms()
