# SPDX-License-Identifier: Apache-2.0
"""Changes single values of a TOML file and leaves everything else as it is written, comments too."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from typing import Any

Value = str | tuple[str, ...]


class TomlEditError(ValueError):
    """The file has the key in a form that is not changed here; the text names it and the cure."""


def set_value(text: str, path: tuple[str, ...], value: Value) -> str:
    """The text with `path` (tables, then the key) set. Raises TomlEditError, and TOMLDecodeError for what is no TOML.

    Tables are found by their headers. Dotted keys and inline tables are not: that is seen by reading the result back.
    """
    before = tomllib.loads(text)
    plain: Any = value if isinstance(value, str) else list(value)
    if _at(before, path) == plain:
        return text
    changed = "\n".join(_edited(text.splitlines(), path[:-1], path[-1], value)) + "\n"
    wanted = copy.deepcopy(before)
    try:
        _put(wanted, path, plain)
        if tomllib.loads(changed) == wanted:
            return changed
    except (tomllib.TOMLDecodeError, TypeError):
        pass
    raise TomlEditError(
        f"{'.'.join(path)} is written in a way that is not changed here: set it to {toml(value)} yourself"
    )


def has_value(text: str, path: tuple[str, ...]) -> bool:
    """Whether the key is there. Raises TOMLDecodeError."""
    return _at(tomllib.loads(text), path) is not None


def toml(value: Value) -> str:
    """As TOML writes it."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _edited(lines: list[str], table: tuple[str, ...], key: str, value: Value) -> list[str]:
    header = re.compile(
        r"\s*\[\s*" + r"\s*\.\s*".join(f"[\"']?{re.escape(name)}[\"']?" for name in table) + r"\s*\]\s*(#.*)?"
    )
    start = next((number + 1 for number, line in enumerate(lines) if header.fullmatch(line)), None)
    if start is None:
        gap = [""] if lines and lines[-1].strip() else []
        return [*lines, *gap, f"[{'.'.join(map(_name, table))}]", f"{_name(key)} = {toml(value)}"]
    end = next((number for number in range(start, len(lines)) if re.match(r"\s*\[", lines[number])), len(lines))
    for number in range(start, end):
        if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", lines[number]):
            last, comment = _extent(lines, number, end)
            return [*lines[:number], f"{_name(key)} = {toml(value)}{comment}", *lines[last + 1 :]]
    used = [
        number for number in range(start, end) if lines[number].strip() and not lines[number].lstrip().startswith("#")
    ]
    place = used[-1] + 1 if used else start
    return [*lines[:place], f"{_name(key)} = {toml(value)}", *lines[place:]]


def _extent(lines: list[str], first: int, end: int) -> tuple[int, str]:
    """The last line of a value that begins on `first`, and the comment behind a value of one line."""
    for last in range(first, end):
        try:
            tomllib.loads("\n".join(lines[first : last + 1]))
        except tomllib.TOMLDecodeError:
            continue
        return last, _comment(lines[first]) if last == first else ""
    return first, ""


def _comment(line: str) -> str:
    for match in re.finditer(r"\s*#", line):
        try:
            tomllib.loads(line[: match.start()])
        except tomllib.TOMLDecodeError:
            continue
        return line[match.start() :]
    return ""


def _name(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _at(tree: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(tree, dict) or name not in tree:
            return None
        tree = tree[name]
    return tree


def _put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
    tree[path[-1]] = value
