# SPDX-License-Identifier: Apache-2.0
"""Answers that are none, servers that are silent or strange, files that are not there: states, and never the end."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from agent.energy.kubernetes import api
from agent.energy.kubernetes import publisher as publisher_module
from agent.energy.kubernetes.publication import PublishState
from agent.energy.kubernetes.publisher import NodePublisher
from tests.agent.energy.kubernetes.authority import make_authority
from tests.agent.energy.kubernetes.played import FACTS, play, raw, replace_table

if TYPE_CHECKING:
    from pathlib import Path

    from agent.energy.kubernetes.table import KubernetesTable
    from tests.agent.energy.kubernetes.scripted import Handler, ScriptedServer


def trickle(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(300):
        handler.wfile.write(f"X-{number}: 1\r\n".encode())
        time.sleep(0.1)


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (HEAD + b"Content-Length: 99\r\n\r\n{}", "cut short"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n40\r\nshort", "cannot be reached: IncompleteRead"),
        (HEAD + b"\r\n" + b"x" * (api.MAX_BYTES + 2), "larger than"),
        (HEAD + b"\r\n<html>sign in</html>", "did not answer as an API server"),
        (HEAD + b"\r\n" + b"[" * 200_000, "did not answer as an API server"),
        (HEAD + b'\r\n{"kind": "Node", "metadata": {"name": "worker-2"}}', "something else"),
        (HEAD + b'\r\n{"kind": "Node", "metadata": {"name": "worker-1", "labels": {"a": 1}}}', "did not answer"),
        (b"\x00\x01\x02\r\n\r\n", "cannot be reached: BadStatusLine"),
        (b"", "cannot be reached"),
        (b"HTTP/1.1 200 " + b"y" * 70_000 + b"\r\n\r\n", "cannot be reached: LineTooLong"),
        (HEAD + b"A: b\r\n" * 200 + b"\r\n", "cannot be reached: HTTPException"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else str(value),
)
def test_an_answer_that_is_none(table: KubernetesTable, server: ScriptedServer, content: bytes, words: str) -> None:
    server.script = [raw(content)]
    played = play(table)
    assert played.state() is PublishState.UNREACHABLE
    assert words in played.publisher.state.reason


def test_a_server_that_trickles_has_one_deadline(table: KubernetesTable, server: ScriptedServer) -> None:
    server.script = [trickle]
    began_s = time.monotonic()
    played = play(replace_table(table, timeout_s=1))
    assert "no whole answer within 1 s" in played.publisher.state.reason
    assert time.monotonic() - began_s < 15.0  # the whole of it would take 30 s


def test_a_server_that_says_nothing_and_one_that_is_not_there(table: KubernetesTable) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        changed = replace_table(table, server=f"https://127.0.0.1:{port}", timeout_s=1)
        assert "no whole answer within 1 s" in play(changed).publisher.state.reason
    assert "cannot be reached: ConnectionRefusedError" in play(changed).publisher.state.reason


def test_a_defect_is_logged_and_not_the_end(
    table: KubernetesTable, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a request raises that nobody thought of: the task goes on, and publishes when it works again."""
    defects = [RuntimeError("a defect"), MemoryError()]

    def request(*arguments: Any) -> Any:
        if defects:
            raise defects.pop()
        return api.request(*arguments)

    monkeypatch.setattr(publisher_module, "request", request)
    monkeypatch.setattr(publisher_module, "AFTER_A_DEFECT_S", 0.01)

    async def story() -> None:
        publisher = NodePublisher(table, {})
        publisher.publish(FACTS)
        running = asyncio.create_task(publisher.run())
        async with asyncio.timeout(10):
            while publisher.state.state is not PublishState.PUBLISHED:
                await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(story())
    assert caplog.text.count("a defect of pgood") == 2
    assert server.metadata["annotations"] == {"other": "kept"}


def test_a_server_that_nobody_vouches_for(table: KubernetesTable, server: ScriptedServer, tmp_path: Path) -> None:
    stranger, _ = make_authority(tmp_path / "stranger")
    played = play(replace_table(table, ca_file=str(stranger)))
    assert "is not proven by" in played.publisher.state.reason
    assert server.seen == []  # the token was not shown to it


@pytest.mark.parametrize("what", ["token_file", "ca_file"])
def test_a_file_that_is_missing_is_named(table: KubernetesTable, server: ScriptedServer, what: str) -> None:
    played = play(replace_table(table, **{what: "/nowhere/at-all"}))
    assert played.state() is PublishState.UNREACHABLE
    assert "/nowhere/at-all" in played.publisher.state.reason
    assert server.seen == []


def test_a_token_that_would_forge_a_header(table: KubernetesTable, server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a\r\nX-Evil: 1")
    assert "one word" in play(table).publisher.state.reason
    assert server.seen == []
