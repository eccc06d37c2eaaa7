# SPDX-License-Identifier: Apache-2.0
"""The publisher against a scripted API server over real TLS: every status, and answers that are none."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from agent.energy.kubernetes import api
from agent.energy.kubernetes import publisher as publisher_module
from agent.energy.kubernetes.node_keys import NodeFacts
from agent.energy.kubernetes.publication import RARELY_S, PublishState
from agent.energy.kubernetes.publisher import NodePublisher
from agent.energy.kubernetes.table import KubernetesTable
from tests.agent.energy.kubernetes.authority import make_authority
from tests.agent.energy.kubernetes.scripted import NODE, ScriptedServer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from tests.agent.energy.kubernetes.scripted import Handler

SECRET = "eyJhbGciOi.the-token.of-this-pod"
FACTS = NodeFacts(at_s=1759756965.0, min_w=10.0, max_w=40.0, cap_w=25.0, binding="price")
KEY, LABEL = "energy.pgood/cap-watts", "energy.pgood/power-tier"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Played:
    """A publisher whose pauses pass at once."""

    def __init__(self, table: KubernetesTable, environ: dict[str, str] | None = None) -> None:
        self.clock = Clock()
        self.publisher = NodePublisher(table, environ or {}, self.clock, lambda: 0.5)

    async def until_pause(self) -> float | None:
        """Requests until there is none to make; the pause in seconds."""
        for _ in range(50):
            pause = await self.publisher.step()
            if pause is not None:
                return pause.seconds
        raise AssertionError("it asks without a pause")

    async def pass_pause(self) -> float:
        seconds = await self.until_pause()
        assert seconds is not None
        self.clock.now_s += seconds
        return seconds

    @property
    def state(self) -> PublishState:
        return self.publisher.state.state


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server(authority: tuple[Path, ssl.SSLContext]) -> Iterator[ScriptedServer]:
    with ScriptedServer(authority[1]) as server:
        yield server
        server.shutdown()


@pytest.fixture
def table(authority: tuple[Path, ssl.SSLContext], server: ScriptedServer, tmp_path: Path) -> KubernetesTable:
    (tmp_path / "token").write_text(SECRET + "\n")
    return KubernetesTable(
        node=NODE,
        server=server.url,
        token_file=str(tmp_path / "token"),
        ca_file=str(authority[0]),
        timeout_s=5,
        spread_s=0,
    )


def play(table: KubernetesTable, pauses: int = 0) -> Played:
    """Publish once, and let so many pauses pass."""
    played = Played(table)

    async def story() -> None:
        played.publisher.publish(FACTS)
        for _ in range(pauses):
            await played.pass_pause()
        await played.until_pause()

    asyncio.run(story())
    return played


def test_read_then_written_once_and_not_again(table: KubernetesTable, server: ScriptedServer) -> None:
    async def story() -> None:
        played = Played(table)
        assert played.state is PublishState.IDLE
        played.publisher.publish(FACTS)
        assert await played.until_pause() == pytest.approx(3600)
        assert played.state is PublishState.PUBLISHED
        played.publisher.publish(replace(FACTS, at_s=FACTS.at_s + 1))  # nothing but the time is new
        await played.until_pause()
        assert server.methods == ["GET", "PATCH"]
        played.publisher.publish(replace(FACTS, cap_w=30.0))
        assert await played.until_pause() == pytest.approx(60)  # not more often than that
        played.publisher.publish(replace(FACTS, cap_w=31.0))
        await played.pass_pause()
        await played.until_pause()
        assert server.methods == ["GET", "PATCH", "PATCH"]
        assert server.metadata["annotations"][KEY] == "31.0"

    asyncio.run(story())
    patch = server.seen[1]
    assert (patch.path, patch.content_type, patch.token) == (
        f"/api/v1/nodes/{NODE}?fieldManager=pgood",
        "application/merge-patch+json",
        SECRET,
    )
    assert server.metadata["annotations"]["other"] == "kept"
    assert server.metadata["labels"] == {LABEL: "high"}
    assert set(server.seen[2].body["metadata"]) == {"annotations", "labels"}
    assert KEY in server.seen[2].body["metadata"]["annotations"]
    assert "energy.pgood/min-watts" not in server.seen[2].body["metadata"]["annotations"]


def test_an_agent_that_starts_again_writes_nothing_new(table: KubernetesTable, server: ScriptedServer) -> None:
    play(table)
    play(table)
    assert server.methods == ["GET", "PATCH", "GET"]


def test_what_somebody_changed_is_put_right_at_the_next_look(table: KubernetesTable, server: ScriptedServer) -> None:
    async def story() -> None:
        played = Played(table)
        played.publisher.publish(FACTS)
        await played.until_pause()
        server.metadata["labels"][LABEL] = "full"
        await played.pass_pause()
        await played.until_pause()

    asyncio.run(story())
    assert server.methods == ["GET", "PATCH", "GET", "PATCH"]
    assert server.metadata["labels"] == {LABEL: "medium"}


def test_the_keys_go_when_the_agent_ends(table: KubernetesTable, server: ScriptedServer) -> None:
    async def story() -> None:
        publisher = NodePublisher(table, {})
        publisher.publish(FACTS)
        running = asyncio.create_task(publisher.run())
        async with asyncio.timeout(10):
            while publisher.state.state is not PublishState.PUBLISHED:
                await asyncio.sleep(0.01)
        assert LABEL in server.metadata["labels"]
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(story())
    assert server.metadata["annotations"] == {"other": "kept"}
    assert server.metadata["labels"] == {}


@pytest.mark.parametrize(
    ("status", "state", "least_s", "words"),
    [
        (403, PublishState.FORBIDDEN, RARELY_S, "verb 'get' on 'nodes'"),
        (404, PublishState.UNKNOWN_NODE, RARELY_S, f"no node '{NODE}' (from node in [energy.kubernetes])"),
        (422, PublishState.REFUSED, RARELY_S, "answered 422"),
        (302, PublishState.REFUSED, RARELY_S, "points to"),
        (500, PublishState.UNREACHABLE, 2.5, "answered 500"),
        (503, PublishState.UNREACHABLE, 2.5, "answered 503"),
    ],
)
def test_a_status_that_is_no_node(
    table: KubernetesTable, server: ScriptedServer, status: int, state: PublishState, least_s: float, words: str
) -> None:
    server.script = [(status, {"Location": "https://elsewhere/"})]
    played = Played(table)

    async def story() -> None:
        played.publisher.publish(FACTS)
        assert await played.pass_pause() >= least_s
        assert played.state is state
        assert words in played.publisher.state.reason
        await played.until_pause()

    asyncio.run(story())
    assert (played.state, played.publisher.state.reason) == (PublishState.PUBLISHED, "")


def test_403_of_the_patch_names_the_other_verb(table: KubernetesTable, server: ScriptedServer) -> None:
    server.script = [200, 403]
    assert "verb 'patch' on 'nodes'" in play(table).publisher.state.reason


def test_a_patch_that_was_refused_is_not_taken_back(table: KubernetesTable, server: ScriptedServer) -> None:
    server.script = [200, 403]

    async def story() -> None:
        played = Played(table)
        played.publisher.publish(FACTS)
        await played.until_pause()
        await played.publisher.take_away()

    asyncio.run(story())
    assert server.methods == ["GET", "PATCH"]


def test_401_reads_the_token_again_at_once(table: KubernetesTable, server: ScriptedServer, tmp_path: Path) -> None:
    def replace_token(handler: Handler) -> None:
        (tmp_path / "token").write_text("new")
        handler.say(401, {})

    server.script = [replace_token]
    played = play(table)
    assert [one.token for one in server.seen] == [SECRET, "new", "new"]
    assert played.state is PublishState.PUBLISHED


def test_401_twice_is_patience(table: KubernetesTable, server: ScriptedServer) -> None:
    server.good_tokens = {"another"}
    played = play(table)
    assert server.methods == ["GET", "GET"]
    assert (played.state, played.publisher.state.failures) == (PublishState.UNAUTHORIZED, 2)
    assert "token" in played.publisher.state.reason


def test_409_reads_and_writes_again_a_few_times(table: KubernetesTable, server: ScriptedServer) -> None:
    server.script = [200, 409, 200, 409]
    assert play(table).state is PublishState.PUBLISHED
    assert server.methods == ["GET", "PATCH", "GET", "PATCH", "GET", "PATCH"]


def test_409_without_end_is_patience(table: KubernetesTable, server: ScriptedServer) -> None:
    server.script = [200, 409] * 20
    assert play(table).state is PublishState.CONFLICT
    assert server.methods.count("PATCH") == 4


def test_429_waits_as_long_as_it_is_asked_to_within_reason(table: KubernetesTable, server: ScriptedServer) -> None:
    server.script = [(429, {"Retry-After": "77"}), (429, {"Retry-After": "999999"}), (429, {"Retry-After": "soon"})]

    async def story() -> list[float]:
        played = Played(table)
        played.publisher.publish(FACTS)
        return [await played.pass_pause() for _ in range(3)]

    pauses = asyncio.run(story())
    assert pauses[:2] == pytest.approx([77, 3600])
    assert pauses[2] < 60


def test_an_outage_is_asked_less_and_less(table: KubernetesTable, server: ScriptedServer) -> None:
    server.script = [500] * 12

    async def story() -> list[float]:
        played = Played(table)
        played.publisher.publish(FACTS)
        return [await played.pass_pause() for _ in range(12)]

    pauses = asyncio.run(story())
    assert pauses == sorted(pauses)
    assert pauses[-1] <= 300


def raw(content: bytes) -> object:
    def write(handler: Handler) -> None:
        handler.wfile.write(content)

    return write


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
    server.script = [raw(content)]  # type: ignore[list-item]
    played = play(table)
    assert played.state is PublishState.UNREACHABLE
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
    assert played.state is PublishState.UNREACHABLE
    assert "/nowhere/at-all" in played.publisher.state.reason
    assert server.seen == []


def test_a_token_that_would_forge_a_header(table: KubernetesTable, server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a\r\nX-Evil: 1")
    assert "one word" in play(table).publisher.state.reason
    assert server.seen == []


def test_keys_that_something_takes_away_are_no_quarrel(table: KubernetesTable, server: ScriptedServer) -> None:
    def undone(handler: Handler) -> None:
        handler.say(200, {"kind": "Node", "metadata": {"name": NODE}})

    server.script = [200, undone]
    played = play(table)
    assert played.state is PublishState.REFUSED
    assert "takes our keys away" in played.publisher.state.reason
    assert asyncio.run(played.until_pause()) == pytest.approx(RARELY_S)


def test_outside_a_cluster_it_says_what_to_give(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        publisher = NodePublisher(KubernetesTable(), {})
        publisher.publish(FACTS)
        running = asyncio.create_task(publisher.run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert publisher.state.state is PublishState.NOT_CONFIGURED
        assert not running.done()
        running.cancel()

    asyncio.run(story())
    assert "give server, token_file and ca_file" in caplog.text


def test_the_token_is_in_no_log_line(
    table: KubernetesTable, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script = [401, 401, 403, 404, 409, 422, 429, 500, raw(b"\x00" + SECRET.encode() + b"\r\n\r\n")]  # type: ignore[list-item]

    async def story() -> list[str]:
        played = Played(table)
        played.publisher.publish(FACTS)
        reasons = []
        for _ in range(7):
            await played.pass_pause()
            reasons.append(played.publisher.state.reason)
        return reasons

    reasons = asyncio.run(story())
    assert all(reasons)
    assert "does not know the token" in caplog.text
    assert "the-token" not in caplog.text + str(reasons)


def replace_table(table: KubernetesTable, **changes: object) -> KubernetesTable:
    return KubernetesTable(**{name: getattr(table, name) for name in table.__struct_fields__} | changes)
