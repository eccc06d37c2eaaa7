# SPDX-License-Identifier: Apache-2.0
"""Feeds the restore decision with what happens on the board, keeps what must survive, and lets hosts be switched on.

Sources of mains: an input line that the profile names, else the inputs of the supplies. A boot of the board without a
clean stop before it counts only where the site file says so (safety rule 12).
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.events.event import EventKind
from agent.power.effects import PowerGood
from agent.power.mains_restore import HostRecord, MainsRestore, Remembered
from agent.power.request import Action, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.power.host import Host
    from agent.power.request import Reply
    from agent.power.restore import RestorePolicy
    from agent.profile.site import SitePolicy
    from agent.store.settings import Settings

log = logging.getLogger(__name__)

ORIGIN = "restore"
"""Origin of its requests: `restore:on` or `restore:previous`."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
WANTS_OFF = {Action.SOFT_OFF: True, Action.FORCE_OFF: True, Action.ON: False, Action.CYCLE: False, Action.RESET: False}


class Restoration:
    """Used on the loop's thread. `start` once the hosts exist, `close` while the store is still open."""

    def __init__(
        self,
        hosts: Mapping[str, Host],
        settings: Settings,
        site: SitePolicy,
        policy: RestorePolicy,
        emit: Callable[..., object],
        switch_on: Callable[[Sequence[str], Request], Reply],
        boot_id_file: Path = BOOT_ID,
    ) -> None:
        self._hosts = hosts
        self._settings = settings
        self._site = site
        self._policy = policy
        self._emit = emit
        self._switch_on = switch_on
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._writer: asyncio.Task[None] | None = None
        self._boot_id = _read_boot_id(boot_id_file)
        self._clean = False
        self._restore = MainsRestore(
            delay_ns=round(site.restore_delay_s * 1e9),
            hosts={name: HostRecord(self._remembered(name)) for name in hosts},
        )

    def start(self) -> None:
        """Begin with what earlier runs knew."""
        outage = self._settings.get("restore.outage") is True
        if not outage and self._unclean_boot():
            outage = self._site.assume_unclean_boot_is_mains_loss
            text = "taken" if outage else "not taken"
            log.warning("the board was not stopped cleanly before this boot; %s as a mains loss", text)
        self._become(self._restore.started(outage, time.monotonic_ns()))

    async def close(self) -> None:
        """Note that this was a clean stop. Raises nothing."""
        if self._timer:
            self._timer.cancel()
        self._clean = True
        self._write()
        if self._writer:
            await self._writer

    def mains_failed(self, host: str) -> bool:
        """Whether the mains took this host down and nobody has asked for anything since."""
        return self._restore.hosts[host].mains_failed

    # ------------------------------------------------------------------ what happens

    def told(self, host: Host, kind: EventKind) -> None:
        """The host's machine tells an event."""
        if kind is EventKind.HOST_OFF and host.view().running is not Action.CYCLE:
            self._become(self._restore.went_off(host.name))
        elif kind is EventKind.HOST_POWER_LOST:
            self._become(self._restore.power_lost(host.name, time.monotonic_ns()))

    def host_changed(self, host: Host) -> None:
        restore, now_ns = self._restore, time.monotonic_ns()
        if host.power_good is None:
            self._become(restore.unknown(host.name))
        elif host.power_good is PowerGood.OFF:
            self._become(restore.seen_off(host.name, now_ns))
        elif not restore.hosts[host.name].known or restore.hosts[host.name].off_since_ns is not None:
            self._become(restore.came_on(host.name))

    def asked(self, host: Host, request: Request) -> None:
        """A request was accepted, or found the host as wanted."""
        if request.action in WANTS_OFF and not request.origin.startswith(ORIGIN):
            self._become(self._restore.asked(host.name, WANTS_OFF[request.action]))

    def mains(self, present: bool | None) -> None:
        """What a source of mains says; None = it cannot tell, which changes nothing."""
        if present is not None:
            self._become(self._restore.mains_changed(present, time.monotonic_ns()))

    # ------------------------------------------------------------------ time and memory

    def _become(self, restore: MainsRestore) -> None:
        self._restore = restore
        self._write()
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if restore.deadline_ns is not None:
            delay_s = max(0.0, (restore.deadline_ns - time.monotonic_ns()) / 1e9) + 0.001
            self._timer = self._loop.call_later(delay_s, self._expired)

    def _expired(self) -> None:
        restore, presses = self._restore.expired(self._policy.current, time.monotonic_ns())
        self._become(restore)
        for press in presses:
            self._emit(EventKind.HOST_RESTORED, f"host/{press.host}", press.host, press.policy.value)
        if presses:
            names = [press.host for press in presses]
            reply = self._switch_on(names, Request(Action.ON, f"{ORIGIN}:{presses[0].policy.value}"))
            log.info("switched on after a mains loss: %s: %s %s", ", ".join(names), reply.verdict.value, reply.reason)
            for name in names if not reply.verdict.good else ():
                self._emit(EventKind.HOST_ACTION_FAILED, f"host/{name}", name, Action.ON.value, reply.reason)

    def _memory(self) -> dict[str, Any]:
        hosts = self._restore.hosts
        values: dict[str, Any] = {
            f"restore.host.{name}": {"running": record.remembered.running, "user_off": record.remembered.user_off}
            for name, record in hosts.items()
        }
        values["restore.outage"] = self._restore.outage or any(record.pending for record in hosts.values())
        values["restore.boot"] = {"id": self._boot_id, "clean": self._clean}
        return values

    def _write(self) -> None:
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._put(), name="restore-memory")

    async def _put(self) -> None:
        written: dict[str, Any] = {}
        while (values := self._memory()) != written:
            try:
                await self._settings.put(values)
            except OSError as error:
                log.error("not stored: %s; after a mains loss the restore policy works with older facts", error)
                return
            written = values

    def _remembered(self, host: str) -> Remembered:
        match self._settings.get(f"restore.host.{host}"):
            case {"running": bool(running), "user_off": bool(user_off)}:
                return Remembered(running, user_off)
            case _:
                return Remembered()

    def _unclean_boot(self) -> bool:
        match self._settings.get("restore.boot"):
            case {"id": str(boot), "clean": bool(clean)}:
                return not clean and boot not in ("", self._boot_id)
            case _:
                return False


def _read_boot_id(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
