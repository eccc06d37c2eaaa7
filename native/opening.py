# SPDX-License-Identifier: Apache-2.0
"""Hands a checked configuration to the C core: opens the lines, adds rules, sequences and watches."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

from native._core import ffi, lib
from native.errors import LineConfigError
from native.lines import Debounce, KernelLine, LineClass
from native.rules import HoldOff, Interlock
from native.values import index_by_name, to_ns

if TYPE_CHECKING:
    from native.lines import Condition, EngineConfig, InputLine, OutputLine


def open_lines(loop: Any, config: EngineConfig) -> None:
    """Opens every line without an edge. Raises LineConfigError naming the line and the cure."""
    groups = _slow_groups(config)
    for output in config.outputs:
        momentary = output.line_class is LineClass.MOMENTARY
        press = ffi.new("ENG_OutputConfig *")
        press.line_class = output.line_class.value
        press.initial = bool(output.initial)
        press.max_press_ns = to_ns(output.max_press_ms) if momentary else 0
        _opened(output.name, lib.LOP_AddOutput(loop, _source(output, groups), press), lib.ENG_MAX_OUTPUTS)
    for line in config.inputs:
        settings = ffi.new("ENG_InputConfig *")
        settings.source = line.source.value
        # What the kernel has debounced settles at its edge.
        in_engine = line.debounce is Debounce.ENGINE
        settings.rise_ns = to_ns(line.rise_ms) if in_engine else 0
        settings.fall_ns = to_ns(line.fall_ms) if in_engine else 0
        settings.poll_ns = 0 if line.poll_us is None else line.poll_us * 1000
        settings.blink_max_ns = to_ns(line.blink_max_ms)
        _opened(line.name, lib.LOP_AddInput(loop, _source(line, groups), settings), lib.ENG_MAX_INPUTS)


def add_rules(loop: Any, config: EngineConfig) -> None:
    """Adds interlocks, sequences and watches. Raises LineConfigError naming the one that cannot be."""
    outputs = index_by_name(config.outputs, "output")
    inputs = index_by_name(config.inputs, "input")
    for rule in config.interlocks:
        _added(f"interlock {rule.name}", lib.LOP_AddRule(loop, rule_settings(rule, outputs, inputs)))
    for sequence in config.sequences:
        steps = ffi.new("ENG_SequenceConfig *")
        steps.on_failure = sequence.on_failure.value
        steps.step_count = len(sequence.steps)
        for slot, step in zip(steps.steps, sequence.steps, strict=False):
            slot.output = outputs[step.output]
            slot.active = step.active
            fill_condition(slot.wait, step.wait, inputs)
            slot.within_ns = to_ns(step.within_ms)
            slot.delay_ns = to_ns(step.delay_ms)
        _added(f"sequence {sequence.name}", lib.LOP_AddSequence(loop, steps))
    for watch in config.watches:
        values = ffi.new("ENG_WatchConfig *")
        values.input = inputs[watch.input]
        values.press_count = len(watch.presses)
        for index, name in enumerate(watch.presses[: lib.ENG_MAX_PRESSES]):
            values.presses[index] = outputs[name]
        values.rise_ns = to_ns(watch.rise_ms)
        values.hold_off_ns = to_ns(watch.hold_off_ms)
        _added(f"watch {watch.name}", lib.LOP_AddWatch(loop, values))


def rule_settings(rule: Interlock, outputs: dict[str, int], inputs: dict[str, int]) -> Any:
    """The C structure of an interlock; the names of its lines were checked."""
    settings = ffi.new("ENG_RuleConfig *")
    settings.input = -1 if rule.input is None else inputs[rule.input]
    settings.active = rule.active
    settings.quiet_ns = to_ns(rule.settled_ms)
    settings.raw_edge_ok = rule.raw_edge_ok
    settings.fired = rule.fired
    settings.armed = rule.armed
    settings.action_count = len(rule.actions)
    for slot, action in zip(settings.actions, rule.actions, strict=False):
        slot.output = outputs[action.output]
        if isinstance(action, HoldOff):
            slot.kind = lib.ENG_ACTION_HOLD_OFF
            slot.power_good = inputs[action.power_good]
        else:
            slot.kind = lib.ENG_ACTION_LEVEL
            slot.active = action.active
    return settings


def fill_condition(target: Any, condition: Condition | None, inputs: dict[str, int]) -> None:
    """Writes a condition (or none) into its C structure."""
    if condition is None:
        target.input = -1
        return
    target.input = inputs[condition.input]
    target.active = condition.active
    target.steady = condition.steady.value if condition.steady is not None else lib.ENG_UNKNOWN
    target.stable_ns = to_ns(condition.stable_ms)


def _slow_groups(config: EngineConfig) -> dict[str | None, int]:
    """Returns the number of each declared slow chip; the last thread is kept for lines that are measured to be slow."""
    groups: dict[str | None, int] = {None: 0}
    lines: tuple[OutputLine | InputLine, ...] = (*config.outputs, *config.inputs)
    for line in lines:
        if line.slow_chip not in groups:
            groups[line.slow_chip] = len(groups)
            if groups[line.slow_chip] >= lib.LOP_MAX_SLOW:
                raise LineConfigError(
                    f"line {line.name}: slow_chip {line.slow_chip} is one too many; {lib.LOP_MAX_SLOW - 1} can be named"
                )
    return groups


def _source(line: OutputLine | InputLine, groups: dict[str | None, int]) -> Any:
    source = ffi.new("LOP_Source *")
    source.slow_group = groups[line.slow_chip]
    if isinstance(line.line, KernelLine):
        source.fd = line.line.fd
        source.chip = ffi.NULL
    else:
        source.fd = -1
        source.chip, source.index = line.line.chip.source(line.line.name)
    return source


_OPEN_ERRORS = {
    errno.EBUSY: "is in use by another engine; close that one first",
    errno.ENODEV: "its chip is gone; plug it in or close fewer chips",
    errno.EBADF: "its descriptor is not open; request the line before making the engine",
    errno.ENOTTY: "its descriptor is not a GPIO v2 line request; request the line through the character device",
    errno.ENOSYS: "its GPIO v2 requests are not served here; use Linux 5.10 or newer, not an emulated one",
    errno.EINVAL: "its descriptor or settings do not fit; request this one line, as output or as input with both edges",
    errno.EMFILE: "no descriptor left; raise `ulimit -n`",
}


def _opened(name: str, result: int, capacity: int) -> None:
    if result >= 0:
        return
    if result == -errno.ENOSPC:
        raise LineConfigError(f"line {name}: one too many; an engine takes {capacity} of its kind")
    text = _OPEN_ERRORS.get(-result, os.strerror(-result))
    raise LineConfigError(f"line {name}: {text}")


_ADD_ERRORS = {
    errno.ENOSPC: "one too many, or too many parts; split it or drop one",
    errno.EEXIST: "drives an output to one level that another interlock drives to the other; decide for one",
    errno.EOPNOTSUPP: "acts on an output of a slow chip; interlocks need lines that are written at once",
    errno.EINVAL: "does not fit its lines; hold-offs take momentary outputs, latches and steps maintained ones",
}


def _added(what: str, result: int) -> None:
    if result < 0:
        raise LineConfigError(f"{what}: {_ADD_ERRORS.get(-result, os.strerror(-result))}")
