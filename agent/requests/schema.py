# SPDX-License-Identifier: Apache-2.0
"""JSON schemas (draft 2020-12) of what a method takes and of the `data` that it answers with. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from agent.requests.endpoint import Endpoint

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
LOCAL = "#/$defs/"
NOTHING: Schema = {"type": "null"}


def request_schema(endpoint: Endpoint) -> Schema:
    """Of the arguments: an object."""
    return {"$schema": DIALECT, **_of(endpoint.arguments, answered=False)}


def answer_schema(endpoint: Endpoint) -> Schema:
    """Of `data` in every answer; it is null where a request was refused before it reached the board."""
    return {"$schema": DIALECT, "anyOf": [NOTHING, *(_of(kind, answered=True) for kind in endpoint.data)]}


def partial(kind: type[msgspec.Struct]) -> Schema:
    """Of an object that changes some fields of a struct and leaves the others: no defaults, nothing required."""
    schema = _of(kind, answered=False)
    fields = {
        name: {key: value for key, value in field.items() if key != "default"}
        for name, field in schema["properties"].items()
    }
    return {key: value for key, value in schema.items() if key != "required"} | {"properties": fields}


def _of(kind: type[msgspec.Struct], *, answered: bool) -> Schema:
    (schema,), definitions = msgspec.json.schema_components([kind], ref_template=LOCAL + "{name}")
    plain: Schema = _plain(schema, definitions, answered)
    return plain


def _plain(node: Any, definitions: dict[str, Schema], answered: bool) -> Any:
    """In one piece: definitions in their places, without names of classes.

    What is answered has every field that may not be left out: a default says only how the code makes it.
    """
    if isinstance(node, list):
        return [_plain(item, definitions, answered) for item in node]
    if not isinstance(node, dict):
        return node
    if str(node.get("$ref", "")).startswith(LOCAL):
        rest = {key: value for key, value in node.items() if key != "$ref"}
        node = definitions[node["$ref"].removeprefix(LOCAL)] | rest
    plain = {
        key: {name: _plain(value, definitions, answered) for name, value in node[key].items()}
        if key == "properties"
        else _plain(value, definitions, answered)
        for key, value in node.items()
        if key != "title" and not (answered and key == "default")
    }
    if answered and "properties" in node:
        given = [name for name, value in node["properties"].items() if "default" in value]
        plain["required"] = [name for name in node["properties"] if name in {*node.get("required", ()), *given}]
    return plain
