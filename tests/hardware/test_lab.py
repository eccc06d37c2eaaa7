# SPDX-License-Identifier: Apache-2.0
"""The lab itself: its devices are real kernel drivers and behave as the other hardware tests rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gpiod
from gpiod.line import Direction, Edge, Value

from tests.lab.options import DEFAULT_LINES

if TYPE_CHECKING:
    from smbus2 import SMBus

    from tests.hardware.gpio_sim import SimLine

FIRST_SUPPLY = 0x58
ROLE_REGISTER = 0xD0


def test_chip_has_the_default_lines_by_name(gpiochip: str) -> None:
    with gpiod.Chip(gpiochip) as chip:
        names = [chip.get_line_info(offset).name for offset in range(chip.get_info().num_lines)]
    assert tuple(names) == DEFAULT_LINES


def test_driven_level_is_seen_outside(gpiochip: str, world: dict[str, SimLine]) -> None:
    button = world["POWER_BUTTON"]
    settings = gpiod.LineSettings(direction=Direction.OUTPUT, output_value=Value.INACTIVE)
    with gpiod.request_lines(gpiochip, config={"POWER_BUTTON": settings}) as request:
        assert not button.is_high()
        request.set_value("POWER_BUTTON", Value.ACTIVE)
        assert button.is_high()


def test_released_output_falls_to_the_pull(gpiochip: str, world: dict[str, SimLine]) -> None:
    """Why the guard process exists: once nobody holds the line, the world decides."""
    button = world["POWER_BUTTON"]
    settings = gpiod.LineSettings(direction=Direction.OUTPUT, output_value=Value.INACTIVE)
    with gpiod.request_lines(gpiochip, config={"POWER_BUTTON": settings}):
        button.pull(high=True)
        assert not button.is_high()
    assert button.is_high()


def test_outside_change_is_an_edge(gpiochip: str, world: dict[str, SimLine]) -> None:
    settings = gpiod.LineSettings(direction=Direction.INPUT, edge_detection=Edge.BOTH)
    with gpiod.request_lines(gpiochip, config={"POWER_GOOD": settings}) as request:
        world["POWER_GOOD"].pull(high=True)
        assert request.wait_edge_events(1.0)
        (event,) = request.read_edge_events()
    assert event.event_type is event.Type.RISING_EDGE


def test_stub_keeps_what_was_written(i2c_bus: SMBus) -> None:
    for role in (1, 0):
        i2c_bus.write_byte_data(FIRST_SUPPLY, ROLE_REGISTER, role)
        assert i2c_bus.read_byte_data(FIRST_SUPPLY, ROLE_REGISTER) == role
