# SPDX-License-Identifier: Apache-2.0
"""What is found on a board, by its files alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.commission.setup.board_model import KNOWN_BOARDS, known_board
from agent.commission.setup.gpio_chips import FoundChips, GpioChip, chip_of, find_chips, misfits
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
        assert misfits(profile, found.gpio) == []
    assert label in LABELS.values()


def test_what_a_profile_wants_and_the_chips_do_not_have() -> None:
    rock, orange = (load_profile(shipped_profiles()[name]) for name in ("rock-atx", "orange-pi-atx"))
    banks = (
        GpioChip("/dev/gpiochip3", "gpio3", ("", "PIN_11", "PIN_13", "PIN_15", "PIN_16")),
        GpioChip("/dev/gpiochip4", "gpio4", ("PIN_18",)),
    )
    assert misfits(rock, FoundChips(banks)) == []
    assert "no GPIO chip has a line PIN_18" in misfits(rock, FoundChips(banks[:1]))[0]
    header = GpioChip("/dev/gpiochip1", "300b000.pinctrl", ("",) * 288)
    assert misfits(orange, FoundChips((header,))) == []
    assert "has no offset 226, offset 227" in misfits(orange, FoundChips((GpioChip("", "300b000.pinctrl", ("",)),)))[0]


@pytest.mark.parametrize(
    ("model", "profile"),
    [
        ("OrangePi Zero 2W", "orange-pi-atx"),
        ("Radxa ROCK 5B", "rock-atx"),
        ("Radxa ZERO 3W", "rock-atx"),
        ("OrangePi Zero3", None),
        ("Banana Pi", None),
        ("", None),
    ],
)
def test_the_profile_of_a_model(model: str, profile: str | None) -> None:
    board = known_board(model)
    assert (board.profile if board else None) == profile


def test_every_known_board_has_a_profile() -> None:
    assert {board.profile for board in KNOWN_BOARDS} <= set(shipped_profiles())


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
