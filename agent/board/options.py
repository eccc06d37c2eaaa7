# SPDX-License-Identifier: Apache-2.0
"""The settings of one run and where each comes from: command line > run-time state > site file > profile > default."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.board.armed import is_armed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.energy.tables import EnergyTable
    from agent.fleet.tables import FleetTable
    from agent.profile.schema import Profile
    from agent.profile.site import Site
    from agent.store.settings import Settings


class Origin(enum.Enum):
    COMMAND_LINE = "command line"
    STATE = "state"
    SITE = "site file"
    PROFILE = "profile"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Override:
    """What the command line says; None = nothing."""

    ipmi: tuple[str, int] | None = None
    mqtt_url: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """Everything a board is opened with."""

    profile: Profile
    profile_file: Path
    site: Site
    site_file: Path | None
    state_dir: Path
    override: Override
    first_user: str | None = None
    """Made with a random password if there is no user yet (the demo; a real board has `pgood user init`)."""
    observe: bool = False
    """A simulated board waits for `pgood arm` as a real one does."""
    profile_from_site: bool = False
    """The site file names the profile, not the command line."""
    keep_world: bool = False
    """The world of a simulated board outlives the agent."""
    energy: EnergyTable | None = None
    """None = the site file has no `[energy]`."""
    fleet: FleetTable | None = None
    """None = the site file has no `[fleet]`."""

    def armed(self) -> bool:
        """Whether outputs may be driven (safety rule 10)."""
        return (self.profile.board.simulated and not self.observe) or is_armed(self.state_dir)

    def ipmi_listen(self) -> tuple[tuple[str, int], ...]:
        """Addresses to serve; empty on a real board until the site file gives one. Raises ValueError."""
        if self.override.ipmi:
            return (self.override.ipmi,)
        return tuple(address(text) for text in self.site.ipmi.listen)

    def ipmi_addresses(self) -> dict[str, tuple[tuple[str, int], ...]]:
        """Addresses of every host's endpoint. Raises ValueError.

        An address on the command line is the first host's; the others follow on the next ports.
        """
        names = [host.name for host in self.profile.hosts]
        unknown = sorted(set(self.site.ipmi.hosts) - set(names[1:]))
        if unknown:
            raise ValueError(
                f"ipmi.hosts.{unknown[0]}: name one of the hosts after the first"
                f" ({', '.join(names[1:]) or 'this profile has none'}); the first host's addresses are ipmi.listen"
            )
        addresses = {name: self.ipmi_listen() for name in names[:1]}
        for number, name in enumerate(names[1:], start=1):
            if self.override.ipmi:
                host, port = self.override.ipmi
                addresses[name] = ((host, port + number if port else 0),)
            elif name in self.site.ipmi.hosts:
                addresses[name] = tuple(address(text) for text in self.site.ipmi.hosts[name].listen)
        return addresses

    def mqtt_url(self) -> str:
        """Empty = no MQTT."""
        return self.site.mqtt.url if self.override.mqtt_url is None else self.override.mqtt_url

    def telemetry_interval_s(self) -> float:
        site = self.site.telemetry.interval_s
        return self.profile.telemetry.interval_s if site is None else site

    def telemetry_heartbeat_s(self) -> float | None:
        """None = every sample is published."""
        site = self.site.telemetry.heartbeat_s
        return self.profile.telemetry.heartbeat_s if site is None else site


def address(text: str, default_port: int = 623) -> tuple[str, int]:
    """`HOST:PORT`, `[V6]:PORT` or `HOST`. Raises ValueError with the cure."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        port_text = rest.removeprefix(":") if bracket else "?"
    elif text.count(":") == 1:
        host, _, port_text = text.partition(":")
    else:
        host, port_text = text, ""
    port = default_port if not port_text else int(port_text) if port_text.isascii() and port_text.isdigit() else -1
    if not host or not 0 <= port <= 65535:
        raise ValueError(f"{text!r} is no address: write HOST:PORT or [IPV6]:PORT, for example 127.0.0.1:6230")
    return host, port


@dataclass(frozen=True, slots=True)
class Setting:
    """One effective setting, as `pgood config show` tells it."""

    key: str
    value: object
    origin: Origin


def effective(options: Options, state: Settings) -> Iterator[Setting]:
    """Every setting that can come from more than one place, with the one in force."""
    site, override = options.site, options.override
    named_by = Origin.SITE if options.profile_from_site else Origin.COMMAND_LINE
    yield Setting("profile", str(options.profile_file), named_by)
    yield Setting("state_dir", str(options.state_dir), Origin.COMMAND_LINE)
    yield Setting(
        "ipmi.listen",
        [f"{host}:{port}" for host, port in options.ipmi_listen()],
        _first((override.ipmi is not None, Origin.COMMAND_LINE), (bool(site.ipmi.listen), Origin.SITE)),
    )
    yield Setting(
        "mqtt.url",
        options.mqtt_url(),
        _first((override.mqtt_url is not None, Origin.COMMAND_LINE), (bool(site.mqtt.url), Origin.SITE)),
    )
    yield Setting("mqtt.base", site.mqtt.base, _first((site.mqtt.base != "pgood", Origin.SITE)))
    yield Setting("board.id", site.board.id or state.get("board.id"), Origin.SITE if site.board.id else Origin.STATE)
    always = options.profile.board.simulated and not options.observe
    yield Setting("board.armed", options.armed(), Origin.PROFILE if always else Origin.STATE)
    for key, given, in_force in (
        ("telemetry.interval_s", site.telemetry.interval_s, options.telemetry_interval_s()),
        ("telemetry.heartbeat_s", site.telemetry.heartbeat_s, options.telemetry_heartbeat_s()),
    ):
        stored_value = state.get(key)
        yield Setting(
            key,
            in_force if stored_value is None else stored_value,
            _first((stored_value is not None, Origin.STATE), (given is not None, Origin.SITE), (True, Origin.PROFILE)),
        )
    for host in options.profile.hosts:
        changed = state.get(f"host.{host.name}.timing", {})
        for name in host.timing.__struct_fields__:
            value = changed.get(name, getattr(host.timing, name))
            origin = Origin.STATE if name in changed else Origin.PROFILE
            yield Setting(f"hosts.{host.name}.timing.{name}", value, origin)
    restore = state.get("policy.restore")
    yield Setting(
        "policy.restore",
        site.policy.restore if restore is None else ("off", "previous", "on")[restore],
        _first((restore is not None, Origin.STATE), (site.policy.restore != "off", Origin.SITE)),
    )
    for name, default in (("restore_delay_s", 10.0), ("assume_unclean_boot_is_mains_loss", False)):
        value = getattr(site.policy, name)
        yield Setting(f"policy.{name}", value, _first((value != default, Origin.SITE)))
    stored = state.get("redundancy.settings", {})
    for key in ("enabled", "rotation", "period_s"):
        yield Setting(
            f"redundancy.{key}",
            stored.get(key, getattr(options.profile.redundancy, key)),
            Origin.STATE if stored else Origin.PROFILE,
        )
    expected, given = state.get("redundancy.expected"), options.profile.redundancy.expected_supplies
    yield Setting(
        "redundancy.expected_supplies",
        next((value for value in (expected, given) if value is not None), len(options.profile.supplies)),
        _first((expected is not None, Origin.STATE), (given is not None, Origin.PROFILE)),
    )


def _first(*candidates: tuple[bool, Origin]) -> Origin:
    return next((origin for given, origin in candidates if given), Origin.DEFAULT)
