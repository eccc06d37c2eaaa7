# SPDX-License-Identifier: Apache-2.0
"""From TOML text to a typed table, collecting every schema error instead of stopping at the first."""

from __future__ import annotations

import copy
import re
import tomllib
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from agent.profile.problem import ConfigError, KeyPath, Problem

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T", bound=msgspec.Struct)

MAX_PROBLEMS = 50
MAX_BYTES = 1_000_000
MOST_CHOICES = 12


def read_text(file: Path) -> str:
    """The text of a configuration file. Raises ConfigError."""
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ConfigError(file, [Problem((), f"larger than {MAX_BYTES} bytes: not a configuration file")])
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(file, [Problem((), f"cannot be read: {error.strerror or error}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(file, [Problem((), f"is not UTF-8 text (byte {error.start})")]) from error


def decode(file: Path, source: str, table: type[T], page: str = "docs/profiles.md") -> tuple[T | None, list[Problem]]:
    """The typed table, or None with its problems; `page` documents its keys. Raises ConfigError for what is no TOML."""
    try:
        tree: Any = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(file, [Problem((), f"is not valid TOML: {error}")]) from error
    except RecursionError as error:
        raise ConfigError(file, [Problem((), "is nested too deeply")]) from error
    return convert(tree, table, page)


def convert(
    tree: Any, table: type[T], page: str = "docs/profiles.md", *, complete: bool = True
) -> tuple[T | None, list[Problem]]:
    """The typed table of a tree, or None with its problems; keys of its root may be missing unless `complete`.

    msgspec stops at its first error; the offending key is then taken out and the rest tried again.
    """
    tree = copy.deepcopy(tree)
    problems: list[Problem] = []
    removed: list[KeyPath] = []
    while len(problems) < MAX_PROBLEMS:
        try:
            decoded = msgspec.convert(tree, table)
        except msgspec.ValidationError as error:
            path, text, key = _problem(error, tree, table, page)
            if not (path or complete) and key:
                return None, problems  # missing keys are found last
            if (*path, key) not in removed:  # else it was there, wrong, and is reported already
                problems.append(Problem(_as_written(path, removed), text))
            if not _remove(tree, path):
                return None, problems
            removed.append(path)
        else:
            return (None if problems else decoded), problems
    return None, problems


def _problem(
    error: msgspec.ValidationError, tree: Any, table: type[msgspec.Struct], page: str
) -> tuple[KeyPath, str, str]:
    """Where, what, and the name of the key that is missing (or empty)."""
    text, _, where = str(error).partition(" - at ")
    path = _path(where.removeprefix("`key` in ").strip("`"), error, tree, table)
    if where.startswith("`key` in "):
        key = next(key for key in _at(tree, path) if _fails(error, tree, table, path, key))
        return (*path, key), "not a usable name: letters, digits, '-' and '_' only, at most 32", ""
    if unknown := re.search(r"unknown field `([^`]+)`", text):
        name = unknown[1]
        import difflib  # only a mistake needs it

        close = difflib.get_close_matches(name, _known_keys(table, path), n=1)
        hint = f"; did you mean '{close[0]}'?" if close else f"; the keys of this table are in {page}"
        return (*path, name), f"unknown key{hint}", ""
    if missing := re.search(r"missing required field `([^`]+)`", text):
        return path, f"the key '{missing[1]}' is missing", missing[1]
    return path, f"{text[:1].lower()}{text[1:]}" + _value(tree, path) + _choices(table, path), ""


def _at(tree: Any, path: KeyPath) -> Any:
    for part in path:
        tree = tree[part]
    return tree


def _fails(error: msgspec.ValidationError, tree: Any, table: type[msgspec.Struct], path: KeyPath, key: str) -> bool:
    """Whether the map at `path`, cut down to one key, still gives this error."""
    cut: Any = {key: _at(tree, path)[key]}
    for depth in range(len(path) - 1, -1, -1):
        holder = _at(tree, path[:depth])
        copy: Any = dict(holder) if isinstance(holder, dict) else list(holder)
        copy[path[depth]] = cut
        cut = copy
    try:
        msgspec.convert(cut, table)
    except msgspec.ValidationError as other:
        return str(other) == str(error)
    return False


def _path(where: str, error: msgspec.ValidationError, tree: Any, table: type[msgspec.Struct]) -> KeyPath:
    """msgspec's `$.hosts[0].name` as a path; its `[...]` (some key of a map) is found by trying each key."""
    path: KeyPath = ()
    for name, index in re.findall(r"\.([^.\[]+)|\[([^\]]*)\]", where):
        if index == "...":
            path = (*path, next(key for key in _at(tree, path) if _fails(error, tree, table, path, key)))
        else:
            path = (*path, name or int(index))
    return path


def _as_written(path: KeyPath, removed: list[KeyPath]) -> KeyPath:
    """The path as the file has it: list items taken out before had moved the later ones up."""
    for gone in reversed(removed):
        depth = len(gone) - 1
        last = gone[depth]
        if isinstance(last, int) and len(path) > depth and path[:depth] == gone[:depth]:
            here = path[depth]
            if isinstance(here, int) and here >= last:
                path = (*path[:depth], here + 1, *path[depth + 1 :])
    return path


def _value(tree: Any, path: KeyPath) -> str:
    value = _at(tree, path)
    return f" (here: {value!r})" if isinstance(value, str | int | float | bool) else ""


def _choices(table: type[msgspec.Struct], path: KeyPath) -> str:
    """The words that may stand there, where they are few."""
    kind = _type_at(table, path)
    words: list[Any] = []
    for one in kind.types if isinstance(kind, msgspec.inspect.UnionType) else (kind,):
        if isinstance(one, msgspec.inspect.LiteralType):
            words += one.values
        elif isinstance(one, msgspec.inspect.EnumType):
            words += [member.value for member in one.cls]
    return f"; may be {', '.join(map(str, words))}" if 0 < len(words) <= MOST_CHOICES else ""


def _type_at(table: type[msgspec.Struct], path: KeyPath) -> Any:
    """What msgspec knows of a place; None where that is not one thing."""
    kind: Any = msgspec.inspect.type_info(table)
    for part in path:
        if isinstance(kind, msgspec.inspect.StructType):
            kind = next((field.type for field in kind.fields if field.encode_name == part), None)
        elif isinstance(kind, msgspec.inspect.DictType):
            kind = kind.value_type
        elif isinstance(kind, msgspec.inspect.VarTupleType):
            kind = kind.item_type
        else:
            return None
    return kind


def _known_keys(table: type[msgspec.Struct], path: KeyPath) -> list[str]:
    kind = _type_at(table, path)
    return [field.encode_name for field in kind.fields] if isinstance(kind, msgspec.inspect.StructType) else []


def _remove(tree: Any, path: KeyPath) -> bool:
    """Take the offending value out of the tree; False when that is not possible."""
    if not path:
        return False
    for part in path[:-1]:
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            return False
    try:
        del tree[path[-1]]
    except (KeyError, IndexError, TypeError):
        return False
    return True
