# SPDX-License-Identifier: Apache-2.0
"""Domains, interlocks, sequences and watches of a profile, in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.profile.domain_tables import DomainTable
    from agent.profile.rules import InterlockTable, SequenceTable, WatchTable
    from agent.profile.schema import Profile

KINDS = {"host": "a host", "chassis": "a chassis domain", "aux": "an auxiliary domain"}


def explain_domains(profile: Profile) -> Iterator[str]:
    """In the order of a start: what others need comes first. Hosts that need nothing are left out."""
    tables = {table.name: table for table in profile.domains}
    done: list[str] = []

    def place(name: str) -> None:
        if name in done or name not in tables:
            return
        for need in tables[name].needs:
            place(need)
        done.append(name)

    for name in tables:
        place(name)
    for name in done:
        yield f"{name}: {_domain(tables[name])}"


def _domain(table: DomainTable) -> str:
    told = [KINDS[table.type]]
    if table.controls:
        order = " in this order, and off in reverse" if table.controls[1:] else ""
        told.append(f"switches {_and(table.controls)}{order}")
    if table.adapter:
        told.append(f"is switched by the adapter {table.adapter}")
    if table.power_good:
        within = f" within {table.power_good_ms / 1000:g} s" if table.power_good_ms else ""
        told.append(f"is on when {_and(table.power_good)} says so{within}")
    if table.needs:
        told.append(f"needs {_and(table.needs)}, and is on only while they are")
    if table.start_delay_ms:
        told.append(f"what needs it starts {table.start_delay_ms} ms after it is on")
    if table.stop_delay_ms:
        told.append(f"what it needs goes off {table.stop_delay_ms} ms after it is off")
    if table.watts:
        told.append(f"draws up to {table.watts:g} W, which the supplies must have to spare")
    return "; ".join(told)


def explain_interlock(rule: InterlockTable) -> str:
    does = []
    if rule.hold_off:
        does.append(f"hold the power button of {_hosts(rule.hold_off)} until it is off")
    if rule.drive:
        levels = [f"{line} {level}" for line, level in rule.drive.items()]
        does.append(f"keep {_and(levels)} until 'pgood lines reset {rule.name}'")
    when = f"when {rule.input} has been {rule.level} for {rule.settled_ms:g} ms"
    if rule.armed_in:
        when += f", and host {rule.host} is {' or '.join(rule.armed_in)}"
    return f"{rule.name}: {when}: {_and(does)}; once, until it is reset"


def explain_sequence(sequence: SequenceTable) -> str:
    steps = [
        f"{step.line} {step.level}"
        + (f", wait for {step.wait} {step.wait_level} (at most {step.within_ms:g} ms)" if step.wait else "")
        + (f", {step.delay_ms:g} ms" if step.delay_ms else "")
        for step in sequence.steps
    ]
    failed = "all that was done is undone in reverse" if sequence.on_failure == "unwind" else "all stays as it is"
    return f"{sequence.name}: {'; then '.join(steps)}. If a step fails, {failed}"


def explain_watch(watch: WatchTable) -> str:
    pressed = f"must rise within {watch.rise_ms:g} ms of a press of {_and(watch.presses)}; " if watch.presses else ""
    return f"{watch.name}: {watch.input} {pressed}a drop longer than {watch.hold_off_ms:g} ms is a loss"


def _hosts(names: tuple[str, ...]) -> str:
    return f"{'hosts' if names[1:] else 'host'} {_and(names)}"


def _and(words: tuple[str, ...] | list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
