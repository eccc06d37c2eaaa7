# SPDX-License-Identifier: Apache-2.0
"""Adapter `command` with real scripts."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import pytest

from agent.hardware.adapters.command import KIND, CommandOptions
from agent.hardware.adapters.conformance import check_adapter
from agent.hardware.adapters.interface import Ability, AdapterError, Level, Precondition, Sense, Surroundings
from agent.profile.schema import Profile
from tests.agent.hardware.adapters.worlds import FileWorld, bad, play, until
from tests.agent.processes import running_with

if TYPE_CHECKING:
    from pathlib import Path

    from agent.hardware.adapters.interface import PowerAdapter

AROUND = Surroundings("adapters.strip", Profile(schema=1, name="test"))


def options(world: FileWorld) -> CommandOptions:
    script = str(world.script)
    commands = {ability.value: (script, ability.value) for ability in Ability}
    return CommandOptions(**commands, poll_s=0.1, timeout_s=2.0)  # type: ignore[arg-type]


def made(**keys: object) -> PowerAdapter:
    return KIND.make(CommandOptions(**keys), AROUND)  # type: ignore[arg-type]


def shell(text: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", text)


def test_conforms(tmp_path: Path) -> None:
    async def story() -> None:
        world = FileWorld(tmp_path)
        findings = await check_adapter(
            "adapters.strip", lambda: KIND.make(options(world), AROUND), world, timeout_s=2.0
        )
        assert not bad(findings)

    play(story)


def test_exit_code_and_first_line_of_the_error_are_told() -> None:
    async def story() -> None:
        with pytest.raises(AdapterError, match=r"^adapters\.strip: on: exit code 3: no such outlet$"):
            await made(on=shell("echo no such outlet >&2; echo more >&2; exit 3")).act(
                Ability.ON, Precondition(Level.OFF)
            )

    play(story)


def test_a_program_that_is_not_there_is_named() -> None:
    async def story() -> None:
        with pytest.raises(AdapterError, match="on: '/nowhere/tool' cannot be run: No such file"):
            await made(on=("/nowhere/tool",)).act(Ability.ON, Precondition(Level.OFF))

    play(story)


def test_a_command_that_hangs_is_killed_with_what_it_started(tmp_path: Path) -> None:
    async def story() -> None:
        file = tmp_path / "pid"
        hanging = made(on=shell(f"trap '' TERM; sleep 60 & echo $! > {file}; wait"), timeout_s=1.0)
        async with asyncio.timeout(30):  # the command itself would take a minute
            with pytest.raises(AdapterError, match=r"on: '/bin/sh' did not end within 1 s"):
                await hanging.act(Ability.ON, Precondition(Level.OFF))

        def gone() -> bool:
            try:
                return b"sleep" not in open(f"/proc/{int(file.read_text())}/cmdline", "rb").read()
            except FileNotFoundError:
                return True

        await until(gone)

    play(story)


def test_output_without_end_is_bounded_in_memory_and_time() -> None:
    async def story() -> None:
        endless = made(sense=("/usr/bin/yes",), sense_on="on", sense_off="off", timeout_s=0.5, poll_s=60)
        heard: list[Sense] = []
        await endless.start(heard.append)
        await until(lambda: heard)
        assert heard[0].level is Level.UNKNOWN
        assert "did not end within 0.5 s" in heard[0].reason
        await endless.close()

    play(story)


@pytest.mark.parametrize(
    ("output", "level"),
    [("outlet 3: on", Level.ON), ("outlet 3: off", Level.OFF), ("often", Level.UNKNOWN), ("on off", Level.UNKNOWN)],
)
def test_words_decide(output: str, level: Level) -> None:
    async def story() -> None:
        heard: list[Sense] = []
        adapter = made(sense=("/bin/echo", output), sense_on="on", sense_off="off")
        await adapter.start(heard.append)
        await until(lambda: heard)
        assert heard[0].level is level
        assert bool(heard[0].reason) == (level is Level.UNKNOWN)
        await adapter.close()

    play(story)


def test_commands_get_a_small_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        monkeypatch.setenv("PGOOD_SECRET", "hunter2")
        await made(on=shell(f"env > {tmp_path}/env")).act(Ability.ON, Precondition(Level.OFF))
        names = {line.partition("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
        assert names - {"PWD", "SHLVL", "_", "OLDPWD"} <= {"PATH", "LC_ALL", "HOME"}

    play(story)


def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    async def story() -> None:
        await made(on=("/bin/echo", f"; touch {tmp_path}/owned")).act(Ability.ON, Precondition(Level.OFF))
        assert "owned" not in os.listdir(tmp_path)

    play(story)


def test_a_cancelled_command_leaves_no_process(tmp_path: Path) -> None:
    async def story() -> None:
        file = tmp_path / "pid"
        adapter = made(on=shell(f"echo $$ > {file}; sleep 60"))
        act = asyncio.create_task(adapter.act(Ability.ON, Precondition(Level.OFF)))
        await until(lambda: file.exists() and file.read_text().strip())
        act.cancel()
        await asyncio.gather(act, return_exceptions=True)
        await until(lambda: not os.path.exists(f"/proc/{file.read_text().strip()}"))

    play(story)


@pytest.mark.parametrize("rounds", range(12))
def test_cancelled_while_it_is_started_it_leaves_no_process(tmp_path: Path, rounds: int) -> None:
    """After each number of rounds of the loop; what the shell starts has time to run before the cancellation."""

    async def story() -> None:
        file = tmp_path / "followed"
        file.touch()
        act = asyncio.create_task(made(on=shell(f"tail -f {file}; true")).act(Ability.ON, Precondition(Level.OFF)))
        for _ in range(rounds):
            await asyncio.sleep(0)
        time.sleep(0.05)  # noqa: ASYNC251 - the loop shall not turn
        act.cancel()
        await asyncio.wait_for(asyncio.gather(act, return_exceptions=True), 10.0)
        await until(lambda: not running_with(str(file)))

    play(story)
