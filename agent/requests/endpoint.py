# SPDX-License-Identifier: Apache-2.0
"""One method that a face can serve: typed arguments in, one answer or several out."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from agent.power.request import Reply, Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping


class Failure(enum.Enum):
    """Why a request was refused before anything was asked of the board."""

    UNKNOWN_METHOD = "unknown-method"
    BAD_ARGUMENTS = "bad-arguments"
    UNKNOWN_HOST = "unknown-host"
    UNKNOWN_OPERATION = "unknown-operation"
    UNKNOWN_DOMAIN = "unknown-domain"


class RequestFailed(Exception):
    """A request that is refused; the text is for the one who asked."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """`verdict` is a word of agent.power.request.Verdict, of Failure, or `running` for progress."""

    ok: bool
    verdict: str
    reason: str = ""
    data: object = None
    operation: str | None = None
    final: bool = True
    """Whether nothing follows."""

    @classmethod
    def done(cls, data: object) -> Answer:
        return cls(True, Verdict.DONE.value, data=data)

    @classmethod
    def of(cls, reply: Reply, data: object = None, operation: str | None = None) -> Answer:
        return cls(reply.verdict.good, reply.verdict.value, reply.reason, data, operation, reply.verdict.final)

    @classmethod
    def failed(cls, error: RequestFailed) -> Answer:
        return cls(False, error.failure.value, error.reason)


def readable(error: Exception) -> str:
    """A validation error in words for whoever wrote the message."""
    return str(error).replace(" - at `$.", ": `").replace("Object contains ", "").replace("Object missing", "missing")


class NoArguments(msgspec.Struct, forbid_unknown_fields=True):
    pass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`acts`: changes something. `serve(arguments, origin)` yields answers; the last one is final.

    `data` says what a good answer may carry (agent.requests.data); without any, good answers carry none.
    """

    acts: bool
    arguments: type[msgspec.Struct]
    serve: Callable[[Any, str], AsyncIterator[Answer]]
    data: tuple[type[msgspec.Struct], ...] = ()

    async def answers(self, given: Mapping[str, object], origin: str) -> AsyncIterator[Answer]:
        """Check the arguments and serve; refusals are answers too."""
        try:
            arguments = msgspec.convert(dict(given), self.arguments)
        except msgspec.ValidationError as error:
            yield Answer.failed(RequestFailed(Failure.BAD_ARGUMENTS, readable(error)))
            return
        try:
            async for answer in self.serve(arguments, origin):
                yield answer
        except RequestFailed as error:
            yield Answer.failed(error)
