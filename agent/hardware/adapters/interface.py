# SPDX-License-Identifier: Apache-2.0
"""What a power adapter is: one way to switch a machine, or to see whether it has power (docs/adapters.md).

A package publishes an `AdapterKind` under the entry-point group `pgood.adapters`; the entry point's name is what a
profile writes as `kind`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import msgspec

from agent.profile.base import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from agent.hardware.adapters.engine_lines import EngineLines
    from agent.hardware.i2c_bus import I2cBus
    from agent.profile.schema import Profile

ENTRY_POINTS = "pgood.adapters"
"""Name of the entry-point group."""


class Ability(enum.Enum):
    """What an adapter can do. The value is the key of a host's `[hosts.controls]`."""

    ON = "on"
    OFF = "off"
    """Cut the power, whatever the operating system does."""
    SOFT_OFF = "soft_off"
    """Ask the operating system to shut down."""
    RESET = "reset"
    NMI = "nmi"
    SENSE = "sense"
    """Tell whether the machine has power."""


LEVEL_ABILITIES = frozenset({Ability.ON, Ability.OFF})
"""These say what shall be: doing one twice is doing it once. A press, a reset and an NMI are never repeated."""


class Level(enum.Enum):
    """Whether the machine has main power."""

    OFF = "off"
    ON = "on"
    SLEEPING = "sleeping"
    """Only a power LED tells it."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sense:
    """What is known of the machine's power now; `reason` says why it is unknown, in one sentence for a person."""

    level: Level
    reason: str = ""


class AdapterError(Exception):
    """The adapter could not do it; one sentence that names the place and the cure, without any secret."""


class PreconditionFailed(AdapterError):
    """The machine was not in the state that the decision was made for; nothing was sent (safety rule 3)."""


@dataclass(frozen=True, slots=True)
class Precondition:
    """The state that the machine must be in when a command is sent."""

    level: Level
    still: Callable[[], bool] = lambda: True
    """Whether the host's sense says so at this instant; answers at once."""
    own: bool = True
    """The host's sense is this very adapter: an adapter that can look afresh does so, and gives what it saw."""
    stable_ms: int = 0
    """So long the sense must have been steady."""

    def confirm(self, fresh: Level | None = None) -> None:
        """Call immediately before the command, with what was just seen of an own sense. Raises PreconditionFailed."""
        seen = fresh if self.own and fresh is not None else self.level
        if seen is not self.level or not self.still():
            found = f"it is {seen.value}" if seen is not self.level else "its state has changed"
            raise PreconditionFailed(f"the machine was to be {self.level.value} and {found}; nothing was sent")


class PowerAdapter(Protocol):
    """One way to switch one machine. Used on the loop's thread; no method may block it.

    The board gives every call a deadline (`timeout_s` of the options) and cancels what overruns it.
    """

    @property
    def abilities(self) -> frozenset[Ability]:
        """What `act` accepts, and SENSE where `tell` is used. Never changes."""
        ...

    @property
    def reports(self) -> bool:
        """Whether its own sense proves what ON and OFF did, so that they may be tried again (safety rule 5)."""
        ...

    async def start(self, tell: Callable[[Sense], None]) -> None:
        """Begin to watch; returns soon and sends no command. Raises AdapterError; it is then tried again later.

        `tell` is called on the loop's thread with every settled change, with UNKNOWN and a reason as soon as the
        truth cannot be told, and never again after `close`.
        """
        ...

    async def act(self, ability: Ability, when: Precondition) -> None:
        """Send one command, after `when.confirm(...)`; returns when it was carried out as far as can be told.

        Raises PreconditionFailed (nothing was sent) or AdapterError. Never repeats a command by itself.
        """
        ...

    async def close(self) -> None:
        """Let go of everything. Moves nothing: the machine stays as it is (safety rule 9). Idempotent."""
        ...


class AdapterOptions(Table, frozen=True, kw_only=True):
    """Base of every adapter's options: the keys of `[adapters.NAME]` in the profile and in the site file."""

    timeout_s: Annotated[float, msgspec.Meta(ge=0.1, le=120)] = 5.0
    """Deadline of each command, in seconds."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the board lends to its adapters."""

    place: str
    """Of the adapter in the profile, `adapters.NAME`: errors begin with it."""
    profile: Profile
    lines: EngineLines | None = None
    buses: Mapping[str, I2cBus] = field(default_factory=dict)

    def error(self, text: str) -> AdapterError:
        """An error that names this adapter."""
        return AdapterError(f"{self.place}: {text}")


Fault = tuple[str, str]
"""An option's key (empty = the whole table) and what is wrong with it, in words for a person."""


def no_faults(options: Any, profile: Profile) -> Iterable[Fault]:
    """For kinds whose options the schema describes in full."""
    return ()


@dataclass(frozen=True, slots=True)
class AdapterKind:
    """What an entry point of `pgood.adapters` leads to. Its functions touch no device; `make` neither: `start` does."""

    summary: str
    """One line for `pgood adapters`."""
    options: type[AdapterOptions]
    abilities: Callable[[Any], frozenset[Ability]]
    """The abilities that an adapter with these options will have."""
    make: Callable[[Any, Surroundings], PowerAdapter]
    faults: Callable[[Any, Profile], Iterable[Fault]] = no_faults
    """What the schema cannot say: options that contradict each other, names that the profile does not have."""
    can: frozenset[Ability] = frozenset(Ability)
    """What adapters of this kind can do at most, whatever their options."""
    drives: tuple[str, ...] = ()
    """Options that name an output line of the profile: a line has one owner."""
