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
