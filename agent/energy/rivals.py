# SPDX-License-Identifier: Apache-2.0
"""Who else turns the same knobs: daemons that set limits and governors. We refuse to fight, and say so.

They are looked for by the names of running processes, because not every system has systemd, or asks it the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.sysfs import Failed

if TYPE_CHECKING:
    from agent.energy.sysfs import Sysfs

POWERCAP, CPUFREQ = "powercap", "cpufreq"
"""Names of our actuators."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A daemon, what it turns, and how a person ends the dispute."""

    name: str
    turns: frozenset[str]
    cure: str
    pid: int = 0


@dataclass(frozen=True, slots=True)
class _Known:
    rival: Rival
    command: str
    """As the kernel has it in /proc/PID/comm, 15 characters at most."""
    argument: str = ""
    """For daemons that run in an interpreter: what the end of one of their arguments is."""


KNOWN = (
    _Known(Rival("thermald", frozenset({POWERCAP, CPUFREQ}), "systemctl disable --now thermald"), "thermald"),
    _Known(Rival("tuned", frozenset({CPUFREQ}), "tuned-adm off; systemctl disable --now tuned"), "tuned", "/tuned"),
    _Known(Rival("tuned-ppd", frozenset({CPUFREQ}), "systemctl disable --now tuned-ppd"), "tuned-ppd", "/tuned-ppd"),
    _Known(
        Rival(
            "power-profiles-daemon",
            frozenset({CPUFREQ}),
            "systemctl mask --now power-profiles-daemon",
        ),
        "power-profiles-",
    ),
    _Known(Rival("auto-cpufreq", frozenset({CPUFREQ}), "auto-cpufreq --remove"), "auto-cpufreq", "/auto-cpufreq"),
    _Known(
        Rival("throttled", frozenset({POWERCAP}), "systemctl disable --now throttled"), "throttled", "/throttled.py"
    ),
    _Known(
        Rival("intel-undervolt", frozenset({POWERCAP}), "systemctl disable --now intel-undervolt"), "intel-undervolt"
    ),
    _Known(Rival("cpupower", frozenset({CPUFREQ}), "systemctl disable --now cpupower"), "cpupower"),
)
TLP = Rival("TLP", frozenset({POWERCAP, CPUFREQ}), "systemctl disable --now tlp, or unset CPU_* in /etc/tlp.conf")
TLP_MARK = "run/tlp/last_pwr"
"""TLP is no daemon: it sets values when the mains come and go, and leaves this file."""


def rivals(root: Sysfs, actuator: str) -> tuple[Rival, ...]:
    """Those that now turn what this actuator would; `root` is rooted at /."""
    found = {rival.name: rival for rival in _processes(root)}
    if root.exists(TLP_MARK):
        found.setdefault(TLP.name, TLP)
    return tuple(found[name] for name in sorted(found) if actuator in found[name].turns)


def told(found: tuple[Rival, ...], actuator: str) -> str:
    """One sentence for a person."""
    who = ", ".join(f"{rival.name} (process {rival.pid})" if rival.pid else rival.name for rival in found)
    cures = "; ".join(rival.cure for rival in found)
    return f"{who} sets what {actuator} would set: nothing is capped. End it first: {cures}"


def _processes(root: Sysfs) -> list[Rival]:
    found = []
    for pid in root.names("proc", "[1-9]*"):
        if not pid.isdecimal():
            continue
        command = root.text(f"proc/{pid}/comm")
        if isinstance(command, Failed):
            continue  # it has ended
        words = None
        for known in KNOWN:
            if command == known.command[:15]:
                found.append(_at(known.rival, pid))
            elif known.argument and command.startswith("python"):
                words = _arguments(root, pid) if words is None else words
                if any(word.endswith(known.argument) for word in words[:4]):
                    found.append(_at(known.rival, pid))
    return found


def _arguments(root: Sysfs, pid: str) -> tuple[str, ...]:
    text = root.text(f"proc/{pid}/cmdline")
    return () if isinstance(text, Failed) else tuple(text.split("\0"))


def _at(rival: Rival, pid: str) -> Rival:
    return Rival(rival.name, rival.turns, rival.cure, int(pid))
