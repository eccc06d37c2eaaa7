# SPDX-License-Identifier: Apache-2.0
"""What the hardware tests stand on: the simulated chips that the lab's guest announces. Skips them elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from smbus2 import SMBus

from tests.hardware.gpio_sim import SimLine
from tests.lab.options import DEFAULT_LINES

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("HWLAB") == "1":
        return
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="runs inside the lab: make lab"))


@pytest.fixture(scope="session")
def gpiochip() -> str:
    """Path of the simulated chip's device node."""
    return os.environ["HWLAB_GPIOCHIP"]


@pytest.fixture
def world() -> Iterator[dict[str, SimLine]]:
    """The outside of each named line; every pull is low at the start of a test and again after it."""
    folder = Path(os.environ["HWLAB_GPIOSIM"])
    lines = {name: SimLine(folder / f"sim_gpio{offset}") for offset, name in enumerate(DEFAULT_LINES)}
    for line in lines.values():
        line.pull(high=False)
    yield lines
    for line in lines.values():
        line.pull(high=False)


@pytest.fixture
def i2c_bus() -> Iterator[SMBus]:
    """The bus of the i2c-stub chips, for looking at what the code under test wrote."""
    with SMBus(int(os.environ["HWLAB_I2C"])) as bus:
        yield bus
