# SPDX-License-Identifier: Apache-2.0
"""The record of operations: ids, steps, ends, bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.power.operations import KEPT, MAX_STEPS, Operations
from agent.power.request import Reply, Verdict

if TYPE_CHECKING:
    from agent.power.operations import Operation


def test_from_begin_to_end() -> None:
    operations = Operations("b00t")
    told: list[Operation] = []
    operation = operations.begin("chassis/power/on", ("host/0", "host/1"), "mqtt")
    unwatch = operations.watch(operation, told.append)
    operations.step(operation, "host 0: done")
    operations.step(operation, "host 0: done")
    operations.finish(operation, Reply(Verdict.FAILED, "host 1 has no power"))
    operations.finish(operation, Reply(Verdict.DONE))
    operations.step(operation, "too late")
    unwatch()
    document = told[-1].document()
    assert (document["state"], document["reason"]) == ("failed", "host 1 has no power")
    assert [step.text for step in told[-1].steps] == ["host 0: done", "failed"]
    assert document["targets"] == ["host/0", "host/1"]
    assert document["origin"] == "mqtt"
    assert len(told) == 2


def test_ids_are_unique_over_restarts() -> None:
    first, second = Operations("aaaa"), Operations("bbbb")
    ids = [made.begin("on", (), "x") for made in (first, first, second)]
    assert len(set(ids)) == 3


def test_the_history_is_bounded_and_what_runs_is_kept() -> None:
    operations = Operations("b00t")
    running = operations.begin("on", ("host/0",), "x")
    for _ in range(KEPT + 20):
        operations.finish(operations.begin("off", (), "x"), Reply(Verdict.DONE))
    operations.begin("off", (), "x")
    assert operations.get(running) is not None
    assert len(operations.all()) <= KEPT + 2
    for number in range(MAX_STEPS + 20):
        operations.step(running, str(number))
    found = operations.get(running)
    assert found is not None
    assert len(found.steps) == MAX_STEPS
