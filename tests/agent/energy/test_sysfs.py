# SPDX-License-Identifier: Apache-2.0
"""Missing, forbidden and unwilling files are three answers, with the file's name in each."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from agent.energy.sysfs import Failed, Fault, Sysfs
from tests.agent.energy.sysfs_tree import FakeKernel, SysfsTree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> SysfsTree:
    tree = SysfsTree(tmp_path)
    tree.write("device/limit", 65)
    return tree


def test_a_value_is_read_written_and_read_back(tree: SysfsTree) -> None:
    sysfs = Sysfs(tree.root)
    assert sysfs.number("device/limit") == 65
    assert sysfs.write("device/limit", 7) is None
    assert (sysfs.text("device/limit"), tree.read("device/limit")) == ("7", "7")
    tree.write("device/governors", " performance  powersave ")
    assert sysfs.words("device/governors") == ("performance", "powersave")


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (errno.ENOENT, Fault.ABSENT),
        (errno.ENODEV, Fault.ABSENT),
        (errno.EACCES, Fault.FORBIDDEN),
        (errno.EROFS, Fault.FORBIDDEN),
        (errno.EBUSY, Fault.REFUSED),
    ],
)
def test_what_opening_says(tree: SysfsTree, number: int, fault: Fault) -> None:
    kernel = FakeKernel(tree.root)
    kernel.not_opened["device/limit"] = kernel.not_read["device/limit"] = number
    for failed in (kernel.write("device/limit", 1), kernel.number("device/limit"), kernel.words("device/limit")):
        assert isinstance(failed, Failed)
        assert failed.fault is fault
        assert str(tree.root / "device/limit") in failed.reason


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (errno.EINVAL, Fault.REFUSED),
        (errno.EACCES, Fault.REFUSED),
        (errno.EIO, Fault.REFUSED),
        (errno.ENODEV, Fault.ABSENT),
    ],
)
def test_what_writing_says(tree: SysfsTree, number: int, fault: Fault) -> None:
    """A lock of the firmware is no lack of rights: root gets it as well."""
    kernel = FakeKernel(tree.root)
    kernel.not_taken["device/limit"] = number
    failed = kernel.write("device/limit", 1)
    assert isinstance(failed, Failed)
    assert failed.fault is fault
    assert tree.read("device/limit") == "65"


def test_nothing_is_created_and_no_link_followed(tree: SysfsTree) -> None:
    sysfs = Sysfs(tree.root)
    failed = sysfs.write("device/new", 1)
    assert isinstance(failed, Failed)
    assert failed.fault is Fault.ABSENT
    assert not (tree.root / "device/new").exists()
    (tree.root / "link").symlink_to(tree.root / "device/limit")
    assert isinstance(sysfs.write("link", 1), Failed)
    assert tree.read("device/limit") == "65"


@pytest.mark.parametrize("content", ["", "lots", "1.5", "0x10", "9" * 30, "\x00", "1 2"])
def test_what_is_no_number_is_refused(tree: SysfsTree, content: str) -> None:
    tree.write("device/limit", content)
    failed = Sysfs(tree.root).number("device/limit")
    assert isinstance(failed, Failed)
    assert failed.fault is Fault.REFUSED


def test_a_folder_is_no_value(tree: SysfsTree) -> None:
    for failed in (Sysfs(tree.root).text("device"), Sysfs(tree.root).write("device", 1)):
        assert isinstance(failed, Failed)
        assert failed.fault is Fault.REFUSED


def test_names_come_in_the_order_of_their_numbers(tree: SysfsTree) -> None:
    for number in (10, 2, 1):
        tree.write(f"cpufreq/policy{number}/x", 1)
    assert Sysfs(tree.root).names("cpufreq", "policy*") == ("policy1", "policy2", "policy10")
    assert Sysfs(tree.root).names("nowhere") == ()
