# SPDX-License-Identifier: Apache-2.0
"""One demo per test module, and a check that the foreign clients are there."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.clients.demo import Demo, start_demo

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS = ("ipmitool", "ipmipower", "bmc-info", "mosquitto", "mosquitto_sub", "mosquitto_pub")


@pytest.fixture(scope="session", autouse=True)
def _clients() -> None:
    missing = [client for client in CLIENTS if shutil.which(client) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}; 'make test' installs them, and so does CI")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = start_demo(tmp_path_factory.mktemp("demo"))
    yield running
    code, output = running.stop()
    assert code == 0, output
    assert "Traceback" not in output, output
