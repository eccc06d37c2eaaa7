# SPDX-License-Identifier: Apache-2.0
"""Requests about the methods themselves: their names, what they take, what they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.requests.data import MethodDescription, MethodList
from agent.requests.endpoint import Answer, Endpoint, Failure, NoArguments, RequestFailed
from agent.requests.schema import answer_schema, request_schema

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping


class _Which(msgspec.Struct, forbid_unknown_fields=True):
    method: str


class MethodRequests:
    """Used on the loop's thread."""

    def __init__(self, endpoints: Callable[[], Mapping[str, Endpoint]]) -> None:
        """`endpoints` gives every method of the board, these included."""
        self._endpoints = endpoints

    def table(self) -> dict[str, Endpoint]:
        return {
            "methods/list": Endpoint(False, NoArguments, self._list, (MethodList,)),
            "methods/describe": Endpoint(False, _Which, self._describe, (MethodDescription,)),
        }

    async def _list(self, given: NoArguments, origin: str) -> AsyncIterator[Answer]:
        yield Answer.done({"methods": sorted(self._endpoints())})

    async def _describe(self, given: _Which, origin: str) -> AsyncIterator[Answer]:
        endpoint = self._endpoints().get(given.method)
        if endpoint is None:
            text = f"no method {given.method!r}; methods/list names all"
            raise RequestFailed(Failure.UNKNOWN_METHOD, text)
        yield Answer.done(
            {
                "method": given.method,
                "acts": endpoint.acts,
                "request": request_schema(endpoint),
                "answer": answer_schema(endpoint),
            }
        )
