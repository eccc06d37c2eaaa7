# SPDX-License-Identifier: Apache-2.0
"""The promise to stay awake: it holds longer with whoever gave it, and two cannot promise each other."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from agent.fleet.node.documents import WitnessPromised
from agent.fleet.node.guards import GuardSettings
from agent.fleet.node.refusal import Refusal, RefusedBecause
from agent.fleet.node.witness import ANSWER_NS, BOUND_NS, NS_PER_S, USABLE, Witness

S = 1_000_000_000


def witness(name: str) -> Witness:
    return Witness(name, "hall", 1)


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 300 * S), st.integers(0, 300 * S))
def test_it_ends_with_the_asker_before_it_ends_with_the_witness(
    asker_zero: int, witness_zero: int, there_ns: int, back_ns: int
) -> None:
    """In true time, whatever the two clocks show and however long the messages take."""
    ant, question = witness("ant").ask(["bee"], asker_zero)
    assert question is not None
    bee, answer = witness("bee").question(question, witness_zero + there_ns, settled=True, asking=False)
    assert isinstance(answer, WitnessPromised)
    ant, refusal = ant.answer(answer)
    assert refusal is None
    assert ant.promised_until_ns is not None
    assert bee.bound_until_ns is not None
    assert ant.promised_until_ns - asker_zero < bee.bound_until_ns - witness_zero
    assert back_ns >= 0


def test_of_two_that_ask_each_other_one_goes() -> None:
    ant, from_ant = witness("ant").ask(["bee"], 0)
    bee, from_bee = witness("bee").ask(["ant"], 0)
    assert from_ant is not None
    assert from_bee is not None
    _, no = ant.question(from_bee, 1, settled=False, asking=True)
    bee, yes = bee.question(from_ant, 1, settled=False, asking=True)
    assert no is None
    assert isinstance(yes, WitnessPromised)
    late = WitnessPromised(node="bee", segment="hall", witness="ant", start=1, number=from_bee.number)
    bee, refusal = bee.answer(late)
    assert refusal is not None
    assert bee.promised_until_ns is None
    assert bee.ask(["cat"], 2)[1] is None, "whoever is bound asks nobody"


def test_whoever_has_begun_promises_nothing() -> None:
    _, question = witness("ant").ask(["bee"], 0)
    assert question is not None
    assert witness("bee").question(question, 0, settled=False, asking=False) == (witness("bee"), None)


def test_one_that_has_a_promise_already_does_not_yield() -> None:
    bee, question = witness("bee").ask(["cat"], 0)
    assert question is not None
    answer = WitnessPromised(node="bee", segment="hall", witness="cat", start=1, number=question.number)
    bee, _ = bee.answer(answer)
    _, from_ant = witness("ant").ask(["bee"], 0)
    assert from_ant is not None
    assert bee.question(from_ant, 1, settled=False, asking=True)[1] is None


def test_the_next_is_asked_when_nobody_answers() -> None:
    ant, first = witness("ant").ask(["bee", "cat"], 0)
    ant, none = ant.ask(["bee", "cat"], ANSWER_NS - 1)
    ant, second = ant.ask(["bee", "cat"], ANSWER_NS)
    assert none is None
    assert first is not None
    assert second is not None
    assert {first.witness, second.witness} == {"bee", "cat"}


def test_a_slow_answer_counts_from_its_own_question() -> None:
    """A round trip may take longer than the patience before the next question."""
    ant, first = witness("ant").ask(["bee"], 0)
    ant, second = ant.ask(["bee"], ANSWER_NS)
    assert first is not None
    assert second is not None
    bee, answer = witness("bee").question(first, 0, settled=True, asking=False)
    assert isinstance(answer, WitnessPromised)
    ant, refusal = ant.answer(answer)
    assert refusal is None
    assert ant.promised_until_ns == BOUND_NS * USABLE
    assert bee.bound_until_ns == BOUND_NS
    gone, refusal = ant.cancel().answer(answer)
    assert refusal is not None
    assert gone.promised_until_ns is None


def test_nobody_promises_longer_than_it_stays_awake_after_a_start() -> None:
    _, long = witness("ant").ask(["bee"], 0)
    assert long is not None
    brief = replace(witness("bee"), bound_ns=12 * NS_PER_S)
    _, refusal = brief.question(long, 0, settled=True, asking=False)
    assert isinstance(refusal, Refusal)
    assert refusal.because is RefusedBecause.IMPLAUSIBLE
    brief, short = brief.ask(["ant"], 0)
    assert short is not None
    ant, answer = witness("ant").question(short, 5, settled=True, asking=False)
    assert isinstance(answer, WitnessPromised)
    assert ant.bound_until_ns == 5 + 12 * NS_PER_S
    brief, _ = brief.answer(answer)
    assert brief.promised_until_ns == 10 * NS_PER_S
    assert GuardSettings().promise_ns == BOUND_NS
    assert GuardSettings(started_ns=10 * NS_PER_S).promise_ns == 8 * NS_PER_S


def test_only_the_answer_to_the_open_question_counts() -> None:
    ant, question = witness("ant").ask(["bee"], 0)
    assert question is not None
    good = WitnessPromised(node="ant", segment="hall", witness="bee", start=1, number=question.number)
    for bad, because in [
        (structs.replace(good, number=7), RefusedBecause.STALE),
        (structs.replace(good, start=2), RefusedBecause.STALE),
        (structs.replace(good, segment="attic"), RefusedBecause.STALE),
        (structs.replace(good, witness="cat"), RefusedBecause.CONFLICT),
    ]:
        after, refusal = ant.answer(bad)
        assert isinstance(refusal, Refusal)
        assert refusal.because is because
        assert after.promised_until_ns is None
