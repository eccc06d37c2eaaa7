# SPDX-License-Identifier: Apache-2.0
"""Requests the profile's lines from the kernel (GPIO character device v2 through gpiod), without making an edge."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import struct
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import gpiod
from gpiod.line import Bias, Clock, Direction, Drive, Edge, Value

from agent.hardware.gpio_error import GpioError
from native import GuardedLine, KernelLine

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from agent.profile.schema import ChipTable, LineTable, Profile

CONSUMER = "pgood"
LINE_VALUES = struct.Struct("=QQ")
"""struct gpio_v2_line_values of <linux/gpio.h>: bits, mask."""
GET_VALUES = 0xC010B40E

BIAS = {"as-is": Bias.AS_IS, "disabled": Bias.DISABLED, "pull-up": Bias.PULL_UP, "pull-down": Bias.PULL_DOWN}
DRIVE = {
    None: Drive.PUSH_PULL,
    "push-pull": Drive.PUSH_PULL,
    "open-drain": Drive.OPEN_DRAIN,
    "open-source": Drive.OPEN_SOURCE,
}


@dataclass
class RequestedLines:
    """The lines that the kernel gave us. `levels` holds the level adopted for each maintained output.

    `guarded` are the outputs, by a key that says everything about their request, for the guard and the next agent.
    """

    lines: dict[str, KernelLine] = field(default_factory=dict)
    levels: dict[str, bool] = field(default_factory=dict)
    guarded: list[GuardedLine] = field(default_factory=list)
    _requests: list[gpiod.LineRequest] = field(default_factory=list)
    _inherited: list[int] = field(default_factory=list)

    def close(self) -> None:
        """Give the lines back to the kernel."""
        for request in self._requests:
            request.release()
        for descriptor in self._inherited:
            os.close(descriptor)
        self._requests.clear()
        self._inherited.clear()


def request_lines(
    profile: Profile,
    armed: bool,
    inherited: Mapping[str, int],
    let_go: Callable[[Collection[str]], None] = lambda keys: None,
) -> RequestedLines:
    """Request every line of the profile, each on a descriptor of its own. Raises GpioError.

    Outputs only when `armed`. A momentary output starts at idle; a maintained one is requested as it is, read, and
    made an output of that very level. `inherited` are the descriptors that an earlier agent's guard held, by key;
    those with the same settings are used as they are, without an edge, the others are closed, after `let_go` was
    told their keys: somebody else may have copies.
    """
    requested = RequestedLines()
    chips: dict[str, gpiod.Chip] = {}
    places: dict[str, tuple[gpiod.Chip, int]] = {}
    left = dict(inherited)
    try:
        for name, line in profile.lines.items():
            if line.direction == "output" and not armed:
                continue
            places[name] = _place(chips, profile, name, line)
        for name, (chip, offset) in places.items():
            descriptor = left.pop(_key(chip, offset, profile.lines[name]), None)
            if descriptor is not None:
                requested._inherited.append(descriptor)
                requested.lines[name] = KernelLine(descriptor)
        let_go(tuple(left))
        while left:  # before any request: a line of other settings is busy as long as it is open
            os.close(left.popitem()[1])
        for name, (chip, offset) in places.items():
            if name not in requested.lines:
                _request(requested, chip, offset, name, profile.lines[name])
            _guard(requested, chip, offset, name, profile.lines[name])
    except BaseException:
        for descriptor in left.values():
            os.close(descriptor)
        requested.close()
        raise
    finally:
        for chip in chips.values():
            chip.close()
    return requested


def _place(chips: dict[str, gpiod.Chip], profile: Profile, name: str, line: LineTable) -> tuple[gpiod.Chip, int]:
    """Where a line is; `chips` are those that are open, by the profile's name or by device."""
    if not line.chip:
        return _by_name(chips, name, line)
    if line.chip not in chips:
        chips[line.chip] = _open(line.chip, profile.chips[line.chip])
    return chips[line.chip], _offset(chips[line.chip], name, line)


def _by_name(chips: dict[str, gpiod.Chip], name: str, line: LineTable) -> tuple[gpiod.Chip, int]:
    """The only line of this name on any chip. Looking for it requests none."""
    found = []
    for device in sorted(glob.glob("/dev/gpiochip*")):
        if device not in chips:
            chips[device] = _open_device(f"lines.{name}", device)
        chip = chips[device]
        offsets = range(chip.get_info().num_lines)
        found += [(chip, offset) for offset in offsets if chip.get_line_info(offset).name == line.line]
    if not found:
        raise GpioError(f"lines.{name}: no GPIO chip has a line named {line.line!r}; see: gpioinfo")
    if len(found) > 1:
        where = ", ".join(f"{chip.path} line {offset}" for chip, offset in found)
        raise GpioError(f"lines.{name}: there are {len(found)} lines named {line.line!r} ({where}): name the 'chip'")
    return found[0]


def _key(chip: gpiod.Chip, offset: int, line: LineTable) -> str:
    """Two requests with one key are the same request."""
    polarity = "low" if line.active_low else "high"
    return f"{chip.get_info().label}:{offset}:{line.class_}:{polarity}:{line.drive}:{line.bias}"


def _guard(requested: RequestedLines, chip: gpiod.Chip, offset: int, name: str, line: LineTable) -> None:
    if line.direction == "output":
        maintained = line.class_ == "maintained"
        descriptor = requested.lines[name].fd
        requested.guarded.append(GuardedLine(_key(chip, offset, line), descriptor, maintained))
        if maintained and name not in requested.levels:
            requested.levels[name] = _level(name, descriptor)


def _level(name: str, descriptor: int) -> bool:
    """The logical level of a one-line request (GPIO_V2_LINE_GET_VALUES_IOCTL)."""
    values = bytearray(LINE_VALUES.pack(0, 1))
    try:
        fcntl.ioctl(descriptor, GET_VALUES, values)
    except OSError as error:
        raise GpioError(f"lines.{name}: cannot be read: {error.strerror}") from error
    return bool(LINE_VALUES.unpack(values)[0] & 1)


def _open(name: str, table: ChipTable) -> gpiod.Chip:
    if table.device:
        return _open_device(f"chips.{name}", table.device)
    found = []
    for device in sorted(glob.glob("/dev/gpiochip*")):
        chip = _open_device(f"chips.{name}", device)
        label = chip.get_info().label
        if label in table.labels:
            return chip
        found.append(f"{device} is {label!r}")
        chip.close()
    wanted = " or ".join(map(repr, table.labels))
    seen = "; ".join(found) or "there is no /dev/gpiochip*: is the GPIO driver loaded?"
    raise GpioError(f"chips.{name}: no GPIO chip has the label {wanted} ({seen})")


def _open_device(where: str, device: str) -> gpiod.Chip:
    """`where`: the place in the profile that asks for it."""
    try:
        return gpiod.Chip(device)
    except PermissionError as error:
        raise GpioError(
            f"{where}: no permission for {device}: add this user to the group that owns it"
            " (on Raspberry Pi OS: sudo usermod -aG gpio $USER) and log in again, or run as root"
        ) from error
    except FileNotFoundError as error:
        there = ", ".join(sorted(glob.glob("/dev/gpiochip*"))) or "none"
        raise GpioError(f"{where}: {device} is not there (GPIO chips here: {there})") from error
    except (OSError, ValueError) as error:
        raise GpioError(f"{where}: {device} cannot be opened: {error}") from error


def _offset(chip: gpiod.Chip, name: str, line: LineTable) -> int:
    info = chip.get_info()
    if line.offset is not None:
        if line.offset >= info.num_lines:
            raise GpioError(f"lines.{name}: offset {line.offset} is not on {chip.path} ({info.num_lines} lines)")
        return line.offset
    matches = [offset for offset in range(info.num_lines) if chip.get_line_info(offset).name == line.line]
    if not matches:
        raise GpioError(f"lines.{name}: no line named {line.line!r} on {chip.path} ({info.label}); see: gpioinfo")
    if len(matches) > 1:
        raise GpioError(
            f"lines.{name}: {chip.path} has {len(matches)} lines named {line.line!r}: give 'offset' instead"
        )
    return matches[0]


def _request(requested: RequestedLines, chip: gpiod.Chip, offset: int, name: str, line: LineTable) -> None:
    momentary = line.class_ == "momentary"
    output = gpiod.LineSettings(
        direction=Direction.OUTPUT, active_low=line.active_low, bias=BIAS[line.bias], drive=DRIVE[line.drive]
    )
    if line.direction == "input":
        settings = _input_settings(line)
    elif momentary:
        settings = replace(output, output_value=Value.INACTIVE)
    else:
        settings = replace(output, direction=Direction.AS_IS, drive=Drive.PUSH_PULL)
    try:
        request = chip.request_lines({offset: settings}, consumer=CONSUMER)
        requested._requests.append(request)
        if line.class_ == "maintained":
            level = request.get_value(offset)
            request.reconfigure_lines({offset: replace(output, output_value=level)})
            requested.levels[name] = level is Value.ACTIVE
    except OSError as error:
        raise GpioError(f"lines.{name}: {_why(chip, offset, error)}") from error
    requested.lines[name] = KernelLine(request.fd)


def _input_settings(line: LineTable) -> gpiod.LineSettings:
    """A polled line asks for no edges: its chip has none to give."""
    settings = gpiod.LineSettings(direction=Direction.INPUT, active_low=line.active_low, bias=BIAS[line.bias])
    if line.poll_us is None:
        settings = replace(settings, edge_detection=Edge.BOTH, event_clock=Clock.MONOTONIC)
    if line.debounce == "kernel":
        settings = replace(settings, debounce_period=timedelta(milliseconds=line.rise_ms or 0.0))
    return settings


def _why(chip: gpiod.Chip, offset: int, error: OSError) -> str:
    if error.errno == errno.EBUSY:
        user = chip.get_line_info(offset).consumer
        if user == CONSUMER:
            return (
                f"{chip.path} line {offset} is held by another pgood or its guard: stop it, then 'pgood disarm' there"
            )
        return f"{chip.path} line {offset} is in use by {user!r}: stop that program or choose another line"
    if error.errno in (errno.EINVAL, errno.ENOTSUP, errno.ENXIO):
        why = f"{chip.path} line {offset} refuses these settings (edge, bias or drive): {error.strerror}"
        return f"{why}; a line without edges is read with poll_us"
    return f"{chip.path} line {offset} cannot be requested: {error.strerror}"
