# SPDX-License-Identifier: Apache-2.0
"""What a schema cannot say about interlocks, rail sequences and watches: references, classes, contradictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.profile.problem import KeyPath, Problem
from native import capacity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sized

    from agent.profile.rules import InterlockTable, SequenceTable, StepTable, WatchTable
    from agent.profile.schema import HostTable, Profile

MIN_SETTLED_MS = 1.0
"""What is shorter is a spark."""


def check_rules(profile: Profile) -> Iterator[Problem]:
    """Every problem of what the engine is to do by itself."""
    yield from _at_most(("interlocks",), profile.interlocks, capacity.MAX_INTERLOCKS)
    yield from _at_most(("sequences",), profile.sequences, capacity.MAX_SEQUENCES)
    yield from _at_most(("watches",), profile.watches, capacity.MAX_WATCHES)
    for number, interlock in enumerate(profile.interlocks):
        yield from _interlock(profile, ("interlocks", number), interlock)
    yield from _contradictions(profile)
    for number, sequence in enumerate(profile.sequences):
        yield from _sequence(profile, ("sequences", number), sequence)
    for number, watch in enumerate(profile.watches):
        yield from _watch(profile, ("watches", number), watch)


def _at_most(path: KeyPath, things: Sized, limit: int) -> Iterator[Problem]:
    if len(things) > limit:
        yield Problem(path, f"there are {len(things)}; the line engine takes {limit}")


def _interlock(profile: Profile, path: KeyPath, rule: InterlockTable) -> Iterator[Problem]:
    yield from _input((*path, "input"), rule.input, profile)
    if not rule.hold_off and not rule.drive:
        yield Problem(path, "does nothing: give hold_off (hosts) or drive (lines and their levels)")
    yield from _at_most(path, (*rule.hold_off, *rule.drive), capacity.MAX_ACTIONS)
    if rule.settled_ms < MIN_SETTLED_MS:
        if rule.settled_ms > 0 or not rule.raw_edge_ok:
            yield Problem((*path, "settled_ms"), "must be at least 1, or 0 together with raw_edge_ok = true")
        elif rule.hold_off:
            yield Problem((*path, "settled_ms"), "must be at least 1: a rule that holds a button never acts on an edge")
    hosts = {host.name: host for host in profile.hosts}
    for name in rule.hold_off:
        yield from _held_host((*path, "hold_off"), name, hosts, profile)
    for name in rule.drive:
        yield from _output((*path, "drive", name), name, "maintained", profile)
        yield from _quick((*path, "drive", name), name, profile)
    if rule.host and rule.host not in hosts:
        yield Problem((*path, "host"), f"names no host (here: {rule.host!r})")
    if bool(rule.host) != bool(rule.armed_in):
        yield Problem(path, "'host' and 'armed_in' belong together: both, or none for a rule that is always armed")


def _held_host(path: KeyPath, name: str, hosts: dict[str, HostTable], profile: Profile) -> Iterator[Problem]:
    host = hosts.get(name)
    if host is None:
        yield Problem(path, f"names no host (here: {name!r})")
    elif not host.power_button:
        yield Problem(path, f"host {name!r} has no power_button to hold")
    elif not host.power_good:
        yield Problem(path, f"host {name!r} has no power_good that says when to let go")
    else:
        yield from _quick(path, host.power_button, profile)


def _contradictions(profile: Profile) -> Iterator[Problem]:
    """Two rules may drive a line to the same level, never to both."""
    first: dict[str, tuple[str, str]] = {}
    for number, rule in enumerate(profile.interlocks):
        for line, level in rule.drive.items():
            other, other_level = first.setdefault(line, (rule.name, level))
            if level != other_level:
                yield Problem(
                    ("interlocks", number, "drive", line),
                    f"drives {line!r} {level}, but interlock {other!r} drives it {other_level}: decide for one",
                )


def _sequence(profile: Profile, path: KeyPath, sequence: SequenceTable) -> Iterator[Problem]:
    if not sequence.steps:
        yield Problem((*path, "steps"), "has no steps")
    yield from _at_most((*path, "steps"), sequence.steps, capacity.MAX_STEPS)
    for number, step in enumerate(sequence.steps):
        yield from _step(profile, (*path, "steps", number), step)


def _step(profile: Profile, path: KeyPath, step: StepTable) -> Iterator[Problem]:
    yield from _output((*path, "line"), step.line, "maintained", profile)
    if not step.wait:
        if step.within_ms or step.stable_ms:
            yield Problem(path, "within_ms and stable_ms belong to 'wait', the input to wait for")
        return
    yield from _input((*path, "wait"), step.wait, profile)
    if step.within_ms == 0:
        yield Problem((*path, "within_ms"), f"must say how long to wait for {step.wait!r}")
    line = profile.lines.get(step.wait)
    if step.wait_level == "blinking" and line is not None and line.source != "led":
        yield Problem((*path, "wait_level"), f'only a line with source = "led" blinks, {step.wait!r} does not')


def _watch(profile: Profile, path: KeyPath, watch: WatchTable) -> Iterator[Problem]:
    yield from _input((*path, "input"), watch.input, profile)
    yield from _at_most((*path, "presses"), watch.presses, capacity.MAX_WATCHED_PRESSES)
    for name in watch.presses:
        yield from _output((*path, "presses"), name, "momentary", profile)


def _input(path: KeyPath, name: str, profile: Profile) -> Iterator[Problem]:
    line = profile.lines.get(name)
    if line is None:
        yield Problem(path, f"names no table of [lines] (here: {name!r})")
    elif line.direction != "input":
        yield Problem(path, f"must be an input line, {name!r} is none")


def _output(path: KeyPath, name: str, line_class: str, profile: Profile) -> Iterator[Problem]:
    line = profile.lines.get(name)
    if line is None:
        yield Problem(path, f"names no table of [lines] (here: {name!r})")
    elif (line.direction, line.class_) != ("output", line_class):
        yield Problem(path, f'must be an output line with class = "{line_class}", {name!r} is none')


def _quick(path: KeyPath, name: str, profile: Profile) -> Iterator[Problem]:
    """An interlock does not wait for a bus."""
    line = profile.lines.get(name)
    chip = profile.chips.get(line.chip) if line is not None else None
    if chip is not None and chip.slow:
        yield Problem(path, f"line {name!r} is on a slow chip: interlocks need lines that are written at once")
