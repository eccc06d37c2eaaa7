# SPDX-License-Identifier: Apache-2.0
"""What is found on a board, by its files alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.commission.setup.gpio_chips import GpioChip, chip_of, find_chips, missing_lines
from agent.commission.setup.machine import Machine, look
from agent.profile.load import load_profile, shipped_profiles
from tests.agent.commission.setup.fake_board import LABELS, build, machine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("Raspberry Pi 5 Model B Rev 1.0", "pinctrl-rp1"),
        ("Raspberry Pi 4 Model B Rev 1.4", "pinctrl-bcm2711"),
        ("Raspberry Pi 3 Model B Plus Rev 1.3", "pinctrl-bcm2835"),
        ("Raspberry Pi Zero 2 W Rev 1.0", "pinctrl-bcm2835"),
    ],
)
def test_every_raspberry_pi_has_the_profiles_chip(tmp_path: Path, model: str, label: str) -> None:
    found = look(machine(build(tmp_path / "pi", model)))
    assert found.model == model
    assert found.board is not None
    for name in ("raspberry-pi-atx", "raspberry-pi-quad", "chassis-4-node"):
        profile = load_profile(shipped_profiles()[name])
        chip = chip_of(profile.chips["header"], found.gpio)
        assert chip is not None
        assert (chip.label, chip.device[-10:]) == (label, "gpiochip10")
        assert missing_lines(profile, "header", chip) == []
    assert label in LABELS.values()


def test_a_pc_is_told_so(tmp_path: Path) -> None:
    found = look(machine(build(tmp_path / "pc", "", ())))
    assert found.board is None
    assert found.told() == [
        "board:      no device tree: a PC, or a virtual machine",
        "GPIO chip:  none",
        "I2C bus:    none",
    ]


def test_buses_come_in_the_order_of_their_numbers_with_their_names(tmp_path: Path) -> None:
    root = build(tmp_path / "pi", buses=(11, 2))
    (root / "dev/i2c-x").touch()
    assert [(bus.number, bus.name) for bus in look(machine(root)).buses] == [
        (2, "bcm2835 (i2c@7e802000)"),
        (11, "bcm2835 (i2c@7e8011000)"),
    ]


def test_a_hostile_device_tree_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    root = build(tmp_path / "pi", "Pi \x1b[2J\x07" + "x" * 500)
    model = look(machine(root)).model
    assert model.isprintable()
    assert len(model) <= 80


def test_chips_that_cannot_be_looked_at_are_told(tmp_path: Path) -> None:
    def read(device: str) -> GpioChip:
        if device.endswith("0"):
            raise PermissionError(13, "Permission denied")
        raise OSError(19, "No such device")

    root = tmp_path
    (root / "dev").mkdir()
    for number in (0, 1):
        (root / f"dev/gpiochip{number}").touch()
    found = find_chips(root, read)
    assert found.chips == ()
    assert "no permission" in found.troubles[0]
    assert "gpiochip1 cannot be looked at: No such device" in found.troubles[1]
    assert any("no permission" in line for line in look(Machine(root, read)).told())
