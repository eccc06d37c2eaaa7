# SPDX-License-Identifier: Apache-2.0
"""The C line engine and a simulated plant under the loop's virtual clock, behind the calls of LineEngine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from native._core import ffi, lib

from native import Condition, InputSource, LineClass
from native.decode import EventDecoder, input_state
from native.fake import FakeEngine
from native.opening import fill_condition, rule_settings

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from agent.sim.plant_lines import PlantLines
    from native import EngineConfig, InputState, LineEvent
    from tests.agent.psu.virtual_loop import VirtualLoop

MS = 1_000_000
NEVER = 2**63 - 1


class VirtualEngine:
    """One run of the engine. Outputs act on the plant at the instant they are written, and the plant on inputs."""

    def __init__(
        self,
        config: EngineConfig,
        levels: Mapping[str, bool],
        lines: PlantLines,
        loop: VirtualLoop,
        wrote: Callable[[str, bool, int], None],
    ) -> None:
        """`levels`: maintained outputs as they were found; `wrote(name, active, now_ns)` hears of every write."""
        self._loop = loop
        self._lines = lines
        self._wrote = wrote
        self._fake = FakeEngine()
        self._fake.now_ns = loop.time_ns()
        self._decoder = EventDecoder(config)
        self._config = config
        self._outputs = {line.name: index for index, line in enumerate(config.outputs)}
        self._inputs = {line.name: index for index, line in enumerate(config.inputs)}
        self._rules = {rule.name: index for index, rule in enumerate(config.interlocks)}
        self._names = [line.name for line in config.outputs]
        self._driven = dict(levels)
        for line in config.outputs:
            momentary = line.line_class is LineClass.MOMENTARY
            level = levels.get(line.name, False)
            self._fake.add_output(
                momentary=momentary, max_press_ns=round(line.max_press_ms * MS), initial=level and not momentary
            )
        for number, source in enumerate(config.inputs):
            self._fake.add_input(
                rise_ns=round(source.rise_ms * MS),
                fall_ns=round(source.fall_ms * MS),
                led=source.source is InputSource.LED,
            )
            self._fake.raw.levels[number] = lines.inputs(loop.time_ns()).get(source.name, False)
        for rule in config.interlocks:
            added = lib.ENG_AddRule(self._fake.raw.engine, rule_settings(rule, self._outputs, self._inputs))
            assert added >= 0, rule.name
        self._tokens = 0
        self._events: list[LineEvent] = []
        self._told: Callable[[list[LineEvent]], None] = lambda _: None
        self._timer: asyncio.TimerHandle | None = None
        self._running = False

    def start(self, told: Callable[[list[LineEvent]], None]) -> None:
        self._told, self._running = told, True
        self._fake.now_ns = self._loop.time_ns()
        self._fake.start()
        self.settle()

    def stop(self) -> dict[str, bool]:
        """Buttons go idle, as the guard sees to when an agent dies; returns what maintained outputs are left at."""
        self._fake.now_ns = self._loop.time_ns()
        self._fake.stop()
        self._take_writes()
        self._running = False
        if self._timer:
            self._timer.cancel()
        classes = {line.name: line.line_class for line in self._config.outputs}
        return {name: level for name, level in self._driven.items() if classes[name] is LineClass.MAINTAINED}

    # ------------------------------------------------------------------ as LineEngine

    def pulse(self, name: str, width_ms: float, *, precondition: Condition | None = None) -> int:
        return self._order(lib.ENG_PULSE, self._outputs[name], precondition, width_ns=round(width_ms * MS))

    def hold_until(
        self, name: str, until: Condition, at_most_ms: float, *, precondition: Condition | None = None
    ) -> int:
        width_ns = round(at_most_ms * MS)
        return self._order(lib.ENG_HOLD, self._outputs[name], precondition, until=until, width_ns=width_ns)

    def set(self, name: str, active: bool) -> int:
        return self._order(lib.ENG_SET, self._outputs[name], None, active=active)

    def fire(self, interlock: str) -> None:
        self._order(lib.ENG_FIRE, self._rules[interlock], None)

    def reset(self, interlock: str) -> None:
        self._order(lib.ENG_RESET, self._rules[interlock], None)

    def output(self, name: str) -> bool:
        return self._driven.get(name, False)

    def input(self, name: str) -> InputState:
        state = self._fake.input(self._inputs[name])
        return input_state(state, counts_glitches=True)

    def _order(
        self,
        kind: int,
        index: int,
        precondition: Condition | None,
        *,
        until: Condition | None = None,
        width_ns: int = 0,
        active: bool = False,
    ) -> int:
        self._tokens += 1
        order: Any = ffi.new("ENG_Order *")
        order.kind, order.line, order.token = kind, index, self._tokens
        order.width_ns, order.count, order.active = width_ns, 1, active
        fill_condition(order.precondition, precondition, self._inputs)
        fill_condition(order.until, until, self._inputs)
        self._fake.now_ns = self._loop.time_ns()
        lib.ENG_Command(self._fake.raw.engine, order, self._fake.now_ns)
        self._loop.call_soon(self.settle)
        return self._tokens

    # ------------------------------------------------------------------ time and the plant

    def settle(self) -> None:
        """Bring engine and plant to this instant and to agreement; wake again when either has something due."""
        if not self._running:
            return
        now_ns = self._loop.time_ns()
        self._fake.now_ns = now_ns
        due_ns = None
        for _ in range(64):
            self._fake.advance()
            self._take_writes()
            due_ns = self._lines.plant.advance(now_ns)
            if not self._drive_inputs(now_ns):
                break
        else:
            raise AssertionError("engine and plant do not come to rest")
        decoded = (self._decoder.decode(item) for item in self._fake.take_events())
        self._events += [event for event in decoded if event is not None]
        if self._events:
            self._loop.call_soon(self._tell)
        if self._timer:
            self._timer.cancel()
        dues = [due for due in (due_ns, self._fake.next_deadline()) if due is not None and due != NEVER]
        if dues:
            self._timer = self._loop.call_at(max(min(dues), now_ns + 1000) / 1e9, self.settle)

    def _tell(self) -> None:
        events, self._events = self._events, []
        if self._running:
            self._told(events)

    def _take_writes(self) -> None:
        for write in self._fake.take_writes():
            name = self._names[write.output]
            self._driven[name] = write.active
            self._wrote(name, write.active, write.time_ns)
            self._lines.output_changed(name, write.active, write.time_ns)

    def _drive_inputs(self, now_ns: int) -> bool:
        changed = False
        for name, level in self._lines.inputs(now_ns).items():
            index = self._inputs.get(name)
            if index is not None and bool(self._fake.raw.levels[index]) != level:
                self._fake.raw.levels[index] = level
                self._fake.edge(index, level, now_ns)
                changed = True
        return changed
