# SPDX-License-Identifier: Apache-2.0
"""What a schema cannot say about lines: their place, what belongs to which direction and class, who debounces."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from agent.profile.problem import KeyPath, Problem
from native import capacity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.profile.schema import LineTable, Profile

MAX_LED_DEBOUNCE_MS = 90.0
"""Less than half of the shortest blink period, else a blink would be filtered away."""

OUTPUT_KEYS = ("class", "drive", "max_press_ms")
INPUT_KEYS = ("rise_ms", "fall_ms", "source", "blink_max_ms", "poll_us", "debounce")


def check_lines(profile: Profile) -> Iterator[Problem]:
    """Every problem of the lines."""
    for name, line in profile.lines.items():
        yield from _line(profile, ("lines", name), line)
    for direction, limit in (("output", capacity.MAX_OUTPUTS), ("input", capacity.MAX_INPUTS)):
        count = sum(line.direction == direction for line in profile.lines.values())
        if count > limit:
            yield Problem(("lines",), f"there are {count} {direction}s; the line engine takes {limit}")
    slow = [name for name, chip in profile.chips.items() if chip.slow]
    if len(slow) > capacity.MAX_SLOW_CHIPS:
        yield Problem(("chips",), f"{len(slow)} chips are slow; the line engine takes {capacity.MAX_SLOW_CHIPS}")
    if not profile.board.simulated:
        places = Counter((line.chip, line.line or line.offset) for line in profile.lines.values())
        for name, line in profile.lines.items():
            if places[(line.chip, line.line or line.offset)] > 1:
                yield Problem(("lines", name), "another line of this profile has the same chip and place")


def _line(profile: Profile, path: KeyPath, line: LineTable) -> Iterator[Problem]:
    if not profile.board.simulated:
        if line.chip and line.chip not in profile.chips:
            yield Problem((*path, "chip"), f"names no table of [chips] (here: {line.chip!r})")
        if not line.chip and line.offset is not None:
            yield Problem((*path, "offset"), "needs 'chip'; without one a line is found by its name alone")
        if bool(line.line) == (line.offset is not None):
            yield Problem(path, "needs either 'line' (the kernel's line name) or 'offset'")
    if line.direction == "output":
        yield from _output(path, line)
    else:
        yield from _input(path, line, profile.board.simulated)


def _output(path: KeyPath, line: LineTable) -> Iterator[Problem]:
    if line.class_ is None:
        yield Problem(path, 'an output needs class = "momentary" (a button) or "maintained" (a rail, relay)')
    if line.class_ == "momentary" and line.max_press_ms is None:
        yield Problem(path, "a momentary output needs max_press_ms, the longest press that anyone may make")
    if line.class_ == "maintained" and line.max_press_ms is not None:
        yield Problem((*path, "max_press_ms"), "belongs to momentary outputs only")
    for key in INPUT_KEYS:
        if getattr(line, key) is not None:
            yield Problem((*path, key), "belongs to inputs only")


def _input(path: KeyPath, line: LineTable, simulated: bool) -> Iterator[Problem]:
    for key, value in zip(OUTPUT_KEYS, (line.class_, line.drive, line.max_press_ms), strict=True):
        if value is not None:
            yield Problem((*path, key), "belongs to outputs only")
    if line.source != "led" and line.blink_max_ms is not None:
        yield Problem((*path, "blink_max_ms"), 'belongs to inputs with source = "led" only')
    if line.source == "led":
        for key in ("rise_ms", "fall_ms"):
            if (getattr(line, key) or 0.0) > MAX_LED_DEBOUNCE_MS:
                yield Problem((*path, key), f"can be {MAX_LED_DEBOUNCE_MS:g} at most: a longer one hides a blink")
    if line.debounce == "kernel":
        yield from _debounced_by_kernel(path, line, simulated)


def _debounced_by_kernel(path: KeyPath, line: LineTable, simulated: bool) -> Iterator[Problem]:
    where = (*path, "debounce")
    if simulated:
        yield Problem(where, "a simulated board has no kernel that debounces: leave it to the engine")
    if not line.rise_ms or line.rise_ms != line.fall_ms:
        yield Problem(where, "the kernel has one time for both directions: give rise_ms and fall_ms alike, above 0")
    if line.poll_us is not None:
        yield Problem((*path, "poll_us"), "the kernel debounces edges, and a polled line has none: drop one of the two")
