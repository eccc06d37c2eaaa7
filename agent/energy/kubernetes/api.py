# SPDX-License-Identifier: Apache-2.0
"""One request to an API server, bounded in time and size. Blocks: call it on a thread. No proxy, no redirect."""

from __future__ import annotations

import http.client
import re
import ssl
import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from agent.energy.kubernetes.cluster import ClusterError

if TYPE_CHECKING:
    from agent.energy.kubernetes.cluster import Cluster

MAX_BYTES = 4_000_000
"""A node is at most 1.5 MB in etcd; as JSON it may be larger."""
CHUNK = 65_536
MERGE_PATCH = "application/merge-patch+json"
MANAGER = "?fieldManager=pgood"
SHORTEST_S = 0.001


class Verb(Enum):
    GET = "GET"
    PATCH = "PATCH"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    body: bytes
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """One sentence, never with a token."""

    reason: str


class _Hurried(ssl.SSLSocket):
    """Every read has only what is left of the whole request's time: a server that trickles cannot hold a thread."""

    end_s = float("inf")

    def recv_into(self, *arguments: Any) -> int:
        left_s = self.end_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("its time is over")
        self.settimeout(max(left_s, SHORTEST_S))
        return super().recv_into(*arguments)


def request(cluster: Cluster, verb: Verb, body: bytes | None, timeout_s: float) -> Answer | NoAnswer:
    """`body` is a merge patch of the node. The token and the CA are read for each request: both are replaced."""
    end_s = time.monotonic() + timeout_s
    try:
        context = _context(cluster)
        headers = {"Accept": "application/json", "Authorization": f"Bearer {cluster.token()}", "User-Agent": "pgood"}
    except ClusterError as error:
        return NoAnswer(str(error))
    path = cluster.node_path
    if body is not None:
        headers["Content-Type"] = MERGE_PATCH
        path += MANAGER
    connection = http.client.HTTPSConnection(cluster.host, cluster.port, timeout=timeout_s, context=context)
    try:
        connection.connect()
        if isinstance(connection.sock, _Hurried):
            connection.sock.end_s = end_s
        connection.request(verb.value, path, body, headers)
        return _read(connection.getresponse(), cluster, end_s)
    except ssl.SSLCertVerificationError as error:
        why = f"its certificate is not proven by {cluster.ca_file}: {error.verify_message}"
        return NoAnswer(f"{cluster.place}: {why}")
    except TimeoutError:
        return NoAnswer(f"{cluster.place}: no whole answer within {timeout_s:g} s")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return NoAnswer(f"{cluster.place} cannot be reached: {_words(error)}")
    finally:
        connection.close()


def _read(response: http.client.HTTPResponse, cluster: Cluster, end_s: float) -> Answer | NoAnswer:
    body = bytearray()
    while chunk := response.read1(CHUNK):
        body += chunk
        if len(body) > MAX_BYTES:
            return NoAnswer(f"{cluster.place}: the answer is larger than {MAX_BYTES} bytes")
        if time.monotonic() > end_s:
            raise TimeoutError
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and len(length) < 12 and int(length) != len(body):
        return NoAnswer(f"{cluster.place}: the answer was cut short")
    return Answer(response.status, bytes(body), _seconds(response.headers.get("Retry-After", "")))


def _context(cluster: Cluster) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _Hurried
    try:
        context.load_verify_locations(cluster.ca_file)
    except OSError as error:
        raise ClusterError(f"{cluster.ca_file} is no file of certificates ({_words(error)}): give ca_file") from error
    return context


def _words(error: Exception) -> str:
    """Without what a server said, which may be anything."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else ""
    return f"{type(error).__name__} {text}".strip()


def _seconds(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[0-9]{1,6}", text) else None
