# SPDX-License-Identifier: Apache-2.0
"""Plays a scenario on a stage: one step after the other, each with its time and what it found."""

from __future__ import annotations

import shlex
import threading
import time
from typing import TYPE_CHECKING

from agent.sim.scenario import ReplyOf
from agent.sim.stage import LOST, StageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.events.event import EventKind
    from agent.sim.scenario import (
        Ask,
        ExpectDocument,
        ExpectHost,
        ExpectOutput,
        ExpectPresses,
        NeverLine,
        Scenario,
        Step,
    )
    from agent.sim.stage import Stage

POLL_S = 0.02
JOIN_S = 5.0


class ScenarioFailed(Exception):
    """The board did not do what the scenario says; the text names the step, what was wanted and what was there."""


class _Asked:
    """A request under way, in a thread of its own."""

    def __init__(self, stage: Stage, ask: Ask) -> None:
        self.reply: tuple[str, str] | None = None
        self._stage = stage
        self._ask = ask
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.reply = self._stage.ask(self._ask)
        except StageError as error:
            self.reply = (LOST, str(error))

    def join(self) -> None:
        self._thread.join(JOIN_S)


class Player:
    """Plays one scenario once. `told` hears a line for each part of each step."""

    def __init__(self, scenario: Scenario, stage: Stage, told: Callable[[str], None] = lambda line: None) -> None:
        self._scenario = scenario
        self._stage = stage
        self._told = told
        self._began_s = 0.0
        self._asked: dict[str, _Asked] = {}
        self._last: _Asked | None = None
        self._rises: dict[str, int] = {}
        self._seen: set[str] = set()
        """Ids of events from before the beginning, and of those that a step has taken."""
        self._before: frozenset[str] = frozenset()

    def play(self) -> None:
        """Raises ScenarioFailed, StageError."""
        self._began_s = time.monotonic()
        self._rises = {name: int(record["rises"]) for name, record in self._stage.outputs().items()}
        self._before = frozenset(str(event["id"]) for event in self._stage.events())
        self._seen = set(self._before)
        for number, step in enumerate(self._scenario.steps, 1):
            try:
                self._play(step)
            except ScenarioFailed as failed:
                raise ScenarioFailed(f"step {number}: {failed}") from None
        for never in self._scenario.never:
            self._never(never)
        kinds = {never.event.value for never in self._scenario.never_event}
        for event in self._stage.events():
            if event["kind"] in kinds and event["id"] not in self._before:
                raise ScenarioFailed(f"never {event['kind']}: it came: {event['message']}")
        for asked in self._asked.values():
            asked.join()

    def _play(self, step: Step) -> None:
        if step.at_s is not None:
            time.sleep(max(0.0, self._began_s + step.at_s - time.monotonic()))
        time.sleep(step.pause_s)
        if step.note:
            self._tell(f"# {step.note}")
        if step.do:
            self._stage.happen(shlex.split(step.do))
            self._tell(f"do {step.do}")
        if step.ask:
            self._ask(step.ask)
        if step.kill:
            self._stage.kill()
            self._tell("killed the agent, and started it again")
        if step.expect_output:
            self._expect_output(step.expect_output)
        if step.expect:
            self._expect_host(step.expect)
        if step.expect_document:
            self._expect_document(step.expect_document)
        if step.expect_reply:
            self._expect_reply(step.expect_reply, step.within_s)
        if step.expect_event:
            self._expect_event(step.expect_event, step.within_s)
        if step.expect_presses:
            self._expect_presses(step.expect_presses, step.within_s)

    def _tell(self, text: str) -> None:
        self._told(f"{time.monotonic() - self._began_s:7.3f} s  {text}")

    def _ask(self, ask: Ask) -> None:
        what = f"host {ask.host} {ask.action.value}" if ask.action else ask.method
        self._tell(f"ask {what}")
        self._last = self._asked[ask.label] = _Asked(self._stage, ask)

    # ------------------------------------------------------------------ what must be

    def _until(self, seen: Callable[[], tuple[bool, str]], within_s: float, wanted: str) -> None:
        """Look again and again. `seen` returns whether it is so, and what is there."""
        deadline_s = time.monotonic() + within_s
        while True:
            good, there = seen()
            if good:
                self._tell(f"{wanted}: yes")
                return
            if time.monotonic() >= deadline_s:
                raise ScenarioFailed(f"{wanted} within {within_s:g} s: no, {there}")
            time.sleep(POLL_S)

    def _expect_output(self, expect: ExpectOutput) -> None:
        def seen() -> tuple[bool, str]:
            active = bool(self._stage.outputs()[expect.line]["active"])
            return active is expect.active, f"it is {_level(active)}"

        self._until(seen, expect.within_s, f"expect line {expect.line} {_level(expect.active)}")

    def _expect_host(self, expect: ExpectHost) -> None:
        def seen() -> tuple[bool, str]:
            host = self._stage.documents()[f"host/{expect.host}/state"]
            return host["state"] == expect.state.value, f"it is {host['state']} {host['reason']}".rstrip()

        self._until(seen, expect.within_s, f"expect host {expect.host} {expect.state.value}")

    def _expect_document(self, expect: ExpectDocument) -> None:
        def seen() -> tuple[bool, str]:
            document = self._stage.documents().get(expect.name)
            if document is None:
                return False, "there is no such document"
            there = document.get(expect.key)
            return there == expect.value, f"it is {there!r}"

        self._until(seen, expect.within_s, f"expect {expect.name} {expect.key} = {expect.value!r}")

    def _expect_reply(self, expect: str | ReplyOf, within_s: float) -> None:
        asked, wanted = self._last, expect
        if isinstance(expect, ReplyOf):
            asked, wanted = self._asked[expect.of], expect.verdict

        def seen() -> tuple[bool, str]:
            if asked is None or asked.reply is None:
                return False, "no reply yet"
            if asked.reply[0] != wanted:
                raise ScenarioFailed(f"expect reply {wanted}: no, it is {asked.reply[0]}: {asked.reply[1]}")
            return True, ""

        self._until(seen, within_s, f"expect reply {wanted}")

    def _expect_event(self, kind: EventKind, within_s: float) -> None:
        def seen() -> tuple[bool, str]:
            fresh = [event for event in self._stage.events() if event["id"] not in self._seen]
            for event in fresh:
                if event["kind"] == kind.value:
                    self._seen.add(str(event["id"]))
                    return True, ""
            return False, f"there were: {', '.join(str(event['kind']) for event in fresh) or 'none'}"

        self._until(seen, within_s, f"expect event {kind.value}")

    def _expect_presses(self, expect: ExpectPresses, within_s: float) -> None:
        wanted = f"expect {expect.count} presses of line {expect.line}"

        def seen() -> tuple[bool, str]:
            there = len(self._presses_ms(expect.line))
            if there > expect.count:
                raise ScenarioFailed(f"{wanted}: no, {there}")
            return there == expect.count, str(there)

        self._until(seen, within_s, wanted)

    def _never(self, never: NeverLine) -> None:
        longest_ms = max(self._presses_ms(never.line), default=0.0)
        if longest_ms > never.longer_than_ms:
            raise ScenarioFailed(
                f"never line {never.line} active for more than {never.longer_than_ms:g} ms:"
                f" it was, for {longest_ms:.1f} ms"
            )
        self._tell(f"line {never.line} was never active for more than {never.longer_than_ms:g} ms: {longest_ms:.1f} ms")

    def _presses_ms(self, line: str) -> list[float]:
        """The widths of all presses since the beginning."""
        record = self._stage.outputs()[line]
        count = int(record["rises"]) - self._rises[line]
        return [float(width) for width in record["widths_ms"][-count:]] if count else []


def _level(active: bool) -> str:
    return "active" if active else "inactive"
