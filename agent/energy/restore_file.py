# SPDX-License-Identifier: Apache-2.0
"""A file that says what to put back, written before anything is changed: a killed agent's successor reads it.

It is a file of its own and no row of the database, so that it is on the disk before the first write, synchronously.
"""

from __future__ import annotations

import logging
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from agent.store.private import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

FORMAT = 1
MAX_BYTES = 1_000_000
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
NOTHING: Mapping[str, str] = MappingProxyType({})


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    boot: str
    """Of which boot this was; empty = it holds over a reboot."""
    values: dict[str, str]


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    actuators: dict[str, _Entry]


def boot_id(file: Path = BOOT_ID) -> str:
    """This boot of the computer. Empty where the kernel does not tell."""
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


class RestoreFile:
    """What each actuator found, by its name. Calls block for a sync of the disk; from one thread at a time."""

    def __init__(self, file: Path, boot: str | None = None) -> None:
        """Reads the file. One that is damaged is put aside, and said; the agent goes on without it."""
        self.file = file
        self._boot = boot_id() if boot is None else boot
        self._entries: dict[str, _Entry] = {}
        self._read()

    def left(self, actuator: str) -> Mapping[str, str]:
        """What is still to be put back; nothing after a reboot that has undone it."""
        entry = self._entries.get(actuator)
        return NOTHING if entry is None else MappingProxyType(entry.values)

    def keep(self, actuator: str, values: Mapping[str, str], *, outlives_boot: bool = False) -> None:
        """On the disk when this returns. Raises OSError; then nothing may be changed."""
        entry = _Entry("" if outlives_boot else self._boot, dict(values))
        self._write({**self._entries, actuator: entry})

    def forget(self, actuator: str) -> None:
        """It was put back. Raises OSError; then it would be put back once more."""
        if actuator in self._entries:
            self._write({name: entry for name, entry in self._entries.items() if name != actuator})

    def _read(self) -> None:
        try:
            with self.file.open("rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return
        except OSError as error:
            log.error("%s cannot be read, what an earlier agent changed stays: %s", self.file, error)
            return
        try:
            content = msgspec.json.decode(raw[:MAX_BYTES], type=_Content)
            if content.format != FORMAT:
                raise ValueError(f"format {content.format}, this pgood knows {FORMAT}")
        except (ValueError, RecursionError) as error:
            aside = self.file.with_name(self.file.name + ".damaged")
            log.error("%s is damaged (%s): put aside as %s; limits stay as they are", self.file, error, aside.name)
            try:
                self.file.replace(aside)
            except OSError as refused:
                log.error("%s: %s", self.file, refused)
            return
        self._entries = {
            name: entry for name, entry in content.actuators.items() if not entry.boot or entry.boot == self._boot
        }

    def _write(self, entries: dict[str, _Entry]) -> None:
        if entries:
            write_private(self.file, msgspec.json.encode(_Content(FORMAT, entries)) + b"\n")
        else:
            self.file.unlink(missing_ok=True)
        self._entries = entries
