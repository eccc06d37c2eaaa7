# SPDX-License-Identifier: Apache-2.0
"""What zones and fans are heard to say and to ask, in tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent.events.event import EventKind


class RecordedEmergency:
    """Implements agent.power.gate.EmergencyPath; switches nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[str, ...], str]] = []
        self.broken = False

    def soft_off(self, domains: Collection[str], origin: str, why: str) -> str:
        return self._ask("soft-off", domains, origin)

    def emergency_off(self, domains: Collection[str], origin: str, why: str) -> str:
        return self._ask("emergency-off", domains, origin)

    def _ask(self, what: str, domains: Collection[str], origin: str) -> str:
        if self.broken:
            raise RuntimeError("no path")
        self.asked.append((what, tuple(domains), origin))
        return f"op-{len(self.asked)}"


class RecordedEvents:
    """Stands for the event bus's `emit`."""

    def __init__(self) -> None:
        self.told: list[tuple[EventKind, str, tuple[str, ...]]] = []

    def __call__(self, kind: EventKind, source: str, *args: str) -> None:
        self.told.append((kind, source, args))

    def kinds(self) -> list[EventKind]:
        return [kind for kind, _, _ in self.told]
