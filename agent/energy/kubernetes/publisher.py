# SPDX-License-Identifier: Apache-2.0
"""Keeps a node's keys as the energy policy's state is. On the loop's thread; requests run beside it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from agent.energy.kubernetes.answers import Judged, Outcome, judge
from agent.energy.kubernetes.api import Answer, NoAnswer, Verb, request
from agent.energy.kubernetes.cluster import ClusterError, find_cluster
from agent.energy.kubernetes.node_keys import NodeFacts, Tier, node_keys
from agent.energy.kubernetes.publication import Ask, Pace, Pause, Publication, PublishState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.energy.kubernetes.cluster import Cluster
    from agent.energy.kubernetes.table import KubernetesTable

log = logging.getLogger(__name__)

GRACE_S = 2.0
"""Beyond a request's own deadline, for names that are looked up slowly."""
FAREWELL_S = 2.0
"""So long the end of the agent waits for the request that is under way, and again for the keys to be taken away."""
AFTER_A_DEFECT_S = 60.0
WELL = frozenset({PublishState.IDLE, PublishState.PENDING, PublishState.PUBLISHED})


@dataclass(frozen=True, slots=True)
class PublisherStatus:
    """For telemetry and for a person."""

    state: PublishState
    reason: str
    node: str
    """Empty while the cluster is not known."""
    patches: int
    failures: int
    """In a row."""


class NodePublisher:
    """`publish` says what is known, `run` brings it to the node. Neither raises for what a cluster does."""

    def __init__(
        self,
        table: KubernetesTable,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`clock` is monotonic, in seconds; `chance` gives 0 to 1."""
        self._table = table
        self._clock = clock
        self._pace = Pace.of(table, chance)
        self._news = asyncio.Event()
        self._tier: Tier | None = None
        self._publication = Publication()
        self._cluster: Cluster | None = None
        self._told = PublishState.IDLE
        self._touched = False
        """Whether this process may have written the node."""
        self._flight: asyncio.Future[Answer | NoAnswer] | None = None
        try:
            self._cluster = find_cluster(table, environ, socket.gethostname())
        except ClusterError as error:
            self._publication = Publication(state=PublishState.NOT_CONFIGURED, reason=f"[energy.kubernetes]: {error}")

    @property
    def state(self) -> PublisherStatus:
        node = "" if self._cluster is None else self._cluster.node
        now = self._publication
        return PublisherStatus(now.state, now.reason, node, now.patches, now.failures)

    def publish(self, facts: NodeFacts) -> None:
        """These hold from now on. Cheap: call it whenever something was decided."""
        if self._cluster is None:
            return
        keys, self._tier = node_keys(facts, self._table, self._tier)
        self._publication = self._publication.want(keys, self._clock(), self._pace)
        self._news.set()

    async def run(self) -> None:
        """Until it is cancelled; then the keys are taken away, if the table says so."""
        self._tell()
        try:
            while True:
                self._news.clear()
                pause = await self._guarded_step()
                if pause is not None:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._news.wait(), pause.seconds)
        finally:
            if self._table.remove_on_exit:
                await self.take_away()

    async def step(self) -> Pause | None:
        """Make the request that is due; where none is, for how long there is none."""
        cluster = self._cluster
        if cluster is None:
            return Pause(None)
        step = self._publication.next(self._clock(), self._pace)
        if isinstance(step, Pause):
            return step
        judged = await self._ask(cluster, step, self._table.timeout_s)
        self._publication = self._publication.after(step, judged, self._clock(), self._pace)
        self._tell()
        return None

    async def take_away(self) -> None:
        """One attempt, after the request that is under way. What an agent before this one has written goes as well."""
        cluster, wanted, known = self._cluster, self._publication.wanted, self._publication.known
        if cluster is None or wanted is None or not (self._touched or (known is not None and known)):
            return
        if self._flight is not None:
            await asyncio.wait({self._flight}, timeout=FAREWELL_S)
        judged = await self._ask(cluster, Ask(Verb.PATCH, wanted.removed()), FAREWELL_S)
        if judged.outcome is not Outcome.NODE:
            log.warning("Kubernetes: the node's keys stay, although no cap holds any more: %s", judged.reason)
        self._publication = Publication()
        self._touched = False

    async def _guarded_step(self) -> Pause | None:
        try:
            return await self.step()
        except Exception:
            log.exception("Kubernetes: a defect of pgood; it goes on in %g s", AFTER_A_DEFECT_S)
            await asyncio.sleep(AFTER_A_DEFECT_S)
            return None

    async def _ask(self, cluster: Cluster, ask: Ask, timeout_s: float) -> Judged:
        """One at a time: a request that hangs in the look-up of a name must not come in after a later one."""
        if self._flight is not None and not self._flight.done():
            return judge(ask.verb, NoAnswer(f"{cluster.place}: the request before still hangs"), cluster)
        body = None if ask.keys is None else msgspec.json.encode(ask.keys.patch())
        touched_before = self._touched
        self._touched = touched_before or ask.verb is Verb.PATCH
        self._flight = asyncio.ensure_future(asyncio.to_thread(request, cluster, ask.verb, body, timeout_s))
        try:
            answer = await asyncio.wait_for(asyncio.shield(self._flight), timeout_s + GRACE_S)
        except TimeoutError:
            answer = NoAnswer(f"{cluster.place}: no answer within {timeout_s:g} s")
        judged = judge(ask.verb, answer, cluster)
        if judged.outcome not in (Outcome.NODE, Outcome.UNREACHABLE):
            self._touched = touched_before
        return judged

    def _tell(self) -> None:
        """Each change of the state, once."""
        state, reason = self._publication.state, self._publication.reason
        if state is self._told:
            return
        if state not in WELL:
            log.warning("Kubernetes: %s", reason)
        elif self._told not in WELL:
            log.info("Kubernetes: the node can be written again")
        self._told = state
