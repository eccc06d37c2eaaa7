# SPDX-License-Identifier: Apache-2.0
"""System info parameters: names and versions as texts (IPMI 2.0 section 22.14)."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from ipmi.board import Privilege
from ipmi.completion import Completion
from ipmi.dispatch import Command
from ipmi.message import NetFn

if TYPE_CHECKING:
    from ipmi.board import Identity, ParameterStore
    from ipmi.dispatch import Answer
    from ipmi.request import Request

_REVISION = 0x11
_REVISION_ONLY = 0x80
_ASCII = 0
_BLOCK = 16
_HEAD = 2
_LAST_BLOCK = 16
"""A text of 255 bytes with its two bytes of encoding and length fills 17 blocks."""


class SystemInfoCode(enum.IntEnum):
    UNSUPPORTED_PARAMETER = 0x80


class SystemInfo(enum.IntEnum):
    SET_IN_PROGRESS = 0
    FIRMWARE_VERSION = 1
    SYSTEM_NAME = 2
    PRIMARY_OS = 3
    PRESENT_OS = 4
    PRESENT_OS_VERSION = 5
    BMC_URL = 6
    MANIFEST_URL = 7


class SystemInfoCommands:
    """Texts that clients read and the host's software sets. Stored as their blocks: encoding, length, text."""

    def __init__(self, identity: Identity, store: ParameterStore) -> None:
        self._store = store
        self._in_progress = 0
        self._defaults = {SystemInfo.SYSTEM_NAME: identity.name}

    def commands(self) -> tuple[Command, ...]:
        app = NetFn.APP
        return (
            Command(app, 0x58, "Set System Info Parameters", Privilege.ADMINISTRATOR, self.set, 2, 18),
            Command(app, 0x59, "Get System Info Parameters", Privilege.USER, self.get, 4, 4),
        )

    async def set(self, request: Request) -> Answer:
        parameter, data = request.data[0], request.data[1:]
        if parameter == SystemInfo.SET_IN_PROGRESS:
            if len(data) != 1 or data[0] > 2:
                return Completion.INVALID_DATA
            self._in_progress = 1 if data[0] == 1 else 0
            return b""
        if parameter not in SystemInfo.__members__.values():
            return SystemInfoCode.UNSUPPORTED_PARAMETER
        block, text = data[0], data[1:]
        if block > _LAST_BLOCK:
            return Completion.PARAMETER_OUT_OF_RANGE
        if not text or (block == 0 and len(text) < _HEAD):
            return Completion.LENGTH_INVALID
        kept = b"" if block == 0 else (self._store.get(parameter) or b"")
        if block and not kept:
            return Completion.NOT_IN_PRESENT_STATE
        start = block * _BLOCK
        whole = kept[:start].ljust(start, b"\0") + text.ljust(_BLOCK, b"\0") + kept[start + _BLOCK :]
        await self._store.set(parameter, whole[: _HEAD + whole[1]])
        return b""

    def get(self, request: Request) -> Answer:
        """A text that nobody has set is answered with 80h, which clients take for `none`."""
        revision_only, (_, parameter, block, _) = request.data[0] & _REVISION_ONLY, request.data
        if parameter == SystemInfo.SET_IN_PROGRESS:
            return bytes((_REVISION,)) if revision_only else bytes((_REVISION, self._in_progress))
        blocks = self._blocks(parameter)
        if blocks is None:
            return SystemInfoCode.UNSUPPORTED_PARAMETER
        if revision_only:
            return bytes((_REVISION,))
        if block * _BLOCK >= len(blocks):
            return Completion.PARAMETER_OUT_OF_RANGE
        return bytes((_REVISION, block)) + blocks[block * _BLOCK : (block + 1) * _BLOCK].ljust(_BLOCK, b"\0")

    def _blocks(self, parameter: int) -> bytes | None:
        if parameter not in SystemInfo.__members__.values():
            return None
        stored = self._store.get(parameter)
        default = self._defaults.get(SystemInfo(parameter))
        if stored is not None or default is None:
            return stored
        text = default.encode("ascii", "replace")[:255]
        return bytes((_ASCII, len(text))) + text
