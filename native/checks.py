# SPDX-License-Identifier: Apache-2.0
"""Checks of what the engine is told about lines: pure functions, each error names the line and the cure."""

from __future__ import annotations

from native.errors import LineConfigError
from native.lines import Debounce, EngineConfig, InputLine, InputSource, LineClass, OutputLine
from native.rule_checks import check_rules
from native.values import index_by_name, is_number

_MAX_DEBOUNCE_MS = 60_000.0
_MAX_LED_DEBOUNCE_MS = 90.0
"""Shorter than half the shortest blink period of 200 ms, else a blink would be filtered away."""
_POLL_US = (100, 1_000_000)
_BLINK_MAX_MS = (200.0, 5000.0)
MAX_PRESS_MS = 600_000.0


def check_config(config: EngineConfig) -> None:
    """Raises LineConfigError for the first line that cannot be what it says."""
    index_by_name(config.outputs, "output")
    index_by_name(config.inputs, "input")
    _check_unshared(config)
    for output in config.outputs:
        _check_output(output)
    for line in config.inputs:
        _check_input(line)
    check_rules(config)


def _check_unshared(config: EngineConfig) -> None:
    seen: dict[object, str] = {}
    lines: tuple[OutputLine | InputLine, ...] = (*config.outputs, *config.inputs)
    for line in lines:
        if line.line in seen:
            raise LineConfigError(f"line {line.name}: is the same line as {seen[line.line]}; name it once")
        seen[line.line] = line.name


def _check_output(output: OutputLine) -> None:
    if output.line_class is LineClass.MAINTAINED:
        if not isinstance(output.initial, bool):
            raise LineConfigError(f"line {output.name}: maintained, so `initial` must say the level found at start")
        return
    if not is_number(output.max_press_ms) or not 0.0 < output.max_press_ms <= MAX_PRESS_MS:
        raise LineConfigError(
            f"line {output.name}: max_press_ms is {output.max_press_ms!r}; a momentary line needs a limit of "
            f"more than 0 and at most {MAX_PRESS_MS:g} ms"
        )


def _check_input(line: InputLine) -> None:
    limit_ms = _MAX_LED_DEBOUNCE_MS if line.source is InputSource.LED else _MAX_DEBOUNCE_MS
    for what, value_ms in (("rise_ms", line.rise_ms), ("fall_ms", line.fall_ms)):
        if not is_number(value_ms) or not 0.0 <= value_ms <= limit_ms:
            raise LineConfigError(f"line {line.name}: {what} is {value_ms!r}; it can be 0 to {limit_ms:g} ms")
    if line.debounce is Debounce.KERNEL and (line.rise_ms != line.fall_ms or line.poll_us is not None):
        raise LineConfigError(
            f"line {line.name}: the kernel debounces edges with one time for both directions; make rise_ms and fall_ms "
            "the same and do not poll, or let the engine debounce"
        )
    if line.poll_us is not None and (
        not isinstance(line.poll_us, int) or not _POLL_US[0] <= line.poll_us <= _POLL_US[1]
    ):
        raise LineConfigError(
            f"line {line.name}: poll_us is {line.poll_us!r}; it can be {_POLL_US[0]} to {_POLL_US[1]}"
        )
    if not is_number(line.blink_max_ms) or not _BLINK_MAX_MS[0] <= line.blink_max_ms <= _BLINK_MAX_MS[1]:
        raise LineConfigError(
            f"line {line.name}: blink_max_ms is {line.blink_max_ms!r}; it can be {_BLINK_MAX_MS[0]:g} to "
            f"{_BLINK_MAX_MS[1]:g}"
        )
