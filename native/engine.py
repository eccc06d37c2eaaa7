# SPDX-License-Identifier: Apache-2.0
"""The line engine: pulses, holds and debounced inputs on a thread of its own that nothing in Python can delay."""

from __future__ import annotations

import errno
import itertools
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

from native._core import ffi, lib
from native.checks import MAX_PRESS_MS, check_config
from native.claims import claim_lines, give_back
from native.conditions import CURE, can_be
from native.decode import EventDecoder, input_state, statistics
from native.errors import EngineClosedError, LineBusyError, LineCommandError, LineConfigError
from native.lines import Condition, Debounce, EngineConfig, LineClass, ThreadConfig
from native.opening import add_rules, fill_condition, open_lines
from native.report import thread_report
from native.values import find_index, index_by_name, is_number, to_ns

if TYPE_CHECKING:
    from types import TracebackType

    from native.events import EngineStatistics, InputState, LineEvent

_EVENT_BATCH = 64
_MAX_PULSES: int = lib.ENG_MAX_PULSES


class LineEngine:
    """One engine over a set of lines.

    Threads: start() and close() belong to one thread; everything else may be called from any thread and never blocks
    on a line. Events are for one reader at a time.
    """

    def __init__(self, config: EngineConfig, thread: ThreadConfig = ThreadConfig()) -> None:  # noqa: B008 frozen
        """Opens the lines without an edge. Raises LineConfigError naming the line and the cure."""
        self._config = config
        self._thread = thread
        self._report: tuple[str, ...] = ()
        self._running = False
        self._closed = False
        self._tokens = itertools.count(1)
        self._event_lock = threading.Lock()
        check_config(config)
        self._outputs = index_by_name(config.outputs, "output")
        self._inputs = index_by_name(config.inputs, "input")
        self._rules = index_by_name(config.interlocks, "interlock")
        self._sequences = index_by_name(config.sequences, "sequence")
        loop = lib.LOP_Create()
        if loop == ffi.NULL:
            raise LineConfigError("line engine: no memory or descriptors left for its thread; raise `ulimit -n`")
        self._loop: Any = ffi.gc(loop, lib.LOP_Destroy)
        # The chips must outlive the loop that points into them.
        self._chips = (*(line.line for line in config.outputs), *(line.line for line in config.inputs))
        self._claims = claim_lines(config)
        try:
            open_lines(self._loop, config)
            add_rules(self._loop, config)
        except BaseException:
            give_back(self._claims)
            raise
        weakref.finalize(self, give_back, self._claims)
        self._decoder = EventDecoder(config)
        self._buffer = ffi.new("ENG_Event[]", _EVENT_BATCH)
        # An interpreter that ends without close() still returns its buttons to idle.
        weakref.finalize(self, lib.LOP_Close, self._loop)

    # ----- life

    def start(self) -> None:
        """Writes idle to momentary outputs, adopts maintained ones and starts the thread."""
        if self._closed:
            raise EngineClosedError("line engine: was closed; make a new one")
        if self._running:
            raise EngineClosedError("line engine: is started already")
        settings = ffi.new("LOP_ThreadConfig *")
        settings.fifo_priority = -1 if self._thread.fifo_priority is None else self._thread.fifo_priority
        settings.cpu = -1 if self._thread.cpu is None else self._thread.cpu
        settings.lock_memory = self._thread.lock_memory
        report = ffi.new("LOP_ThreadReport *")
        error = lib.LOP_Start(self._loop, settings, report)
        if error < 0:
            raise EngineClosedError(f"line engine: its thread cannot be started: {os.strerror(-error)}")
        self._report = thread_report(self._thread, report)
        self._running = True

    def close(self) -> None:
        """Ends all commands, returns momentary outputs to idle, keeps maintained ones. Idempotent.

        events() still hands out what happened until then.
        """
        self._running = False
        if not self._closed:
            self._closed = True
            lib.LOP_Close(self._loop)
            give_back(self._claims)

    def __enter__(self) -> LineEngine:
        if not self._running:
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ----- commands

    def pulse(
        self,
        name: str,
        width_ms: float,
        *,
        count: int = 1,
        gap_ms: float = 0.0,
        precondition: Condition | None = None,
    ) -> int:
        """Presses a momentary line `count` times. Returns the token of the CommandDone to come.

        The precondition is tested at each assertion. Raises LineCommandError, LineBusyError or EngineClosedError.
        """
        order = self._order(name, lib.ENG_PULSE, precondition)
        self._check_press(name, width_ms, "width")
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= _MAX_PULSES:
            raise LineCommandError(f"line {name}: {count!r} pulses; 1 to {_MAX_PULSES} can be given")
        if count > 1 and not (is_number(gap_ms) and 1.0 <= gap_ms <= MAX_PRESS_MS):
            raise LineCommandError(f"line {name}: gap of {gap_ms!r} ms between pulses; at least 1 ms is needed")
        order.width_ns = to_ns(width_ms)
        order.count = count
        order.gap_ns = to_ns(gap_ms) if count > 1 else 0
        return self._submit(name, order)

    def hold_until(
        self, name: str, until: Condition, at_most_ms: float, *, precondition: Condition | None = None
    ) -> int:
        """Presses a momentary line until an input has settled, at most `at_most_ms`. Returns the token."""
        order = self._order(name, lib.ENG_HOLD, precondition)
        self._check_press(name, at_most_ms, "hold")
        order.width_ns = to_ns(at_most_ms)
        self._fill_condition(name, order.until, until)
        return self._submit(name, order)

    def set(self, name: str, active: bool, *, precondition: Condition | None = None) -> int:
        """Drives a maintained line; presses a momentary one until release() or its limit. Returns the token."""
        order = self._order(name, lib.ENG_SET, precondition)
        order.active = bool(active)
        return self._submit(name, order)

    def release(self, name: str) -> int:
        """Makes the line inactive; a running press of a momentary line ends. Returns the token."""
        return self._submit(name, self._order(name, lib.ENG_RELEASE, None))

    def cancel(self, token: int) -> None:
        """Ends a running command as CANCELLED; nothing happens if it has ended already."""
        if isinstance(token, bool) or not isinstance(token, int) or not 0 < token < 1 << 63:
            raise LineCommandError(f"token {token!r}: not one that a command returned")
        order = self._new_order(lib.ENG_CANCEL, 0)
        order.token = token
        self._send("line engine", order)

    def run(self, sequence: str, *, precondition: Condition | None = None) -> int:
        """Runs a rail sequence. Returns the token of the SequenceDone to come, which cancel() takes as well."""
        order = self._new_order(lib.ENG_RUN, find_index(self._sequences, sequence, "sequence"))
        if precondition is not None:
            self._fill_condition(sequence, order.precondition, precondition)
        return self._submit(sequence, order)

    def arm(self, interlock: str) -> None:
        """Lets an interlock act; at once if its input has settled already."""
        self._send(interlock, self._new_order(lib.ENG_ARM, find_index(self._rules, interlock, "interlock")))

    def disarm(self, interlock: str) -> None:
        """Keeps an interlock from acting. What it has done stays until reset()."""
        self._send(interlock, self._new_order(lib.ENG_DISARM, find_index(self._rules, interlock, "interlock")))

    def reset(self, interlock: str) -> None:
        """Frees the outputs that an interlock has latched, and lets it act anew."""
        self._send(interlock, self._new_order(lib.ENG_RESET, find_index(self._rules, interlock, "interlock")))

    def fire(self, interlock: str) -> None:
        """Lets an interlock without an input act now, on all its outputs in one step; it may be fired again."""
        self._send(interlock, self._new_order(lib.ENG_FIRE, find_index(self._rules, interlock, "interlock")))

    # ----- state

    def input(self, name: str) -> InputState:
        """Returns the present state of an input."""
        self._require_running()
        state = ffi.new("ENG_InputState *")
        index = find_index(self._inputs, name, "input")
        lib.LOP_GetInput(self._loop, index, state)
        return input_state(state, counts_glitches=self._config.inputs[index].debounce is Debounce.ENGINE)

    def output(self, name: str) -> bool:
        """Returns what the engine drives on an output now."""
        self._require_running()
        return bool(lib.LOP_GetOutput(self._loop, find_index(self._outputs, name, "output")))

    def busy(self, name: str) -> int:
        """Returns the token of the press that occupies a momentary output, 0 for none."""
        self._require_running()
        return int(lib.LOP_GetClaim(self._loop, find_index(self._outputs, name, "output")))

    def fileno(self) -> int:
        """Returns a descriptor that is readable while events wait; for asyncio's add_reader."""
        return int(lib.LOP_EventFd(self._loop))

    def events(self) -> list[LineEvent]:
        """Takes all waiting events, oldest first; never blocks."""
        events: list[LineEvent] = []
        with self._event_lock:
            while True:
                taken = lib.LOP_TakeEvents(self._loop, self._buffer, _EVENT_BATCH)
                decoded = map(self._decoder.decode, self._buffer[0:taken])
                events.extend(event for event in decoded if event is not None)
                if taken < _EVENT_BATCH:
                    return events

    def statistics(self) -> EngineStatistics:
        """Returns how well the thread kept its times since the last reset."""
        values = ffi.new("LOP_Statistics *")
        lib.LOP_GetStatistics(self._loop, values)
        return statistics(values)

    def nudge(self) -> int:
        """Wakes the thread for nothing and returns how often it has woken before.

        A thread that lives has woken again by the next call, if that is not at once.
        """
        return int(lib.LOP_Nudge(self._loop))

    def reset_statistics(self) -> None:
        """Starts the statistics anew."""
        lib.LOP_ResetStatistics(self._loop)

    def thread_report(self) -> tuple[str, ...]:
        """Returns one sentence for each thing that the thread asked for and could not have."""
        return self._report

    # ----- private

    def _require_running(self) -> None:
        if not self._running:
            raise EngineClosedError("line engine: is closed" if self._closed else "line engine: is not started")

    def _new_order(self, kind: int, index: int) -> Any:
        self._require_running()
        order = ffi.new("ENG_Order *")
        order.kind = kind
        order.line = index
        order.precondition.input = -1
        order.until.input = -1
        return order

    def _order(self, name: str, kind: int, precondition: Condition | None) -> Any:
        order = self._new_order(kind, find_index(self._outputs, name, "output"))
        if precondition is not None:
            self._fill_condition(name, order.precondition, precondition)
        return order

    def _fill_condition(self, name: str, target: Any, condition: Condition) -> None:
        if condition.input not in self._inputs:
            raise LineCommandError(f"line {name}: its condition names {condition.input}, which is not an input")
        if not is_number(condition.stable_ms) or not 0.0 <= condition.stable_ms <= 86_400_000.0:
            raise LineCommandError(f"line {name}: stable for {condition.stable_ms!r} ms; 0 to one day can be asked")
        line = self._config.inputs[self._inputs[condition.input]]
        if not can_be(line, condition.steady):
            raise LineCommandError(
                f"line {name}: its condition wants {condition.input} to be {condition.steady}; {CURE}"
            )
        fill_condition(target, condition, self._inputs)

    def _check_press(self, name: str, press_ms: float, what: str) -> None:
        line = self._config.outputs[self._outputs[name]]
        if line.line_class is not LineClass.MOMENTARY:
            raise LineCommandError(f"line {name}: is maintained; use set() and release()")
        if not is_number(press_ms) or not 0.0 < press_ms <= line.max_press_ms or to_ns(press_ms) < 1:
            raise LineCommandError(
                f"line {name}: {what} of {press_ms!r} ms; more than 0 and at most its limit of {line.max_press_ms:g} ms"
            )

    def _submit(self, name: str, order: Any) -> int:
        order.token = next(self._tokens)
        self._send(name, order)
        return int(order.token)

    def _send(self, name: str, order: Any) -> None:
        self._require_running()
        error = lib.LOP_Submit(self._loop, order)
        if error == -errno.EBUSY:
            raise LineBusyError(f"line {name}: busy with command {self.busy(name)}")
        if error == -errno.EAGAIN:
            raise LineBusyError(f"line {name}: too many commands wait for the engine")
        if error == -errno.ESHUTDOWN:
            raise EngineClosedError("line engine: is closed")
        if error < 0:
            raise LineCommandError(f"line {name}: {os.strerror(-error)}")
