# SPDX-License-Identifier: Apache-2.0
"""A problem in a configuration file: where it is, what is wrong, what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """`path` leads to the key: `("lines", "power", "class")`; list items are numbers from 0."""

    path: KeyPath
    text: str


class ConfigError(Exception):
    """A configuration file cannot be used; `str()` has one line per problem, each with its place."""

    def __init__(self, file: Path, problems: Sequence[Problem], source: str = "") -> None:
        self.file = file
        self.problems = tuple(problems)
        super().__init__("\n".join(_line(file, problem, source) for problem in problems))


def dotted(path: KeyPath) -> str:
    """`hosts[0].timing.power_press_ms`, as a person writes it."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _line(file: Path, problem: Problem, source: str) -> str:
    number = line_of(source, problem.path) if problem.path else None
    place = f"{file}:{number}" if number else str(file)
    return f"{place}: {dotted(problem.path)}: {problem.text}" if problem.path else f"{place}: {problem.text}"


def line_of(source: str, path: KeyPath) -> int | None:
    """Line number of a key in TOML text, or of the nearest table around it; None when it cannot be told.

    Reads headers and `key =` at line starts, which is how profiles are written; inline tables count as their key.
    """
    header: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    best: tuple[int, int] | None = None
    for number, text in enumerate(source.splitlines(), 1):
        if match := re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", text):
            names: KeyPath = tuple(part.strip().strip("\"'") for part in match[2].split("."))
            header = ()
            for name in names[:-1]:
                header = (*header, name)
                if header in counts:
                    header = (*header, counts[header] - 1)
            header = (*header, names[-1])
            if match[1] == "[[":
                counts[header] = counts.get(header, 0) + 1
                header = (*header, counts[header] - 1)
            here = header
        elif match := re.match(r"\s*([A-Za-z0-9_\-\"'.]+)\s*=", text):
            here = (*header, *(part.strip("\"'") for part in match[1].split(".")))
        else:
            continue
        if path[: len(here)] == here and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None


class SettingError(Exception):
    """A setting cannot be used; one sentence that names it and the cure."""
