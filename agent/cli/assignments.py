# SPDX-License-Identifier: Apache-2.0
"""`KEY=VALUE` words of the command line as the nested object that a request takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agent.cli.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence


def assignments(words: Sequence[str], example: str) -> dict[str, Any]:
    """`a.b=3 a.c=null` to `{"a": {"b": 3, "c": None}}`; what is no JSON is text. Raises Failure with the example."""
    changes: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        parts = key.split(".")
        if not equals or not all(parts):
            raise Failure(f"{word!r}: write KEY=VALUE, for example {example}")
        into = changes
        for part in parts[:-1]:
            into = into.setdefault(part, {})
            if not isinstance(into, dict):
                raise Failure(f"{word!r}: {part} has a value already")
        into[parts[-1]] = _value(text)
    return changes


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
