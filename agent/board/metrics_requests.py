# SPDX-License-Identifier: Apache-2.0
"""The request for metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.prometheus.exposition import exposition
from agent.requests.data import Metrics
from agent.requests.endpoint import Answer, Endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.board.metrics import BoardMetrics
    from agent.power.metrics import OperationMetrics


class _Metrics(msgspec.Struct, forbid_unknown_fields=True):
    prometheus: bool = False
    """The whole page as text beside it."""


class MetricsRequests:
    """Used on the loop's thread."""

    def __init__(self, metrics: BoardMetrics, operations: OperationMetrics) -> None:
        self._metrics = metrics
        self._operations = operations

    def table(self) -> dict[str, Endpoint]:
        return {"metrics/get": Endpoint(False, _Metrics, self._get, (Metrics,))}

    async def _get(self, given: _Metrics, origin: str) -> AsyncIterator[Answer]:
        answer: dict[str, object] = {"operations": self._operations.document()}
        if given.prometheus:
            answer["text"] = exposition(self._metrics.families())
        yield Answer.done(answer)
