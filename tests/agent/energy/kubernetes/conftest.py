# SPDX-License-Identifier: Apache-2.0
"""A certificate authority, a scripted API server that it vouches for, and a table that leads there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.energy.kubernetes.table import KubernetesTable
from tests.agent.energy.kubernetes.authority import make_authority
from tests.agent.energy.kubernetes.played import SECRET
from tests.agent.energy.kubernetes.scripted import NODE, ScriptedServer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server(authority: tuple[Path, ssl.SSLContext]) -> Iterator[ScriptedServer]:
    with ScriptedServer(authority[1]) as server:
        yield server
        server.shutdown()


@pytest.fixture
def table(authority: tuple[Path, ssl.SSLContext], server: ScriptedServer, tmp_path: Path) -> KubernetesTable:
    (tmp_path / "token").write_text(SECRET + "\n")
    return KubernetesTable(
        node=NODE,
        server=server.url,
        token_file=str(tmp_path / "token"),
        ca_file=str(authority[0]),
        timeout_s=5,
        spread_s=0,
    )
