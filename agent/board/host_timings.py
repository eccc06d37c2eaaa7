# SPDX-License-Identifier: Apache-2.0
"""The times of each host: the profile's, with what was changed at run time over them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from agent.power.timing import HostTiming
from agent.profile.schema import TimingTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.profile.schema import HostTable, Profile
    from agent.store.settings import Settings

log = logging.getLogger(__name__)

KEYS = TimingTable.__struct_fields__


class TimingError(ValueError):
    """A change that cannot be; the text names the key and what it may be."""


class HostTimings:
    """Used on the loop's thread."""

    def __init__(self, profile: Profile, store: Settings) -> None:
        self._profile = profile
        self._hosts = {table.name: table for table in profile.hosts}
        self._store = store

    @staticmethod
    def key(host: str) -> str:
        return f"host.{host}.timing"

    def changes(self, host: str) -> Mapping[str, int]:
        """What was changed at run time."""
        stored: Mapping[str, int] = self._store.get(self.key(host), {})
        return stored

    def of(self, host: str) -> HostTiming:
        """What is in force. A stored change that the profile no longer allows is left out, and logged."""
        try:
            return self._timing(host, self.changes(host))
        except TimingError as error:
            log.error(
                "host %s: times changed at run time do not fit any more, the profile's are in force: %s", host, error
            )
            return self._timing(host, {})

    def row(self, host: str, change: Mapping[str, int | None]) -> dict[str, object]:
        """What is to be stored for a change, valid as a whole; None gives a key back to the profile.

        Raises TimingError.
        """
        if host not in self._hosts:
            raise TimingError(f"hosts.{host}: there is no such host; there are: {', '.join(self._hosts) or 'none'}")
        wanted: dict[str, Any] = {**self.changes(host), **change}
        kept = {key: value for key, value in wanted.items() if value is not None}
        self._timing(host, kept)
        return {self.key(host): kept}

    def _timing(self, host: str, changes: Mapping[str, Any]) -> HostTiming:
        table = self._hosts[host]
        document = {**msgspec.to_builtins(table.timing), **changes}
        try:
            timing = msgspec.convert(document, TimingTable)
        except msgspec.ValidationError as error:
            text, _, where = str(error).partition(" - at `$.")
            raise TimingError(f"hosts.{host}.timing.{where.rstrip('`')}: {text}" if where else text) from error
        self._check_hold(table, timing)
        return HostTiming(**{key: getattr(timing, key) for key in KEYS})

    def _check_hold(self, table: HostTable, timing: TimingTable) -> None:
        """The line engine would refuse a longer press than the line's limit; so it is refused here."""
        for key, name in (
            ("force_off_ms", table.power_button),
            ("power_press_ms", table.power_button),
            ("reset_press_ms", table.reset_button),
            ("nmi_press_ms", table.nmi_button),
        ):
            limit_ms = self._profile.lines[name].max_press_ms if name else None
            if limit_ms is not None and getattr(timing, key) > limit_ms:
                raise TimingError(
                    f"hosts.{table.name}.timing.{key}: line {name!r} may be pressed for {limit_ms} ms at most"
                )
