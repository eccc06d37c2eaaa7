# SPDX-License-Identifier: Apache-2.0
"""`pgood trends`: how power, temperature and humidity went in the last hour, day or month."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from agent.cli.ask import add_state_dir, ask_stream
from agent.cli.failure import EXIT_FAILED, Failure

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 60
"""Characters of a line at most; more points are drawn together."""


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("trends", help="show how readings went")
    parser.add_argument("reading", nargs="?", metavar="READING", help="for example temperatures_c/cpu (default: all)")
    parser.add_argument("--span", choices=("hour", "day", "month"), default="hour", help="how far back (default: hour)")
    parser.add_argument("--json", action="store_true", help="the points, as one JSON object per reading")
    add_state_dir(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    names = [arguments.reading] if arguments.reading else _get(arguments, {})["readings"]
    width = max(map(len, names), default=0)
    for name in names:
        trend = _get(arguments, {"reading": name, "span": arguments.span})
        print(json.dumps(trend) if arguments.json else f"{name:{width}}  {line(trend['points'])}")
    return 0


def line(points: Sequence[dict[str, Any]]) -> str:
    """A trend as a line for a person: how it went, its lowest, mean of all and highest."""
    if not points:
        return "no readings yet"
    low, high = min(point["min"] for point in points), max(point["max"] for point in points)
    means = [point["mean"] for point in points]
    return f"{sparkline(means)}  min {low:g}  mean {sum(means) / len(means):.4g}  max {high:g}"


def sparkline(values: Sequence[float]) -> str:
    """One bar per value, or per equal share of the values where there are more than WIDTH."""
    shares = min(len(values), WIDTH)
    bounds = [len(values) * index // shares for index in range(shares + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(bounds)]
    low, high = min(means), max(means)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(BARS[round((value - low) * scale)] for value in means)


def _get(arguments: argparse.Namespace, given: dict[str, object]) -> dict[str, Any]:
    *_, answer = ask_stream(arguments, "call", name="trends/get", given=given)
    if not answer["ok"]:
        raise Failure(str(answer["reason"]), EXIT_FAILED)
    data: dict[str, Any] = answer["data"]
    return data
