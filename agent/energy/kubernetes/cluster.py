# SPDX-License-Identifier: Apache-2.0
"""Where the API server is, and which node is ours: from the table, else from what a cluster tells its pods."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.energy.kubernetes.table import DNS_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.energy.kubernetes.table import KubernetesTable

HOST, PORT, NODE_NAME = "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "NODE_NAME"
MAX_TOKEN_BYTES = 65_536


class ClusterError(Exception):
    """The cluster cannot be asked; one sentence with the cure, never with a token."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """`host` is a name or an address, IPv6 without brackets; `path` comes before `/api`."""

    host: str
    port: int
    path: str
    node: str
    node_from: str
    """Where the node's name comes from, for a person."""
    token_file: Path
    ca_file: Path

    @property
    def node_path(self) -> str:
        return f"{self.path}/api/v1/nodes/{self.node}"

    @property
    def place(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}"

    def token(self) -> str:
        """Read anew each time: it is replaced every hour. Blocks as a file does. Raises ClusterError."""
        try:
            with self.token_file.open("rb") as stream:
                raw = stream.read(MAX_TOKEN_BYTES + 1)
        except OSError as error:
            why = f"the token cannot be read: {error.strerror} ({self.token_file}); give token_file"
            raise ClusterError(why) from error
        text = raw.decode("latin-1").strip()
        if not re.fullmatch(r"[!-~]+", text) or len(raw) > MAX_TOKEN_BYTES:
            raise ClusterError(f"{self.token_file} has no token: one word of printable characters is to be in it")
        return text


def find_cluster(table: KubernetesTable, environ: Mapping[str, str], host_name: str) -> Cluster:
    """`host_name` is this computer's. Reads no file. Raises ClusterError."""
    host, port, path = _server(table.server) if table.server else _in_cluster(environ)
    node, node_from = _node(table, environ, host_name)
    return Cluster(host, port, path, node, node_from, Path(table.token_file), Path(table.ca_file))


def _server(url: str) -> tuple[str, int, str]:
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port or 443
    except ValueError as error:
        raise ClusterError(f"server = {url!r} is no address: {error}") from error
    bad = parts.scheme != "https" or not parts.hostname or parts.username or parts.query or parts.fragment
    if bad or not re.fullmatch(r"[!-~]*", parts.path):
        raise ClusterError("server: an address such as https://10.0.0.1:6443 is to be given, without user or query")
    assert parts.hostname is not None
    return parts.hostname, port, parts.path.rstrip("/")


def _in_cluster(environ: Mapping[str, str]) -> tuple[str, int, str]:
    host, port = environ.get(HOST, "").strip("[]"), environ.get(PORT, "443")
    if not host:
        raise ClusterError(f"{HOST} is not set, so this is no pod: give server, token_file and ca_file")
    if not re.fullmatch(r"[A-Za-z0-9.:_%-]{1,253}", host) or not re.fullmatch(r"[0-9]{1,5}", port):
        raise ClusterError(f"{HOST} and {PORT} are to be an address and a port (not {host!r} and {port!r})")
    if not 0 < int(port) < 65_536:
        raise ClusterError(f"{PORT} = {port}: a port is 1 to 65535")
    return host, int(port), ""


def _node(table: KubernetesTable, environ: Mapping[str, str], host_name: str) -> tuple[str, str]:
    named = (
        (table.node, "node in [energy.kubernetes]"),
        (environ.get(NODE_NAME, ""), f"the environment's {NODE_NAME}"),
        (host_name.lower(), "this computer's name"),
    )
    name, where = next(((name, where) for name, where in named if name), ("", "nowhere"))
    if not re.fullmatch(DNS_NAME, name) or len(name) > 253:
        raise ClusterError(f"{name!r} (from {where}) is no name of a node: give node, as `kubectl get nodes` shows it")
    return name, where
