# SPDX-License-Identifier: Apache-2.0
"""What an API server's answer means for us. Pure; the one place where its bytes are parsed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from agent.energy.kubernetes.api import Answer, NoAnswer, Verb
from agent.energy.kubernetes.node_keys import NodeKeys

if TYPE_CHECKING:
    from agent.energy.kubernetes.cluster import Cluster


class Outcome(Enum):
    """One for each way to go on."""

    NODE = "node"
    """The node as it is now."""
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    UNKNOWN_NODE = "unknown-node"
    CONFLICT = "conflict"
    THROTTLED = "throttled"
    REFUSED = "refused"
    """The request itself is not liked; asking again does not help soon."""
    UNREACHABLE = "unreachable"
    """No answer, or none of an API server, or one that has its own trouble."""


@dataclass(frozen=True, slots=True)
class Judged:
    """`reason` is one sentence with the cure; empty for a node."""

    outcome: Outcome
    reason: str = ""
    node: NodeKeys | None = None
    retry_after_s: float | None = None


class _Metadata(msgspec.Struct):
    name: str
    annotations: dict[str, str] | None = None
    labels: dict[str, str] | None = None


class _Node(msgspec.Struct):
    metadata: _Metadata
    kind: str = "Node"


def judge(verb: Verb, answer: Answer | NoAnswer, cluster: Cluster) -> Judged:
    """Nothing that a server says is quoted."""
    if isinstance(answer, NoAnswer):
        return Judged(Outcome.UNREACHABLE, answer.reason)
    place, status, after_s = cluster.place, answer.status, answer.retry_after_s
    if status == 200:
        return _node(answer.body, cluster)
    if status == 401:
        why = f"{place} does not know the token of {cluster.token_file}: is it of this cluster, and not expired?"
        return Judged(Outcome.UNAUTHORIZED, why, None, after_s)
    if status == 403:
        verb_name = verb.value.lower()
        why = f"{place} does not allow to {verb_name} nodes: a ClusterRole is to give the verb {verb_name!r} on 'nodes'"
        return Judged(Outcome.FORBIDDEN, why, None, after_s)
    if status == 404:
        cure = "give node, as `kubectl get nodes` shows it"
        why = f"{place} has no node {cluster.node!r} (from {cluster.node_from}): {cure}"
        return Judged(Outcome.UNKNOWN_NODE, why, None, after_s)
    if status == 409:
        return Judged(Outcome.CONFLICT, f"somebody else writes the node {cluster.node} at the same time", None, after_s)
    if status == 429:
        return Judged(Outcome.THROTTLED, f"{place} asks for patience", None, after_s)
    if status == 408 or status >= 500:
        return Judged(Outcome.UNREACHABLE, f"{place} answered {status}", None, after_s)
    if 300 <= status < 400:
        return Judged(Outcome.REFUSED, f"{place} answered {status}: give the address that it points to as server")
    return Judged(
        Outcome.REFUSED, f"{place} answered {status} to a {verb.value} of the node {cluster.node}", None, after_s
    )


def _node(body: bytes, cluster: Cluster) -> Judged:
    try:
        node = msgspec.json.decode(body, type=_Node)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return Judged(Outcome.UNREACHABLE, f"{cluster.place} did not answer as an API server does: is server right?")
    if node.kind != "Node" or node.metadata.name != cluster.node:
        return Judged(Outcome.UNREACHABLE, f"{cluster.place} answered with something else than the node {cluster.node}")
    return Judged(Outcome.NODE, node=NodeKeys(node.metadata.annotations or {}, node.metadata.labels or {}))
