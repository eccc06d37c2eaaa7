# SPDX-License-Identifier: Apache-2.0
"""Hosts that are switched by adapters, on a whole simulated board with real scripts behind them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from agent.events.event import EventKind
from agent.hardware.adapters.interface import Ability, AdapterError, Level, Precondition, Sense
from agent.hardware.adapters.supervised import SupervisedAdapter
from agent.power.adapter_lines import AdapterHostLines
from agent.power.effects import Button, HoldUntilOff, PowerGood, Press, PressResult
from agent.power.request import Action, HostState, Reply, Request, Verdict
from tests.agent.board.boards import RunningBoard, on_a_board
from tests.agent.hardware.adapters.worlds import FileWorld

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from agent.power.host import Host

PROFILE = """
schema = 1
name = "by-script"
[board]
simulated = true

[lines.reset]
direction = "output"
class = "momentary"
max_press_ms = 1000

[adapters.strip]
kind = "command"
on = ["{script}", "on"]
off = ["{script}", "off"]
soft_off = ["{script}", "soft_off"]
sense = ["{script}", "sense"]
poll_s = 0.1
timeout_s = {script_s}

[[hosts]]
name = "0"
reset_button = "reset"
timing.power_on_timeout_ms = {follow_ms}
timing.soft_off_timeout_ms = {follow_ms}
timing.cycle_off_ms = 300
timing.off_settle_ms = 300
controls = {{ {controls} }}
"""
FULL = 'on = "strip", off = "strip", soft_off = "strip", reset = "gpio", sense = "strip"'


class Scene:
    def __init__(self, running: RunningBoard, world: FileWorld) -> None:
        self.running = running
        self.world = world

    @property
    def host(self) -> Host:
        return self.running.board.services.hosts["0"]

    def state(self) -> HostState:
        return self.host.view().state

    async def until(self, state: HostState) -> None:
        await self.running.until(lambda: self.state() is state)

    async def run(self, action: Action, force: bool = False) -> Verdict:
        return (await self.host.run(Request(action, "test", force))).verdict


def filled(text: str, world: FileWorld, controls: str, *, script_s: float = 20.0, follow_ms: int = 20_000) -> str:
    """A machine that follows and a script that answers are waited for, unless a test is of how that ends."""
    return text.format(script=world.script, controls=controls, script_s=script_s, follow_ms=follow_ms)


def play(folder: Path, story: Callable[[Scene], Awaitable[None]], controls: str = FULL, **times: Any) -> None:
    (folder / "world").mkdir()
    world = FileWorld(folder / "world")
    on_a_board(folder, filled(PROFILE, world, controls, **times), lambda running: story(Scene(running, world)))


def sent(world: FileWorld) -> list[str]:
    return (world.folder / "commands").read_text().split()


def test_every_action_is_closed_loop(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.until(HostState.OFF)
        assert await scene.run(Action.RESET) is Verdict.NOT_IN_THIS_STATE
        assert await scene.run(Action.ON) is Verdict.DONE
        assert await scene.run(Action.RESET) is Verdict.DONE
        assert await scene.run(Action.CYCLE) is Verdict.DONE
        assert await scene.run(Action.SOFT_OFF) is Verdict.DONE
        assert await scene.run(Action.ON) is Verdict.DONE
        assert await scene.run(Action.FORCE_OFF) is Verdict.DONE
        assert scene.state() is HostState.OFF
        assert sent(scene.world) == ["on", "off", "on", "soft_off", "on", "off"]

    play(tmp_path, story)


def test_what_no_adapter_does_is_refused_by_name(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.until(HostState.OFF)
        reply, _ = scene.host.ask(Request(Action.SOFT_OFF, "test"))
        assert reply.verdict is Verdict.NOT_WIRED
        assert reply.reason == "host 0 has no adapter for soft_off ([hosts.controls]) in the profile"
        assert await scene.run(Action.NMI) is Verdict.NOT_WIRED

    play(tmp_path, story, 'on = "strip", off = "strip", sense = "strip"')


def test_a_lost_sense_makes_the_state_unknown_and_comes_back(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.until(HostState.OFF)
        await scene.world.cut()
        await scene.until(HostState.UNKNOWN)
        assert "no route to machine" in scene.host.view().reason
        assert not scene.host.view().powered
        lost = await scene.running.hear(EventKind.HOST_SENSE_LOST)
        assert "no route to machine" in lost.args[1]
        reply, _ = scene.host.ask(Request(Action.ON, "test"))
        assert reply.verdict is Verdict.NOT_IN_THIS_STATE
        assert reply.reason.startswith("power cannot be sensed: adapters.strip: sense: exit code 7")
        await scene.world.become(Level.ON)
        await scene.world.mend()
        await scene.until(HostState.ON)
        await scene.running.hear(EventKind.HOST_SENSE_BACK)
        assert scene.host.view().reason == ""
        assert sent(scene.world) == []

    play(tmp_path, story)


def test_an_operation_whose_sense_is_lost_ends_with_that_reason(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.until(HostState.OFF)
        await scene.run(Action.ON)
        (scene.world.folder / "deaf").touch()
        off = asyncio.create_task(scene.host.run(Request(Action.SOFT_OFF, "test")))
        await scene.running.until(lambda: sent(scene.world)[-1] == "soft_off")
        await scene.world.cut()
        reply = await off
        assert reply.verdict is Verdict.FAILED
        assert "power cannot be sensed any more" in reply.reason
        await scene.world.mend()
        await scene.until(HostState.ON)

    play(tmp_path, story)


def test_a_failed_command_is_tried_again_because_the_sense_proves_it(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.until(HostState.OFF)
        (scene.world.folder / "fail-once").touch()
        assert await scene.run(Action.ON) is Verdict.DONE
        assert sent(scene.world) == ["on", "on"]

    play(tmp_path, story)


def test_a_machine_that_does_not_follow_is_a_fault(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.until(HostState.OFF)
        (scene.world.folder / "deaf").touch()
        assert await scene.run(Action.ON) is Verdict.FAILED
        assert scene.state() is HostState.FAULT
        assert sent(scene.world) == ["on"]  # what was carried out is not repeated
        assert await scene.run(Action.ON) is Verdict.UNVERIFIED
        (scene.world.folder / "deaf").unlink()
        assert await scene.run(Action.ON, force=True) is Verdict.DONE
        assert scene.state() is HostState.ON

    play(tmp_path, story, follow_ms=1500)


def test_a_finger_that_was_faster_wins(tmp_path: Path) -> None:
    """The sense is old by up to its period: the adapter looks again, and sends nothing."""

    async def story(scene: Scene) -> None:
        await scene.until(HostState.OFF)
        host = scene.host
        await scene.world.become(Level.ON)
        reply = await host.run(Request(Action.ON, "test"))
        assert reply.verdict in (Verdict.FAILED, Verdict.DONE)
        await scene.until(HostState.ON)
        assert sent(scene.world) == []

    play(tmp_path, story)


def test_closing_the_board_sends_nothing(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.until(HostState.OFF)
        await scene.run(Action.ON)

    play(tmp_path, story)
    assert (tmp_path / "world" / "commands").read_text().split() == ["on"]
    assert (tmp_path / "world" / "state").read_text() == "on\n"


class Flaky:
    """An adapter in memory: what it does with each command is said beforehand."""

    abilities = frozenset(Ability)
    reports = True

    def __init__(self, *answers: str) -> None:
        self.level = Level.OFF
        self.answers = list(answers)
        self.sent: list[Ability] = []
        self.tell: Callable[[Sense], None] = lambda sense: None

    async def start(self, tell: Callable[[Sense], None]) -> None:
        self.tell = tell
        tell(Sense(self.level))

    async def act(self, ability: Ability, when: Precondition) -> None:
        when.confirm(self.level)
        self.sent.append(ability)
        answer = self.answers.pop(0) if self.answers else "done"
        if answer in ("done", "lost"):
            self.level = {Ability.ON: Level.ON, Ability.OFF: Level.OFF}.get(ability, self.level)
            self.tell(Sense(self.level))
        if answer != "done":
            raise AdapterError(f"adapters.x: {answer}")

    async def close(self) -> None:
        self.tell = lambda sense: None


def ends(adapter: Flaky, press: Press | HoldUntilOff) -> tuple[PressResult, str]:
    """How a press on a host with this adapter ends."""

    async def story() -> tuple[PressResult, str]:
        one = SupervisedAdapter("adapters.x", adapter, 1.0)
        lines = AdapterHostLines({ability: one for ability in Ability}, armed=True)
        ended: asyncio.Future[tuple[PressResult, str]] = asyncio.get_running_loop().create_future()
        lines.tell_ends_to(lambda token, result, detail: ended.set_result((result, detail)))
        one.start()
        while one.sense.level is Level.UNKNOWN:
            await asyncio.sleep(0.001)
        token = lines.press(press) if isinstance(press, Press) else lines.hold_until_off(press)
        assert token < 0, "a token of the engine would be heard by another host"
        async with asyncio.timeout(lines.act_within_ms / 1000):
            result = await ended
        await one.close()
        return result

    return asyncio.run(story())


ON_PRESS = Press(Button.POWER, 200, PowerGood.OFF, 0)


@pytest.mark.parametrize(
    ("answers", "result", "sent"),
    [
        (["no", "no"], PressResult.COMPLETED, 3),
        (["no", "no", "no"], PressResult.FAILED, 3),
        (["lost"], PressResult.COMPLETED, 1),  # its answer was lost, the sense proves that it was done
    ],
)
def test_on_is_tried_three_times_after_a_fresh_look(answers: list[str], result: PressResult, sent: int) -> None:
    adapter = Flaky(*answers)
    assert ends(adapter, ON_PRESS)[0] is result
    assert len(adapter.sent) == sent


@pytest.mark.parametrize("button", [Button.RESET, Button.NMI])
def test_a_momentary_command_is_never_repeated(button: Button) -> None:
    adapter = Flaky("no")
    assert ends(adapter, Press(button, 200, PowerGood.OFF, 0)) == (PressResult.FAILED, "adapters.x: no")
    assert len(adapter.sent) == 1


def test_an_adapter_that_proves_nothing_is_not_asked_twice() -> None:
    adapter = Flaky("no")
    adapter.reports = False
    assert ends(adapter, ON_PRESS)[0] is PressResult.FAILED
    assert len(adapter.sent) == 1


def test_another_state_than_the_decisions_sends_nothing() -> None:
    adapter = Flaky()
    assert ends(adapter, Press(Button.POWER, 200, PowerGood.ON, 0))[0] is PressResult.REFUSED
    assert ends(adapter, Press(Button.POWER, 200, PowerGood.OFF, 60_000))[0] is PressResult.REFUSED  # not steady yet
    assert adapter.sent == []


def test_a_forced_off_that_does_not_show_ends_as_a_hold_does() -> None:
    class Glued(Flaky):
        async def act(self, ability: Ability, when: Precondition) -> None:
            self.sent.append(ability)

    adapter = Glued()
    adapter.level = Level.ON
    assert ends(adapter, HoldUntilOff(200, PowerGood.ON, 0))[0] is PressResult.LIMIT_REACHED
    assert adapter.sent == [Ability.OFF]


DOMAIN = """
[[domains]]
name = "shelf"
type = "chassis"
adapter = "strip"
"""


def test_an_adapter_switches_a_domain(tmp_path: Path) -> None:
    (tmp_path / "world").mkdir()
    world = FileWorld(tmp_path / "world")
    head, _ = PROFILE.split("[[hosts]]")

    async def story(running: RunningBoard) -> None:
        power = running.board.services.power
        rail = power.rails["shelf"]
        await running.until(lambda: rail.state is HostState.OFF)
        for action, state in ((Action.ON, HostState.ON), (Action.SOFT_OFF, HostState.OFF), (Action.ON, HostState.ON)):
            reply, outcome = rail.ask(Request(action, "test"))
            assert reply.verdict is Verdict.ACCEPTED
            assert outcome is not None
            assert await outcome == Reply(Verdict.DONE)
            assert rail.state is state
        assert sent(world) == ["on", "off", "on"]
        await world.cut()
        await running.until(lambda: rail.state is HostState.UNKNOWN)
        assert "no route to machine" in power.reason("shelf")
        await world.mend()
        await running.until(lambda: rail.state is HostState.ON)
        await world.become(Level.OFF)  # by hand
        await running.hear(EventKind.DOMAIN_POWER_LOST)
        assert sent(world) == ["on", "off", "on"]

    on_a_board(tmp_path, filled(head + DOMAIN, world, ""), story)


def test_a_start_that_takes_a_moment_loses_nothing(tmp_path: Path) -> None:
    """The first word comes after a second: until then the state is unknown, and no event says that anything is lost."""
    kinds: list[EventKind] = []

    async def story(scene: Scene) -> None:
        assert scene.state() is HostState.UNKNOWN
        assert scene.host.view().reason == ""
        await scene.world.mend()
        await scene.until(HostState.OFF)
        assert await scene.run(Action.ON) is Verdict.DONE
        while kinds[-1:] != [EventKind.HOST_ON]:
            kinds.append((await scene.running._heard.get()).kind)
        assert EventKind.HOST_SENSE_LOST not in kinds

    (tmp_path / "world").mkdir()
    world = FileWorld(tmp_path / "world")
    (world.folder / "cut").touch()
    profile = filled(PROFILE, world, FULL)
    on_a_board(tmp_path, profile, lambda running: story(Scene(running, world)))


def test_an_emergency_says_off_although_the_state_is_unknown(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.until(HostState.OFF)
        assert await scene.run(Action.ON) is Verdict.DONE
        (scene.world.folder / "sense-delay").write_text("5\n")  # longer than anybody waits for it
        await scene.until(HostState.UNKNOWN)
        assert await scene.run(Action.FORCE_OFF) is Verdict.NOT_IN_THIS_STATE
        emergencies = scene.running.board.services.power.emergencies
        operation = emergencies.emergency_off({"0"}, "test", "smoke")
        operations = scene.running.board.services.operations
        await scene.running.until(lambda: (found := operations.get(operation)) is not None and not found.running)
        assert (scene.world.folder / "commands").read_text().splitlines()[-1] == "off"
        found = operations.get(operation)
        assert found is not None
        assert "off was sent; its state is unknown" in found.steps[-2].text

    play(tmp_path, story, script_s=1.0)


def test_a_button_is_never_pressed_without_knowing() -> None:
    adapter = Flaky()
    one = SupervisedAdapter("adapters.x", adapter, 1.0)
    lines = AdapterHostLines({ability: one for ability in Ability}, armed=True, buttons=[Ability.OFF])
    assert asyncio.run(lines.cut()) is None
    assert adapter.sent == []
