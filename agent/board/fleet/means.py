# SPDX-License-Identifier: Apache-2.0
"""What a machine of the fleet is seen and switched by: a host of the board, or the computer that pgood runs on.

Both are switched by the power manager, like any other request; the board itself never is.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Protocol

from agent.fleet.node.command import printed
from agent.fleet.node.core import Seen
from agent.fleet.node.documents import Direction
from agent.fleet.node.switch import Switch
from agent.fleet.node.users import listed, logged_in
from agent.fleet.node.wake_ability import WakeAbility
from agent.hardware.port_thread import PortThread
from agent.power.request import Action, HostState, Reply, Request, Verdict

if TYPE_CHECKING:
    from agent.board.services import Services
    from agent.fleet.node.command import Run
    from agent.fleet.node.wake_probe import WakeProbe

log = logging.getLogger(__name__)

ASK_S = 8.0
"""Two programs and what they may take."""
CARDS_S = 20.0
CARDS_EVERY_NS = 60_000_000_000
"""A card is armed, or loses its link, seldom."""
NOT_LOOKED = WakeAbility((), "its network cards were not looked at yet")
BOARD_ABILITY = WakeAbility((), "a board stays up")
STUCK = "is held up by a program that does not end"


Asked = tuple[Reply, asyncio.Future[Reply] | None]
"""The manager's first word, and what becomes of it if it was accepted."""


class Means(Protocol):
    """Used on the loop's thread."""

    async def look(self) -> None:
        """Find out what takes time. Raises nothing of the outside."""
        ...

    def seen(self, now_ns: int) -> Seen:
        """What is known now; returns at once."""
        ...

    def switch(self, action: Action, node: str) -> Asked:
        """Ask the power manager. `node`: this machine, or one that a board wakes."""
        ...

    def close(self) -> None: ...


class HostMeans:
    """A host that is wired to the board: awake as long as its power is good."""

    def __init__(self, services: Services, host: str, node: str, pinned: str, users: tuple[str, ...]) -> None:
        """`users` is a program that lists who uses it; empty = nobody is asked."""
        self._services = services
        self._name = host
        self._origin = f"fleet:{node}"
        self._pinned = pinned
        self._command = users
        self._asking: PortThread[Run] = PortThread(f"fleet-{host}", printed, f"the users' command of {node} {STUCK}")
        self._users: tuple[str, ...] | None = None if users else ()
        self._up_ns = 0
        self._last: tuple[int, bool] | None = None

    async def look(self) -> None:
        if self._command:
            self._users = await asked(self._asking, self._command)

    def seen(self, now_ns: int) -> Seen:
        actual = self._actual()
        if self._last is not None and self._last[1]:
            self._up_ns += now_ns - self._last[0]
        self._last = (now_ns, actual is Direction.UP)
        never = self._services.hosts[self._name].refusal(Request(Action.ON, self._origin))
        unable = "" if never is None else never.reason
        return Seen(self._up_ns, WakeAbility((), unable), self._users, self._pinned, actual)

    def switch(self, action: Action, node: str) -> Asked:
        return self._services.manager.ask(self._name, Request(action, self._origin))

    def close(self) -> None:
        self._asking.close()

    def _actual(self) -> Direction | None:
        return sensed(self._services, self._name)


class BoardMeans:
    """A board among the nodes that it wakes: it stays, and switches their machines on when their turn comes."""

    def __init__(self, services: Services, node: str, wakes: dict[str, str]) -> None:
        """`wakes`: the host of this board that stands for the machine of each node."""
        self._services = services
        self._origin = f"fleet:{node}"
        self._wakes = wakes

    async def look(self) -> None:
        """Nothing takes time: the power senses of hosts are followed anyway."""

    def seen(self, now_ns: int) -> Seen:
        switches = tuple(self._switch(node, host) for node, host in self._wakes.items())
        return Seen(time.monotonic_ns(), BOARD_ABILITY, (), switches=switches)

    def switch(self, action: Action, node: str) -> Asked:
        host = self._wakes.get(node)
        if host is None or action is not Action.ON:
            return Reply(Verdict.BLOCKED, "a board only switches on the nodes that it wakes"), None
        if not self._switch(node, host).ready:
            return Reply(Verdict.BLOCKED, f"host {host} is not seen to be off"), None
        return self._services.manager.ask(host, Request(action, self._origin))

    def close(self) -> None:
        """There is nothing to close."""

    def _switch(self, node: str, host: str) -> Switch:
        never = self._services.hosts[host].refusal(Request(Action.ON, self._origin))
        return Switch(node, sensed(self._services, host), "" if never is None else never.reason)


def sensed(services: Services, name: str) -> Direction | None:
    """Whether a host runs, by its power sense; None = it cannot be seen."""
    host = services.hosts[name]
    view = host.view()
    if view.state is HostState.UNKNOWN or host.power_good is None:
        return None
    return Direction.UP if view.powered or view.state is HostState.CYCLING else Direction.DOWN


class OwnMeans:
    """The computer that pgood runs on: the profile's one host stands for its operating system."""

    def __init__(
        self, services: Services, host: str, node: str, pinned: str, users: tuple[str, ...], probe: WakeProbe
    ) -> None:
        """`users` is a program that lists who uses it; empty = the sessions of logind count."""
        self._services = services
        self._name = host
        self._origin = f"fleet:{node}"
        self._pinned = pinned
        self._command = users
        self._asking: PortThread[Run] = PortThread("fleet-users", printed, f"who uses {node} is not known: it {STUCK}")
        self._cards = PortThread("fleet-cards", probe, f"ethtool {STUCK}")
        self._users: tuple[str, ...] | None = None
        self._ability = NOT_LOOKED
        self._cards_ns: int | None = None

    async def look(self) -> None:
        self._users = await asked(self._asking, self._command)
        now_ns = time.monotonic_ns()
        if self._cards_ns is None or now_ns - self._cards_ns >= CARDS_EVERY_NS:
            self._cards_ns = now_ns
            try:
                self._ability = await self._cards.call(lambda probe: probe.look(), CARDS_S)
            except (OSError, TimeoutError) as error:
                self._ability = WakeAbility((), str(error))

    def seen(self, now_ns: int) -> Seen:
        never = self._services.hosts[self._name].refusal(Request(Action.SOFT_OFF, self._origin))
        pinned = self._pinned or ("" if never is None else never.reason)
        return Seen(time.monotonic_ns(), self._ability, self._users, pinned)

    def switch(self, action: Action, node: str) -> Asked:
        return self._services.manager.ask(self._name, Request(action, self._origin))

    def close(self) -> None:
        self._asking.close()
        self._cards.close()


async def asked(thread: PortThread[Run], command: tuple[str, ...]) -> tuple[str, ...] | None:
    """Who uses a machine; None = that cannot be found out."""
    try:
        return await thread.call(lambda run: listed(command, run) if command else logged_in(run), ASK_S)
    except (OSError, TimeoutError) as error:
        log.warning("fleet: %s", error)
        return None
