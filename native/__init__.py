# SPDX-License-Identifier: Apache-2.0
"""The line engine: GPIO outputs and inputs at full precision, whatever Python is doing. Knows nothing of power."""

from native.engine import LineEngine
from native.errors import (
    EngineClosedError,
    GuardAliveError,
    GuardError,
    LineBusyError,
    LineCommandError,
    LineConfigError,
    LineError,
)
from native.events import (
    CommandDone,
    DelaySummary,
    EngineStatistics,
    InputChanged,
    InputState,
    LineEvent,
    LineFailed,
    Outcome,
    Resync,
)
from native.guard import GuardedLine, LineGuard
from native.lines import (
    Condition,
    EngineConfig,
    InputLine,
    InputSource,
    KernelLine,
    LineClass,
    OutputLine,
    Steady,
    ThreadConfig,
)
from native.memory import MemoryChip, MemoryLine, OutputChange

__all__ = [
    "CommandDone",
    "Condition",
    "DelaySummary",
    "EngineClosedError",
    "EngineConfig",
    "EngineStatistics",
    "GuardAliveError",
    "GuardError",
    "GuardedLine",
    "InputChanged",
    "InputLine",
    "InputSource",
    "InputState",
    "KernelLine",
    "LineBusyError",
    "LineClass",
    "LineCommandError",
    "LineConfigError",
    "LineEngine",
    "LineError",
    "LineEvent",
    "LineFailed",
    "LineGuard",
    "MemoryChip",
    "MemoryLine",
    "Outcome",
    "OutputChange",
    "OutputLine",
    "Resync",
    "Steady",
    "ThreadConfig",
]
