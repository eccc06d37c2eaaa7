# SPDX-License-Identifier: Apache-2.0
"""The child process of adapter `ipmi`, with children that misbehave, and its own loop with a BMC in memory."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.hardware.adapters import ipmi_child
from agent.hardware.adapters.child import Child, ChildFailed
from agent.hardware.adapters.interface import AdapterError, Surroundings
from agent.hardware.adapters.ipmi import KIND, IpmiOptions
from agent.hardware.remote_sensors import RemoteSensors, Unavailable
from agent.profile.schema import Profile
from tests.agent.hardware.adapters.worlds import play, until

BODIES = {
    "echo": "for line in sys.stdin: print(line.strip(), flush=True)",
    "garbage": "for line in sys.stdin: print('BMC says hello', flush=True)",
    "deep": "for line in sys.stdin: print('[' * 60000, flush=True)",
    "endless": "sys.stdin.readline(); print('x' * 10_000_000, flush=True)",
    "other": 'for line in sys.stdin: print(\'{"id": 99, "on": true}\', flush=True)',
    "dead": "sys.stdin.readline(); sys.exit(3)",
    "hanging": "time.sleep(60)",
    "refusing": "for line in sys.stdin: i = json.loads(line)['id'];"
    " print(json.dumps({'id': i, 'error': 'Incorrect password', 'end': True}), flush=True); sys.exit()",
}


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Child:
    body = BODIES[request.param]
    (tmp_path / "a_child.py").write_text(f"import json, sys, time\ngreeting = sys.stdin.readline()\n{body}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return Child("a_child", {"password": "hunter2"}, rest_s=0.2)


@pytest.mark.parametrize("child", ["echo"], indirect=True)
def test_answers_and_survives_kill(child: Child) -> None:
    async def story() -> None:
        assert (await child.call({"do": "x"}, 5))["do"] == "x"
        pid = child.pid
        assert pid is not None
        shown = b"".join((Path("/proc") / str(pid) / name).read_bytes() for name in ("cmdline", "environ"))
        assert b"hunter2" not in shown
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ChildFailed, match="its child process failed"):
            await child.call({"do": "x"}, 5)
        rests_until_s = child._rests_until_s
        child._rests_until_s = float("inf")  # for as long as it takes to ask
        with pytest.raises(ChildFailed, match="its child process failed"):
            await child.call({"do": "x"}, 5)  # it rests
        child._rests_until_s = rests_until_s
        await asyncio.sleep(max(0.0, rests_until_s - time.monotonic()))
        assert (await child.call({"do": "y"}, 5))["do"] == "y"
        assert child.pid not in (pid, None)
        await child.close()

    play(story)


@pytest.mark.parametrize(
    ("child", "why"),
    [
        ("garbage", "no JSON"),
        ("deep", "no JSON"),
        ("endless", "its child process failed"),
        ("other", "it answered another question"),
        ("dead", "it ended"),
        ("refusing", "^Incorrect password$"),
    ],
    indirect=["child"],
)
def test_what_is_no_answer_is_a_failure(child: Child, why: str) -> None:
    async def story() -> None:
        with pytest.raises(ChildFailed, match=why):
            await child.call({"do": "x"}, 10)
        assert child.pid is None
        await child.close()

    play(story)


@pytest.mark.parametrize("child", ["hanging"], indirect=True)
def test_one_that_hangs_is_killed(child: Child) -> None:
    async def story() -> None:
        call = asyncio.create_task(child.call({"do": "x"}, 1.0))
        await until(lambda: child.pid is not None)
        pid = child.pid
        with pytest.raises(ChildFailed, match=r"no answer within 1 s"):
            await call
        await until(lambda: not os.path.exists(f"/proc/{pid}"))  # it would hang for a minute
        await child.close()

    play(story)


@pytest.mark.parametrize("child", ["refusing"], indirect=True)
def test_the_rest_doubles_so_that_no_account_is_locked(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        now_s, rests = 1000.0, []
        monkeypatch.setattr("agent.hardware.adapters.child.time", SimpleNamespace(monotonic=lambda: now_s))
        for _ in range(3):
            with pytest.raises(ChildFailed):
                await child.call({"do": "x"}, 10)
            rests.append(child._rests_until_s - now_s)
            now_s = child._rests_until_s
        assert rests == pytest.approx([0.2, 0.4, 0.8])
        await child.close()

    play(story)


class Bmc:
    """In the place of pyghmi's session."""

    def __init__(self, login: dict[str, Any]) -> None:
        self.on = False

    def power(self) -> dict[str, Any]:
        return {"on": self.on}

    act = ipmi_child.Remote.act
    sensor = ipmi_child.Remote.sensor

    def _raw(self, command: int, data: tuple[int, ...], once: bool = False) -> bytes:
        assert once, "a command is never repeated"
        if data[0] == 4:
            raise OSError("timeout")
        self.on = data[0] == 1
        return b""


def serve(monkeypatch: pytest.MonkeyPatch, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    monkeypatch.setattr(ipmi_child, "Remote", Bmc)
    lines = [{}, *({**one, "id": number} for number, one in enumerate(requests))]
    answers = io.StringIO()
    ipmi_child.serve(io.StringIO("".join(json.dumps(line) + "\n" for line in lines)), answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def test_state_and_command_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    assert serve(
        monkeypatch,
        {"do": "act", "what": "on", "when": "on"},
        {"do": "act", "what": "on", "when": "off"},
        {"do": "power"},
        {"do": "act", "what": "off", "when": None},
        {"do": "power"},
        {"do": "fly"},
    ) == [
        {"id": 0, "refused": "off"},
        {"id": 1},
        {"id": 2, "on": True},
        {"id": 3},
        {"id": 4, "on": False},
        {"id": 5, "error": "no such request"},
    ]


def test_a_lost_session_ends_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = serve(monkeypatch, {"do": "act", "what": "nmi", "when": None}, {"do": "power"})
    assert answers == [{"id": 0, "error": "timeout", "end": True}]


def test_the_password_file_must_be_private(tmp_path: Path) -> None:
    async def story() -> None:
        secret = tmp_path / "password"
        secret.write_text("hunter2")
        secret.chmod(0o640)
        around = Surroundings("adapters.bmc", Profile(schema=1, name="test"))
        adapter = KIND.make(IpmiOptions(host="192.0.2.1", user="u", password_file=str(secret)), around)
        with pytest.raises(AdapterError, match=rf"adapters\.bmc: password_file: {secret} can be read .* chmod 600"):
            await adapter.start(lambda sense: None)
        assert isinstance(adapter, RemoteSensors)
        reading = await adapter.sensor("CPU Temp")
        assert reading == Unavailable("adapters.bmc: is not started")

    play(story)
