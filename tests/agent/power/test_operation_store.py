# SPDX-License-Identifier: Apache-2.0
"""Operations outlast the agent: history, keys, and those that a kill cut short."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.power.operation_store import PRUNE_EVERY, OperationStore
from agent.power.operations import KEPT, Operations
from agent.power.request import HostState, Reply, Verdict
from agent.store.database import Database
from tests.agent.board.boards import on_a_board
from tests.agent.board.test_power_requests import RACK, ask, settled, states

if TYPE_CHECKING:
    from pathlib import Path

    from tests.agent.board.boards import RunningBoard


def test_history_and_keys_outlast_a_restart(tmp_path: Path) -> None:
    async def first(running: RunningBoard) -> None:
        await settled(running)
        await ask(running, "hosts/power/on", host="0", key="job-1")
        (refused,) = await ask(running, "hosts/reset", host="1")
        assert refused.verdict in ("not-in-this-state", "not-wired")

    async def second(running: RunningBoard) -> None:
        await settled(running)
        (listed,) = await ask(running, "operations/list")
        assert isinstance(listed.data, dict)
        (operation,) = listed.data["operations"]
        assert (operation["what"], operation["state"], operation["origin"]) == ("on", "done", "mqtt:me")
        assert operation["steps"][-1]["text"] == "done"
        (again,) = await ask(running, "hosts/power/on", host="0", key="job-1")
        assert again.verdict == "done"
        assert states(running)["0"] is HostState.OFF  # a simulated host begins anew; the key was served already

    on_a_board(tmp_path, RACK, first)
    on_a_board(tmp_path, RACK, second)


def test_what_had_not_ended_is_told_as_interrupted_and_the_table_is_bounded(tmp_path: Path) -> None:
    async def run() -> None:
        database = Database(tmp_path / "state.db")
        store = OperationStore(database)
        operations = Operations("aaaa", store)
        cut = operations.begin("chassis/power/on", ("host/0",), "local:root")
        await asyncio.sleep(0)
        for number in range(KEPT + 3 * PRUNE_EVERY):
            operations.finish(operations.begin("on", ("host/1",), "x", f"k{number}"), Reply(Verdict.DONE))
            if number % PRUNE_EVERY == 0:
                await store.close()
        await store.close()
        rows = await database.transact(lambda c: c.execute("SELECT COUNT(*) FROM operations").fetchone()[0])
        assert rows <= KEPT + 2 * PRUNE_EVERY
        later = Operations("bbbb", store, store.load())
        assert [one.id for one in later.interrupted] == [cut]
        later.interruption_resolved(cut, Reply(Verdict.FAILED, "cut short"))
        await store.close()
        assert not any(one.running for one in store.load())
        database.close()

    asyncio.run(run())
