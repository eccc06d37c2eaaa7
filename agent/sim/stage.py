# SPDX-License-Identifier: Apache-2.0
"""Where a scenario is played: a running agent behind its local socket, and the world around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from agent.control.client import AgentUnreachable, Refused, call, stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from agent.sim.scenario import Ask

LATEST = 1000
LOST = "lost"
"""The reply to a request whose agent died."""


class StageError(Exception):
    """The stage cannot do what a step wants; one sentence with the cure."""


class Stage(Protocol):
    """Used by one thread, but `ask`, which blocks until the outcome, is called from others. All raise StageError."""

    def happen(self, words: Sequence[str]) -> None:
        """Play with the world."""
        ...

    def outputs(self) -> Mapping[str, Mapping[str, Any]]:
        """What each output did: agent.sim.press_record."""
        ...

    def ask(self, ask: Ask) -> tuple[str, str]:
        """Verdict and reason."""
        ...

    def documents(self) -> Mapping[str, Mapping[str, Any]]: ...

    def events(self) -> Sequence[Mapping[str, Any]]:
        """The latest ones, oldest first."""
        ...

    def kill(self) -> None:
        """Kill the agent without warning, and start another one."""
        ...


class SocketStage:
    """A simulated board in an agent that somebody else started. Implements Stage."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def happen(self, words: Sequence[str]) -> None:
        self._call("sim", words=list(words))

    def outputs(self) -> Mapping[str, Mapping[str, Any]]:
        told: dict[str, dict[str, Any]] = self._call("sim-outputs")
        return told

    def ask(self, ask: Ask) -> tuple[str, str]:
        try:
            if ask.action is not None:
                reply = call(self._socket, "power", action=ask.action.value, host=ask.host, force=ask.force)
                return str(reply["verdict"]), str(reply["reason"])
            answers = list(stream(self._socket, "call", name=ask.method, given=ask.arguments))
        except AgentUnreachable as error:
            return LOST, str(error)
        except (Refused, OSError) as error:
            return "refused", str(error)
        if not answers:
            return LOST, "the agent ended before it answered"
        return str(answers[-1]["verdict"]), str(answers[-1]["reason"])

    def documents(self) -> Mapping[str, Mapping[str, Any]]:
        documents: dict[str, dict[str, Any]] = self._call("status")["documents"]
        return documents

    def events(self) -> Sequence[Mapping[str, Any]]:
        try:
            return list(stream(self._socket, "events", latest=LATEST))
        except (AgentUnreachable, Refused, OSError) as error:
            raise StageError(str(error)) from error

    def kill(self) -> None:
        raise StageError("this step kills the agent, and this player did not start it: see docs/simulation.md")

    def _call(self, method: str, **args: object) -> Any:
        try:
            return call(self._socket, method, **args)
        except (AgentUnreachable, Refused, OSError) as error:
            raise StageError(str(error)) from error
