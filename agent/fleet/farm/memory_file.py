# SPDX-License-Identifier: Apache-2.0
"""What the automation keeps over its own restarts, in a file that is replaced in one step, and what it tells its likes.

Times are of the computer's clock since its boot, so they end with it; dates hold on.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from agent.fleet.farm.model import Memory
from agent.store.private import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

FORMAT = 1
MAX_BYTES = 4_000_000
Dates = dict[str, str]
Times = dict[str, int]


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    boot: str
    daily: Dates
    random: Dates
    daily_ns: Times
    random_ns: Times
    failed_ns: Times
    seen_ns: Times


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    daily: Dates
    random: Dates


@dataclass(frozen=True, slots=True)
class Kept:
    memory: Memory = field(default_factory=Memory)
    seen_ns: Mapping[str, int] = field(default_factory=dict)
    """When each machine was last seen up."""


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """`boot` is this boot of the computer. Calls block for the disk."""

    file: Path
    boot: str

    def read(self) -> Kept:
        """A damaged file is as good as none: what is lost are a few wakes too many."""
        try:
            kept = msgspec.json.decode(self.file.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return Kept()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            log.warning("%s: cannot be read (%s): the automation begins anew", self.file, error)
            return Kept()
        if kept.format != FORMAT:
            log.warning("%s: has format %d, this pgood knows %d: it begins anew", self.file, kept.format, FORMAT)
            return Kept()
        memory = Memory(kept.daily, kept.random)
        if not self.boot or kept.boot != self.boot:
            return Kept(memory)
        times = replace(memory, daily_ns=kept.daily_ns, random_ns=kept.random_ns, failed_ns=kept.failed_ns)
        return Kept(times, kept.seen_ns)

    def write(self, memory: Memory, seen_ns: Mapping[str, int]) -> None:
        """It outlasts a power cut when this returns. Raises OSError."""
        content = _Kept(
            FORMAT,
            self.boot,
            dict(memory.daily),
            dict(memory.random),
            dict(memory.daily_ns),
            dict(memory.random_ns),
            dict(memory.failed_ns),
            dict(seen_ns),
        )
        write_private(self.file, msgspec.json.encode(content) + b"\n")


def told(memory: Memory) -> bytes:
    """The dates, for whoever leads next."""
    return msgspec.json.encode(_Told(dict(memory.daily), dict(memory.random)))


def merged(memory: Memory, payload: bytes) -> Memory:
    """With the later of the dates known here and those that another one told. What is no such word changes nothing."""
    try:
        if len(payload) > MAX_BYTES:
            raise ValueError("too long")
        other = msgspec.json.decode(payload, type=_Told)
    except (ValueError, RecursionError) as error:
        log.warning("what the last automation told is not believed: %s", error)
        return memory
    return replace(memory, daily=_later(memory.daily, other.daily), random=_later(memory.random, other.random))


def _later(ours: Mapping[str, str], others: Mapping[str, str]) -> Dates:
    """Dates of the form 2026-11-21 are in the order of their texts."""
    return {name: max(ours.get(name, ""), others.get(name, "")) for name in {**ours, **others}}
