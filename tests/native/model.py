# SPDX-License-Identifier: Apache-2.0
"""A plain Python model of the line engine, written from its rules and not from its code.

It keeps whole histories where the engine keeps counters, and looks for what is due next by asking everybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NEVER = 2**63 - 1
MS = 1_000_000
REREAD_NS = 1000 * MS
SPACING_NS = 100 * MS


@dataclass(frozen=True)
class Wish:
    """A condition: the input settled at a level for some time."""

    input: int
    active: bool
    stable_ns: int = 0


@dataclass(frozen=True)
class Press:
    """An order that occupies a button."""

    token: int
    kind: str
    width_ns: int = 0
    count: int = 1
    gap_ns: int = 0
    before: Wish | None = None
    until: Wish | None = None


@dataclass
class ModelInput:
    """An input with two levels."""

    rise_ns: int
    fall_ns: int
    history: list[tuple[int, bool]] = field(default_factory=list)
    settled: bool | None = None
    since_ns: int = 0
    newest_ns: int = 0
    edges: int = 0
    glitches: int = 0
    losses: int = 0
    unreported: int = 0
    report_ns: int = NEVER
    suspect: bool = False
    dead: bool = False

    @property
    def level(self) -> bool:
        return self.history[-1][1]

    def settles_ns(self) -> int:
        """When the present level will have lasted long enough."""
        if self.dead:
            return NEVER
        time_ns, level = self.history[-1]
        if level == self.settled:
            return NEVER
        return time_ns + (self.rise_ns if level else self.fall_ns)


@dataclass
class ModelOutput:
    """An output: a button has a limit, a rail has none."""

    limit_ns: int | None
    level: bool = False
    press: Press | None = None
    pulses: list[tuple[int, int]] = field(default_factory=list)
    down_ns: int | None = None
    next_ns: int | None = None


class Model:
    """The engine's rules. `events` and `writes` are tuples in the order in which they happen."""

    def __init__(self, inputs: list[tuple[int, int]], limits: list[int | None], now_ns: int) -> None:
        self.now_ns = now_ns
        self.inputs = [ModelInput(rise, fall) for rise, fall in inputs]
        self.outputs = [ModelOutput(limit) for limit in limits]
        self.world = [False] * len(inputs)
        self.broken = [False] * len(inputs)
        self.events: list[tuple[object, ...]] = []
        self.writes: list[tuple[int, int, bool]] = []
        self.tick_ns = now_ns + REREAD_NS

    def start(self) -> None:
        for index, output in enumerate(self.outputs):
            if output.limit_ns is not None:
                self.writes.append((self.now_ns, index, False))
        for line in self.inputs:
            line.history = [(self.now_ns, False)]
            line.since_ns = line.newest_ns = self.now_ns
        for index in range(len(self.inputs)):
            self._settle_now(index)

    # ----- what comes from outside

    def edge(self, index: int, active: bool, time_ns: int) -> None:
        line = self.inputs[index]
        time_ns = max(min(time_ns, self.now_ns), line.newest_ns)
        line.edges += 1
        line.suspect = False
        if line.dead:
            line.dead = False
            line.settled = None
            self._level(index, active, time_ns)
            return
        if line.settles_ns() <= time_ns:
            self._settle(index)
        self._level(index, active, time_ns)

    def edges_lost(self, index: int, lost: int) -> None:
        line = self.inputs[index]
        if line.dead:
            return
        line.losses += 1
        line.unreported += lost
        if self.broken[index]:
            self._die(index)
            return
        if self.world[index] != line.level:
            self._level(index, self.world[index], self.now_ns)
        if line.report_ns == NEVER:
            self._report(index, "lost")
            line.report_ns = self.now_ns + SPACING_NS

    def order(self, index: int, press: Press) -> None:
        output = self.outputs[index]
        if not self._is_possible(output, press):
            self._answer(index, press, "refused", "invalid")
        elif output.limit_ns is None:
            why = self._objection(press.before)
            if why:
                self._answer(index, press, "refused", why)
            else:
                self._write(index, press.kind == "on")
                self._done(index, press, "completed", "none", [(self.now_ns, self.now_ns)])
        elif press.kind == "off":
            if output.press is not None:
                self._end(index, "completed" if output.press.kind == "on" else "cancelled", "released")
            self._answer(index, press, "completed", "none")
        elif output.press is not None:
            self._answer(index, press, "refused", "busy")
        else:
            output.press = press
            output.pulses = []
            self._push(index)

    def cancel(self, token: int) -> None:
        for index, output in enumerate(self.outputs):
            if output.press is not None and output.press.token == token:
                self._end(index, "cancelled", "cancelled")

    def stop(self) -> None:
        for index, output in enumerate(self.outputs):
            if output.limit_ns is None:
                continue
            if output.press is not None:
                self._end(index, "cancelled", "stopped")
            self.writes.append((self.now_ns, index, False))

    def advance(self) -> None:
        while self.next_due() <= self.now_ns:
            due_ns = self.next_due()
            for index in range(len(self.inputs)):
                if self._input_due(index) == due_ns:
                    self._input(index)
                    break
            else:
                if self.tick_ns == due_ns:
                    self._reread()
                    continue
                for index in range(len(self.outputs)):
                    if self._output_due(index) == due_ns:
                        self._output(index)
                        break

    def next_due(self) -> int:
        return min(
            [self.tick_ns]
            + [self._input_due(i) for i in range(len(self.inputs))]
            + [self._output_due(i) for i in range(len(self.outputs))]
        )

    # ----- inputs

    def _level(self, index: int, active: bool, time_ns: int) -> None:
        line = self.inputs[index]
        if line.settled is not None and active == line.settled and line.level != active:
            line.glitches += 1
        line.history.append((time_ns, active))
        line.newest_ns = time_ns
        self._settle_now(index)

    def _settle_now(self, index: int) -> None:
        """A line without debounce settles at the edge itself."""
        line = self.inputs[index]
        if line.settles_ns() == line.history[-1][0]:
            self._settle(index)

    def _settle(self, index: int) -> None:
        line = self.inputs[index]
        before = line.settled
        line.since_ns, line.settled = line.history[-1]
        self.events.append(("changed", index, self.now_ns, line.settled, before, line.since_ns))
        self._check_holds(index)

    def _die(self, index: int) -> None:
        line = self.inputs[index]
        if line.dead:
            return
        line.dead = True
        self.events.append(("failed", index, self.now_ns))
        if line.settled is not None:
            self.events.append(("changed", index, self.now_ns, None, line.settled, self.now_ns))
            line.since_ns = self.now_ns
            line.settled = None

    def _report(self, index: int, reason: str) -> None:
        line = self.inputs[index]
        self.events.append(("resync", index, self.now_ns, reason, line.unreported))
        line.unreported = 0

    def _input_due(self, index: int) -> int:
        return min(self.inputs[index].settles_ns(), self.inputs[index].report_ns)

    def _input(self, index: int) -> None:
        line = self.inputs[index]
        if line.settles_ns() <= self.now_ns:
            self._settle(index)
        if line.report_ns <= self.now_ns:
            line.report_ns = NEVER
            if line.unreported:
                self._report(index, "lost")
                line.report_ns = self.now_ns + SPACING_NS

    def _reread(self) -> None:
        second = self.second_look
        again = False
        for index, line in enumerate(self.inputs):
            if second and not line.suspect:
                continue
            if self.broken[index]:
                self._die(index)
            elif line.dead:
                line.dead = False
                self._level(index, self.world[index], self.now_ns)
            elif self.world[index] == line.level:
                line.suspect = False
            elif not line.suspect:
                line.suspect = again = True
            else:
                line.suspect = False
                line.losses += 1
                line.unreported += 1
                self._level(index, self.world[index], self.now_ns)
                self._report(index, "differs")
        self.second_look = again
        self.tick_ns = self.now_ns + (2 * MS if again else REREAD_NS)

    second_look = False

    # ----- outputs

    def _is_possible(self, output: ModelOutput, press: Press) -> bool:
        if press.kind in ("on", "off"):
            return True
        if output.limit_ns is None or not 0 < press.width_ns <= output.limit_ns:
            return False
        if press.kind == "hold":
            return press.until is not None
        return press.count >= 1 and (press.count == 1 or press.gap_ns > 0)

    def _objection(self, wish: Wish | None) -> str:
        if wish is None:
            return ""
        line = self.inputs[wish.input]
        if line.settled is None:
            return "unknown"
        if line.settled != wish.active:
            return "false"
        if line.level != wish.active or self.now_ns - line.since_ns < wish.stable_ns:
            return "unstable"
        if self.broken[wish.input]:
            return "unknown"
        if self.world[wish.input] != wish.active:
            return "unstable"
        return ""

    def _met_ns(self, wish: Wish) -> int:
        """When the condition is met if nothing changes."""
        line = self.inputs[wish.input]
        return line.since_ns + wish.stable_ns if line.settled == wish.active else NEVER

    def _push(self, index: int) -> None:
        output = self.outputs[index]
        assert output.press is not None
        output.next_ns = None
        why = self._objection(output.press.before)
        if why:
            self._finish(index, "refused", why)
        elif output.press.until is not None and self._met_ns(output.press.until) <= self.now_ns:
            self._finish(index, "completed", "already")
        else:
            self._write(index, True)
            output.down_ns = self.now_ns

    def _output_due(self, index: int) -> int:
        output = self.outputs[index]
        if output.next_ns is not None:
            return output.next_ns
        if output.down_ns is None:
            return NEVER
        assert output.press is not None
        assert output.limit_ns is not None
        width_ns = output.limit_ns if output.press.kind == "on" else min(output.limit_ns, output.press.width_ns)
        met_ns = NEVER if output.press.until is None else self._met_ns(output.press.until)
        return min(output.down_ns + width_ns, met_ns)

    def _output(self, index: int) -> None:
        output = self.outputs[index]
        if output.next_ns is not None:
            self._push(index)
            return
        assert output.press is not None
        if output.press.until is not None and self._met_ns(output.press.until) <= self.now_ns:
            self._end(index, "completed", "none")
        elif output.press.kind != "pulse":
            self._end(index, "limit", "limit")
        elif len(output.pulses) + 1 < output.press.count:
            self._lift(index)
            output.next_ns = self.now_ns + output.press.gap_ns
        else:
            self._end(index, "completed", "none")

    def _check_holds(self, index: int) -> None:
        for number, output in enumerate(self.outputs):
            if output.down_ns is None or output.press is None or output.press.until is None:
                continue
            if output.press.until.input == index and self._met_ns(output.press.until) <= self.now_ns:
                self._end(number, "completed", "none")

    def _lift(self, index: int) -> None:
        output = self.outputs[index]
        assert output.down_ns is not None
        self._write(index, False)
        output.pulses.append((output.down_ns, self.now_ns))
        output.down_ns = None

    def _end(self, index: int, outcome: str, reason: str) -> None:
        if self.outputs[index].down_ns is not None:
            self._lift(index)
        self._finish(index, outcome, reason)

    def _finish(self, index: int, outcome: str, reason: str) -> None:
        output = self.outputs[index]
        press = output.press
        assert press is not None
        output.press = output.next_ns = None
        self._done(index, press, outcome, reason, output.pulses)

    def _write(self, index: int, active: bool) -> None:
        self.outputs[index].level = active
        self.writes.append((self.now_ns, index, active))

    def _answer(self, index: int, press: Press, outcome: str, reason: str) -> None:
        self._done(index, press, outcome, reason, [])

    def _done(self, index: int, press: Press, outcome: str, reason: str, pulses: list[tuple[int, int]]) -> None:
        achieved_ns = sum(up - down for down, up in pulses)
        first_ns = pulses[0][0] if pulses else 0
        last_ns = pulses[-1][1] if pulses else 0
        self.events.append(("done", index, self.now_ns, press.token, outcome, reason, achieved_ns, first_ns, last_ns))
