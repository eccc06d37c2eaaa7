# SPDX-License-Identifier: Apache-2.0
"""What the verbs that talk to a running agent share: the --state-dir option and the call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.failure import EXIT_FAILED, Failure
from agent.cli.places import find_agent
from agent.control.client import AgentUnreachable, Refused, call, stream

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator


def add_state_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state-dir", type=Path, metavar="DIR", help="the state directory of the agent (default: found by itself)"
    )


def ask(arguments: argparse.Namespace, method: str, **args: object) -> Any:
    """One answer of the agent. Raises Failure."""
    try:
        return call(find_agent(arguments.state_dir), method, **args)
    except AgentUnreachable as error:
        raise Failure(str(error)) from error
    except Refused as error:
        raise Failure(str(error), EXIT_FAILED) from error


def ask_stream(arguments: argparse.Namespace, method: str, **args: object) -> Iterator[Any]:
    """The agent's answers as they come. Raises Failure."""
    try:
        yield from stream(find_agent(arguments.state_dir), method, **args)
    except AgentUnreachable as error:
        raise Failure(str(error)) from error
    except Refused as error:
        raise Failure(str(error), EXIT_FAILED) from error


def request(arguments: argparse.Namespace, method: str, **given: object) -> Any:
    """The data of the only answer to a method of the request interface. Raises Failure with its reason."""
    *_, answer = ask_stream(arguments, "call", name=method, given=given)
    if not answer["ok"]:
        raise Failure(f"{answer['verdict']}: {answer['reason']}", EXIT_FAILED)
    return answer["data"]


def follow(arguments: argparse.Namespace, method: str, **given: object) -> int:
    """Ask for an operation and tell its steps as they are reached; the exit code says how it ended."""
    told, good = 0, False
    for answer in ask_stream(arguments, "call", name=method, given=given):
        good = bool(answer["ok"])
        data = answer["data"] if isinstance(answer["data"], dict) else {}
        if answer["verdict"] == "accepted":
            print(f"operation {answer['operation']}", flush=True)
        for step in data.get("steps", [])[told:]:
            print(f"{step['at_ms'] / 1000:8.1f} s  {step['text']}", flush=True)
            told += 1
        if answer["final"]:
            print(f"{answer['verdict']}: {answer['reason']}" if answer["reason"] else answer["verdict"], flush=True)
    return 0 if good else EXIT_FAILED
