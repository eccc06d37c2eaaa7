# SPDX-License-Identifier: Apache-2.0
"""Configurations that cannot be: each is refused by name."""

from __future__ import annotations

import math

import pytest

from native import (
    Condition,
    Debounce,
    EngineConfig,
    HoldOff,
    InputLine,
    InputSource,
    Interlock,
    KernelLine,
    LatchLevel,
    LineClass,
    LineConfigError,
    LineEngine,
    MemoryChip,
    OutputLine,
    PowerGoodWatch,
    RailSequence,
    RailStep,
)
from tests.native.rig import PLAIN


def _output(**changes: object) -> OutputLine:
    chip = MemoryChip(["B"])
    values: dict[str, object] = {"name": "B", "line": chip.line("B"), "line_class": LineClass.MOMENTARY}
    return OutputLine(**(values | {"max_press_ms": 100.0} | changes))  # type: ignore[arg-type]


def _input(**changes: object) -> InputLine:
    chip = MemoryChip(["I"])
    values: dict[str, object] = {"name": "I", "line": chip.line("I")}
    return InputLine(**(values | changes))  # type: ignore[arg-type]


SHARED = MemoryChip(["S"]).line("S")

BAD_CONFIGS: list[tuple[str, EngineConfig]] = [
    ("B.*limit", EngineConfig(outputs=(_output(max_press_ms=0),))),
    ("B.*limit", EngineConfig(outputs=(_output(max_press_ms=math.nan),))),
    ("B.*initial", EngineConfig(outputs=(_output(line_class=LineClass.MAINTAINED),))),
    ("B.*two", EngineConfig(outputs=(_output(), _output()))),
    ("b.*same line", EngineConfig(outputs=(_output(name="a", line=SHARED), _output(name="b", line=SHARED)))),
    ("B.*descriptor", EngineConfig(outputs=(_output(line=KernelLine(-1)),))),
    ("B.*GPIO", EngineConfig(outputs=(_output(line=KernelLine(0)),))),
    ("I.*rise_ms", EngineConfig(inputs=(_input(rise_ms=-1),))),
    ("I.*fall_ms", EngineConfig(inputs=(_input(fall_ms=math.inf),))),
    ("I.*90 ms", EngineConfig(inputs=(_input(source=InputSource.LED, rise_ms=200),))),
    ("I.*poll_us", EngineConfig(inputs=(_input(poll_us=5),))),
    ("I.*kernel", EngineConfig(inputs=(_input(rise_ms=5, fall_ms=9, debounce=Debounce.KERNEL),))),
    ("I.*blink", EngineConfig(inputs=(_input(blink_max_ms=9000),))),
    ("x.*HOT", EngineConfig(interlocks=(Interlock("x", "HOT", True, ()),))),
    ("x.*nothing", EngineConfig(inputs=(_input(),), interlocks=(Interlock("x", "I", True, ()),))),
    (
        "x.*raw_edge_ok",
        EngineConfig(
            outputs=(_output(),),
            inputs=(_input(),),
            interlocks=(Interlock("x", "I", True, (HoldOff("B", "I"),), settled_ms=0),),
        ),
    ),
    (
        "x.*momentary",
        EngineConfig(
            outputs=(_output(),), inputs=(_input(),), interlocks=(Interlock("x", "I", True, (LatchLevel("B", True),)),)
        ),
    ),
    (
        "y.*other",
        EngineConfig(
            outputs=(_output(line_class=LineClass.MAINTAINED, initial=False),),
            inputs=(_input(),),
            interlocks=(
                Interlock("x", "I", True, (LatchLevel("B", True),)),
                Interlock("y", "I", True, (LatchLevel("B", False),)),
            ),
        ),
    ),
    ("s.*steps", EngineConfig(sequences=(RailSequence("s", ()),))),
    (
        "s, step 0.*within",
        EngineConfig(
            outputs=(_output(line_class=LineClass.MAINTAINED, initial=False),),
            inputs=(_input(),),
            sequences=(RailSequence("s", (RailStep("B", True, Condition("I", True)),)),),
        ),
    ),
    ("w.*rise_ms", EngineConfig(inputs=(_input(),), watches=(PowerGoodWatch("w", "I", rise_ms=0),))),
]


@pytest.mark.parametrize(("match", "config"), BAD_CONFIGS)
def test_bad_configuration_names_the_part(match: str, config: EngineConfig) -> None:
    with pytest.raises(LineConfigError, match=match):
        LineEngine(config, PLAIN)


def test_too_many_lines() -> None:
    names = [f"L{i}" for i in range(129)]
    chip = MemoryChip(names)
    config = EngineConfig(inputs=tuple(InputLine(name, chip.line(name)) for name in names))
    with pytest.raises(LineConfigError, match=r"L128.*128"):
        LineEngine(config, PLAIN)
    # Refused as a whole: the lines are free again.
    with LineEngine(EngineConfig(inputs=config.inputs[:128]), PLAIN) as engine:
        assert engine.input("L127").level is False
