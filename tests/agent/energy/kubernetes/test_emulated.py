# SPDX-License-Identifier: Apache-2.0
"""The publisher against an emulated Kubernetes that somebody else wrote (kmock)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import kmock
import pytest
from aiohttp.test_utils import RawTestServer

from agent.energy.kubernetes.node_keys import NodeFacts
from agent.energy.kubernetes.publication import PublishState
from agent.energy.kubernetes.publisher import NodePublisher
from agent.energy.kubernetes.table import KubernetesTable
from agent.energy.signals.interface import SignalPoint
from tests.agent.energy.kubernetes.authority import make_authority

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from pathlib import Path

NODES = kmock.resource("v1/nodes")
POINT = SignalPoint(1759749300, 900, 85.2)
FACTS = NodeFacts(1759749400.0, 10.0, 40.0, 36.3, "volume", "epex", "Europe/Paris", POINT, POINT)


@asynccontextmanager
async def emulated(context: ssl.SSLContext) -> AsyncIterator[tuple[kmock.KubernetesEmulator, str]]:
    """A cluster with one node, over TLS."""

    class Secured(RawTestServer):
        async def start_server(self, *_: Any, **options: Any) -> None:
            await super().start_server(**options | {"ssl": context})

    async with kmock.KubernetesEmulator() as cluster, kmock.Server(cluster, server_cls=Secured) as server:
        cluster.resources["v1/nodes"] = kmock.ResourceInfo(namespaced=False, kind="Node")
        cluster.objects[NODES, None, "worker-1"] = {
            "kind": "Node",
            "metadata": {"name": "worker-1", "labels": {"kubernetes.io/arch": "amd64"}, "annotations": {"a": "b"}},
            "spec": {"podCIDR": "10.0.0.0/24"},
        }
        yield cluster, f"https://127.0.0.1:{server.port}"


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    (tmp_path / "token").write_text("t")
    return make_authority(tmp_path / "authority")


def test_keys_come_change_and_go(authority: tuple[Path, ssl.SSLContext], tmp_path: Path) -> None:
    ca_file, context = authority

    async def story() -> None:
        async with emulated(context) as (cluster, url):
            now_s = 0.0
            publisher = NodePublisher(
                KubernetesTable(
                    node="worker-1",
                    server=url,
                    token_file=str(tmp_path / "token"),
                    ca_file=str(ca_file),
                    rapl_keys=True,
                    spread_s=0,
                ),
                {},
                lambda: now_s,
            )
            publisher.publish(FACTS)
            while await publisher.step() is None:
                pass
            assert publisher.state.state is PublishState.PUBLISHED, publisher.state.reason
            node = cluster.objects[NODES, None, "worker-1"]
            assert node["metadata"]["annotations"] == {
                "a": "b",
                "energy.pgood/cap-watts": "36.3",
                "energy.pgood/min-watts": "10.0",
                "energy.pgood/max-watts": "40.0",
                "energy.pgood/binding": "volume",
                "energy.pgood/price-eur-per-mwh": "85.20",
                "energy.pgood/updated": "2025-10-06T11:16:40Z",
                "rapl/pmax": "36300000",
                "rapl/max_power_uw": "40000000",
                "rapl/provider": "epex",
                "rapl/last-update": "2025-10-06T11:16:40Z",
                "rapl/market-period": "13:15-13:30",
                "rapl/market-volume": "85.2",
                "rapl/market-price": "85.20",
                "power-manager/initialized": "true",
            }
            assert node["metadata"]["labels"] == {"kubernetes.io/arch": "amd64", "energy.pgood/power-tier": "high"}
            now_s = 100.0
            publisher.publish(NodeFacts(1759749500.0, 10.0, 40.0, 40.0))  # the market's data have expired
            while await publisher.step() is None:
                pass
            node = cluster.objects[NODES, None, "worker-1"]
            assert node["metadata"]["annotations"]["rapl/pmax"] == "40000000"
            assert "rapl/market-price" not in node["metadata"]["annotations"]
            await publisher.take_away()
            node = cluster.objects[NODES, None, "worker-1"]
            assert dict(node["metadata"]["annotations"]) == {"a": "b"}
            assert dict(node["metadata"]["labels"]) == {"kubernetes.io/arch": "amd64"}
            assert node["spec"]["podCIDR"] == "10.0.0.0/24"

    asyncio.run(story())


def test_a_node_that_is_not_there(authority: tuple[Path, ssl.SSLContext], tmp_path: Path) -> None:
    ca_file, context = authority

    async def story() -> None:
        async with emulated(context) as (_, url):
            table = KubernetesTable(server=url, token_file=str(tmp_path / "token"), ca_file=str(ca_file))
            publisher = NodePublisher(table, {"NODE_NAME": "worker-2"})
            publisher.publish(FACTS)
            await publisher.step()
            assert publisher.state.state is PublishState.UNKNOWN_NODE
            assert "'worker-2' (from the environment's NODE_NAME)" in publisher.state.reason

    asyncio.run(story())
