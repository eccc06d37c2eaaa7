# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .bench import Bench
from .clients import Clients
from .memory_board import MemoryBoard
from .serve import Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


@pytest.fixture
def parts() -> MemoryBoard:
    return MemoryBoard()


@pytest.fixture
def served(parts: MemoryBoard) -> Iterator[Served]:
    with Served(parts) as running:
        yield running


@pytest.fixture
def clients(served: Served, tmp_path: Path) -> Clients:
    return Clients(served.port, tmp_path)
