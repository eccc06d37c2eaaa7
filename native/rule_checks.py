# SPDX-License-Identifier: Apache-2.0
"""Checks of interlocks, rail sequences and watches: pure functions, each error names the part and the cure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from native.conditions import CURE, can_be
from native.errors import LineConfigError
from native.lines import LineClass
from native.rules import HoldOff
from native.values import index_by_name, is_number

if TYPE_CHECKING:
    from native.lines import Condition, EngineConfig, InputLine
    from native.rules import Interlock, PowerGoodWatch, RailSequence

_MIN_SETTLED_MS = 1.0
"""Shorter than this is a spark, and needs raw_edge_ok."""
_DAY_MS = 86_400_000.0
_MAX_PRESSES = 4


def check_rules(config: EngineConfig) -> None:
    """Raises LineConfigError for the first rule, sequence or watch that cannot be what it says."""
    index_by_name(config.interlocks, "interlock")
    index_by_name(config.sequences, "sequence")
    index_by_name(config.watches, "watch")
    classes = {line.name: line.line_class for line in config.outputs}
    inputs = {line.name: line for line in config.inputs}
    for rule in config.interlocks:
        _check_interlock(rule, classes, inputs)
    for sequence in config.sequences:
        _check_sequence(sequence, classes, inputs)
    for watch in config.watches:
        _check_watch(watch, classes, inputs)


def _check_interlock(rule: Interlock, classes: dict[str, LineClass], inputs: dict[str, InputLine]) -> None:
    what = f"interlock {rule.name}"
    if rule.input is not None:
        _need_input(what, rule.input, inputs)
    if not rule.actions:
        raise LineConfigError(f"{what}: does nothing; give it an action")
    _need_time(what, "settled_ms", rule.settled_ms)
    if rule.settled_ms < _MIN_SETTLED_MS and (rule.settled_ms > 0 or not rule.raw_edge_ok):
        raise LineConfigError(
            f"{what}: settled_ms is {rule.settled_ms:g}; it is at least {_MIN_SETTLED_MS:g}, or 0 with raw_edge_ok"
        )
    for action in rule.actions:
        if isinstance(action, HoldOff):
            _need_class(what, action.output, LineClass.MOMENTARY, classes)
            _need_input(what, action.power_good, inputs)
            if rule.settled_ms == 0:
                raise LineConfigError(f"{what}: acts on the raw edge and would press {action.output}; set settled_ms")
        else:
            _need_class(what, action.output, LineClass.MAINTAINED, classes)


def _check_sequence(sequence: RailSequence, classes: dict[str, LineClass], inputs: dict[str, InputLine]) -> None:
    what = f"sequence {sequence.name}"
    if not sequence.steps:
        raise LineConfigError(f"{what}: has no steps")
    for number, step in enumerate(sequence.steps):
        where = f"{what}, step {number}"
        _need_class(where, step.output, LineClass.MAINTAINED, classes)
        _need_time(where, "delay_ms", step.delay_ms)
        _need_time(where, "within_ms", step.within_ms)
        if step.wait is not None:
            _need_condition(where, step.wait, inputs)
            if step.within_ms <= 0:
                raise LineConfigError(f"{where}: waits for {step.wait.input}, so within_ms must say for how long")


def _check_watch(watch: PowerGoodWatch, classes: dict[str, LineClass], inputs: dict[str, InputLine]) -> None:
    what = f"watch {watch.name}"
    _need_input(what, watch.input, inputs)
    if len(watch.presses) > _MAX_PRESSES:
        raise LineConfigError(f"{what}: follows {len(watch.presses)} outputs; it can follow {_MAX_PRESSES}")
    for name in watch.presses:
        _need_class(what, name, LineClass.MOMENTARY, classes)
    _need_time(what, "rise_ms", watch.rise_ms)
    _need_time(what, "hold_off_ms", watch.hold_off_ms)
    if watch.rise_ms == 0:
        raise LineConfigError(f"{what}: rise_ms is 0; power-good needs some time to come")


def _need_input(what: str, name: str, inputs: dict[str, InputLine]) -> None:
    if name not in inputs:
        raise LineConfigError(f"{what}: {name} is not an input of this engine; add it")


def _need_condition(what: str, condition: Condition, inputs: dict[str, InputLine]) -> None:
    _need_input(what, condition.input, inputs)
    _need_time(what, "stable_ms", condition.stable_ms)
    if not can_be(inputs[condition.input], condition.steady):
        raise LineConfigError(f"{what}: waits for {condition.input} to be {condition.steady}; {CURE}")


def _need_class(what: str, name: str, line_class: LineClass, classes: dict[str, LineClass]) -> None:
    if name not in classes:
        raise LineConfigError(f"{what}: {name} is not an output of this engine; add it")
    if classes[name] is not line_class:
        raise LineConfigError(f"{what}: {name} is {classes[name].name.lower()}; a {line_class.name.lower()} line fits")


def _need_time(what: str, field: str, value_ms: float) -> None:
    if not is_number(value_ms) or not 0.0 <= value_ms <= _DAY_MS:
        raise LineConfigError(f"{what}: {field} is {value_ms!r}; it can be 0 to {_DAY_MS:g}")
