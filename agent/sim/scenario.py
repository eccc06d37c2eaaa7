# SPDX-License-Identifier: Apache-2.0
"""Scenario files: what happens to a board, what is asked of it, and what it must do (keys: docs/simulation.md)."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from agent.events.event import EventKind
from agent.power.request import Action, HostState
from agent.profile.base import Name, Table
from agent.profile.decode import decode, read_text
from agent.profile.load import find_profile, load_profile
from agent.profile.problem import ConfigError, KeyPath, Problem
from agent.profile.simulate import simulated
from agent.sim.plant import Plant
from agent.sim.rail_wirings import rail_wirings
from agent.sim.things import UnknownThing
from agent.sim.words import happen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.profile.schema import Profile

PAGE = "docs/simulation.md"
WITHIN_S = 10.0
BUS_WORDS = ("supply", "sensor", "bus")

Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]


class Ask(Table, frozen=True):
    """An action on a host, or any method of the request interface."""

    host: str = ""
    action: Action | None = None
    force: bool = False
    method: str = ""
    arguments: dict[str, Any] = msgspec.field(default_factory=dict)
    label: str = ""
    """A name for `expect_reply`, when several requests are under way."""


class ExpectHost(Table, frozen=True):
    host: str
    state: HostState
    within_s: Seconds = WITHIN_S


class ExpectOutput(Table, frozen=True):
    """An output as the world sees it."""

    line: str
    active: bool
    within_s: Seconds = WITHIN_S


class ExpectPresses(Table, frozen=True):
    """How often an output became active since the scenario began."""

    line: str
    count: Annotated[int, msgspec.Meta(ge=0, le=1000)]


class ExpectDocument(Table, frozen=True):
    """A key of one of the documents that `pgood status --json` shows."""

    name: str
    key: str
    value: str | int | float | bool = msgspec.field(name="is")
    within_s: Seconds = WITHIN_S


class ReplyOf(Table, frozen=True):
    of: str
    verdict: str = msgspec.field(name="is")


class NeverLine(Table, frozen=True):
    """No press of this line is longer, in the whole scenario."""

    line: str
    longer_than_ms: Annotated[float, msgspec.Meta(ge=0, le=60_000)]


class NeverEvent(Table, frozen=True):
    event: EventKind


class Step(Table, frozen=True):
    """Its parts happen in the order of these fields."""

    note: str = ""
    at_s: Seconds | None = None
    """Not before so long after the beginning."""
    pause_s: Seconds = 0.0
    do: str = ""
    """Words of `pgood sim`."""
    ask: Ask | None = None
    kill: bool = False
    """The agent is killed (SIGKILL) and started again."""
    expect_output: ExpectOutput | None = None
    expect: ExpectHost | None = None
    expect_document: ExpectDocument | None = None
    expect_reply: str | ReplyOf = ""
    """The verdict of the last request, or of the one with this label."""
    expect_event: EventKind | None = None
    """An event since the beginning that no earlier step has taken."""
    expect_presses: ExpectPresses | None = None
    within_s: Seconds = WITHIN_S
    """For `expect_reply`, `expect_event` and `expect_presses`."""


class Scenario(Table, frozen=True):
    schema: Literal[1]
    name: Name
    description: str
    steps: tuple[Step, ...]
    profile: str = "sim"
    buses: bool = False
    """It needs simulated I2C devices: supplies, sensors."""
    never: tuple[NeverLine, ...] = ()
    never_event: tuple[NeverEvent, ...] = ()

    @property
    def kills(self) -> bool:
        return any(step.kill for step in self.steps)


def load_scenario(file: Path) -> Scenario:
    """A checked scenario. Raises ConfigError with every problem found."""
    source = read_text(file)
    scenario, problems = decode(file, source, Scenario, PAGE)
    if scenario is not None:
        try:
            profile = simulated(load_profile(find_profile(scenario.profile)))
        except ConfigError as error:
            problems = [Problem(("profile",), str(error))]
        else:
            problems = [*_problems(scenario, profile)]
    if scenario is None or problems:
        raise ConfigError(file, problems, source)
    return scenario


def _problems(scenario: Scenario, profile: Profile) -> Iterator[Problem]:
    hosts = {host.name for host in profile.hosts}
    outputs = {name for name, line in profile.lines.items() if line.direction == "output"}
    labels: set[str] = set()
    asked = False
    rails = rail_wirings(profile)
    for number, step in enumerate(scenario.steps):
        path: KeyPath = ("steps", number)
        if step == Step(note=step.note):
            yield Problem(path, f"does nothing; its keys are in {PAGE}")
        if step.do:
            yield from _do(step.do, (*path, "do"), Plant(profile, 0, rails), scenario.buses)
        if step.ask:
            yield from _ask(step.ask, (*path, "ask"), hosts)
            labels.add(step.ask.label)
            asked = True
        if step.expect and step.expect.host not in hosts:
            yield Problem((*path, "expect", "host"), _no("host", step.expect.host, hosts))
        for key, part in (("expect_output", step.expect_output), ("expect_presses", step.expect_presses)):
            if part and part.line not in outputs:
                yield Problem((*path, key, "line"), _no("output line", part.line, outputs))
        if step.expect_reply and not asked:
            yield Problem((*path, "expect_reply"), "nothing was asked before")
        if isinstance(step.expect_reply, ReplyOf) and step.expect_reply.of not in labels:
            yield Problem((*path, "expect_reply", "of"), _no("label", step.expect_reply.of, labels - {""}))
    for number, never in enumerate(scenario.never):
        if never.line not in outputs:
            yield Problem(("never", number, "line"), _no("output line", never.line, outputs))


def _do(do: str, path: KeyPath, plant: Plant, buses: bool) -> Iterator[Problem]:
    try:
        words = shlex.split(do)
        happen(plant, words, 0)
    except (UnknownThing, ValueError) as error:
        yield Problem(path, str(error))
        return
    if words[0] in BUS_WORDS and not buses:
        yield Problem(path, "a scenario that plays with supplies, sensors or buses says so with: buses = true")


def _ask(ask: Ask, path: KeyPath, hosts: set[str]) -> Iterator[Problem]:
    if bool(ask.method) == (ask.action is not None):
        yield Problem(path, "needs either 'action' with 'host', or 'method' with 'arguments'")
    if ask.action is not None and ask.host not in hosts:
        yield Problem((*path, "host"), _no("host", ask.host, hosts))
    if ask.arguments and not ask.method:
        yield Problem((*path, "arguments"), "belongs to 'method'")


def _no(kind: str, name: str, known: set[str]) -> str:
    return f"there is no {kind} {name!r}; there are: {', '.join(sorted(known)) or 'none'}"
