# SPDX-License-Identifier: Apache-2.0
"""Where the cluster is, over IPv4, IPv6 and a path; which node is ours."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from agent.energy.kubernetes.cluster import ClusterError, find_cluster
from agent.energy.kubernetes.node_keys import NodeFacts
from agent.energy.kubernetes.publication import PublishState
from agent.energy.kubernetes.publisher import NodePublisher
from agent.energy.kubernetes.table import KubernetesTable
from tests.agent.energy.kubernetes.authority import make_authority
from tests.agent.energy.kubernetes.scripted import NODE, ScriptedServer

if TYPE_CHECKING:
    from pathlib import Path

POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443", "NODE_NAME": "worker-7"}


def test_in_a_pod() -> None:
    found = find_cluster(KubernetesTable(), POD, "pod-x")
    assert (found.place, found.node_path) == ("https://10.96.0.1:443", "/api/v1/nodes/worker-7")
    assert found.node_from == "the environment's NODE_NAME"
    assert str(found.token_file) == "/var/run/secrets/kubernetes.io/serviceaccount/token"


def test_in_a_pod_with_ipv6() -> None:
    for host in ("fd00::1", "[fd00::1]"):
        assert find_cluster(KubernetesTable(), POD | {"KUBERNETES_SERVICE_HOST": host}, "x").host == "fd00::1"


@pytest.mark.parametrize(
    ("server", "place", "path"),
    [
        ("https://10.0.0.1:6443", "https://10.0.0.1:6443", "/api/v1/nodes/here"),
        ("https://[fd00::1]", "https://[fd00::1]:443", "/api/v1/nodes/here"),
        ("https://rancher/k8s/clusters/c-1/", "https://rancher:443", "/k8s/clusters/c-1/api/v1/nodes/here"),
    ],
)
def test_outside_by_the_table(server: str, place: str, path: str) -> None:
    found = find_cluster(KubernetesTable(server=server), {}, "HERE")
    assert (found.place, found.node_path, found.node_from) == (place, path, "this computer's name")


@pytest.mark.parametrize(
    ("table", "environ", "host_name", "words"),
    [
        (KubernetesTable(), {}, "x", "KUBERNETES_SERVICE_HOST is not set"),
        (KubernetesTable(), POD | {"KUBERNETES_SERVICE_PORT": "99999"}, "x", "1 to 65535"),
        (KubernetesTable(), POD | {"KUBERNETES_SERVICE_HOST": "a/b"}, "x", "address and a port"),
        (KubernetesTable(), POD | {"NODE_NAME": "../../secrets"}, "x", "no name of a node"),
        (KubernetesTable(server="https://user:pw@host"), {}, "x", "without user"),
        (KubernetesTable(server="https://host:port"), {}, "x", "no address"),
        (KubernetesTable(server="https://host"), {}, "bad_name", "this computer's name"),
    ],
)
def test_what_is_wrong_is_told_with_the_cure(
    table: KubernetesTable, environ: dict[str, str], host_name: str, words: str
) -> None:
    with pytest.raises(ClusterError) as raised:
        find_cluster(table, environ, host_name)
    assert words in str(raised.value)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_a_node_is_written_over_ipv6(tmp_path: Path) -> None:
    ca_file, context = make_authority(tmp_path / "authority")
    try:
        server = ScriptedServer(context, "::1")
    except OSError:
        pytest.skip("no IPv6 loopback address here")
    (tmp_path / "token").write_text("t")
    environ = {
        "KUBERNETES_SERVICE_HOST": "::1",
        "KUBERNETES_SERVICE_PORT": str(server.server_port),
        "NODE_NAME": NODE,
    }
    table = KubernetesTable(token_file=str(tmp_path / "token"), ca_file=str(ca_file), spread_s=0)

    async def story() -> None:
        publisher = NodePublisher(table, environ)
        publisher.publish(NodeFacts(0.0, 10.0, 40.0, 40.0))
        while await publisher.step() is None:
            pass
        assert publisher.state.state is PublishState.PUBLISHED

    with server:
        asyncio.run(story())
        server.shutdown()
    assert server.metadata["labels"] == {"energy.pgood/power-tier": "full"}
