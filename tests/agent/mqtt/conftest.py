# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.agent.mqtt.brokers import Mosquitto, Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def watcher(mosquitto: Mosquitto) -> Iterator[Watcher]:
    watcher = Watcher(mosquitto.port)
    yield watcher
    watcher.close()
