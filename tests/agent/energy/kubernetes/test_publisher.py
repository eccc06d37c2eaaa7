# SPDX-License-Identifier: Apache-2.0
"""The publisher against a scripted API server over real TLS: what is written when, and every status."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent.energy.kubernetes.publication import RARELY_S, PublishState
from agent.energy.kubernetes.publisher import NodePublisher
from agent.energy.kubernetes.table import KubernetesTable
from tests.agent.energy.kubernetes.played import FACTS, SECRET, Played, play, raw
from tests.agent.energy.kubernetes.scripted import NODE, ScriptedServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.agent.energy.kubernetes.scripted import Handler

KEY, LABEL = "energy.pgood/cap-watts", "energy.pgood/power-tier"


def test_read_then_written_once_and_not_again(table: KubernetesTable, server: ScriptedServer) -> None:
    async def story() -> None:
        played = Played(table)
        assert played.state() is PublishState.IDLE
        played.publisher.publish(FACTS)
        assert await played.until_pause() == pytest.approx(3600)
        assert played.state() is PublishState.PUBLISHED
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
        assert played.state() is state
        assert words in played.publisher.state.reason
        await played.until_pause()

    asyncio.run(story())
    assert (played.state(), played.publisher.state.reason) == (PublishState.PUBLISHED, "")


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
    assert played.state() is PublishState.PUBLISHED


def test_401_twice_is_patience(table: KubernetesTable, server: ScriptedServer) -> None:
    server.good_tokens = {"another"}
    played = play(table)
    assert server.methods == ["GET", "GET"]
    assert (played.state(), played.publisher.state.failures) == (PublishState.UNAUTHORIZED, 2)
    assert "token" in played.publisher.state.reason


def test_409_reads_and_writes_again_a_few_times(table: KubernetesTable, server: ScriptedServer) -> None:
    server.script = [200, 409, 200, 409]
    assert play(table).state() is PublishState.PUBLISHED
    assert server.methods == ["GET", "PATCH", "GET", "PATCH", "GET", "PATCH"]


def test_409_without_end_is_patience(table: KubernetesTable, server: ScriptedServer) -> None:
    server.script = [200, 409] * 20
    assert play(table).state() is PublishState.CONFLICT
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


def test_keys_that_something_takes_away_are_no_quarrel(table: KubernetesTable, server: ScriptedServer) -> None:
    def undone(handler: Handler) -> None:
        handler.say(200, {"kind": "Node", "metadata": {"name": NODE}})

    server.script = [200, undone]
    played = play(table)
    assert played.state() is PublishState.REFUSED
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
    server.script = [401, 401, 403, 404, 409, 422, 429, 500, raw(b"\x00" + SECRET.encode() + b"\r\n\r\n")]

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
