# SPDX-License-Identifier: Apache-2.0
"""The environment of powercap (menraromial/powercap), so that its DaemonSets go on with pgood. Pure.

Each name has an effect here: docs/energy-kubernetes.md says which.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from agent.energy.cron import parse_cron
from agent.energy.policies.volume import Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

UW_PER_W = 1_000_000
MAX_UW = 1e11
MAX_TEXT = 10_000
PERIOD_S = (1.0, 86_400.0)
UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
DURATION = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")
NODE_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
KIND = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
MODES = {
    "max": Reference.MAXIMUM,
    "maximum": Reference.MAXIMUM,
    "average": Reference.AVERAGE,
    "avg": Reference.AVERAGE,
    "mean": Reference.AVERAGE,
}


class SettingsError(Exception):
    """A name of the environment has no sense; one sentence with the name, the value and the cure."""


@dataclass(frozen=True, slots=True)
class OriginalSettings:
    """What was given; None = not given, or empty."""

    node_name: str | None = None
    period_s: float | None = None
    """So often the cap is decided on."""
    min_w: float | None = None
    max_w: float | None = None
    zone: str | None = None
    reference: Reference | None = None
    """What the present volume is compared with."""
    provider: str | None = None
    """A kind of signal: epex, mock, static, or one of ours."""
    provider_url: str | None = None
    provider_params: Mapping[str, str] | None = None
    refresh_cron: str | None = None
    """When the day's data are fetched anew, beside what is missing."""


def settings_from(environ: Mapping[str, str]) -> OriginalSettings:
    """All names at once. Raises SettingsError."""
    read = _Reader(environ)
    settings = OriginalSettings(
        node_name=read("NODE_NAME", _node, "give the node's name as `kubectl get nodes` shows it"),
        period_s=read("STABILISATION_TIME", _seconds, "give seconds, such as 300"),
        min_w=read("RAPL_MIN_POWER", _watts, "give microwatts, such as 10000000 for 10 W"),
        max_w=read("MAX_SOURCE", _watts, "give microwatts, such as 40000000 for 40 W"),
        zone=read("TIMEZONE", _zone, "give an IANA name, such as Europe/Paris"),
        reference=read("POWER_CALC_MODE", _mode, "give max or average"),
        provider=read("DATA_PROVIDER", _kind, "give epex, mock or static, or a kind of pgood's signals"),
        provider_url=read("PROVIDER_URL", _url, "give an address that begins with https:// or http://"),
        provider_params=read("PROVIDER_PARAMS", _params, 'give a JSON object of texts, such as {"market_area": "FR"}'),
        refresh_cron=read("DATA_REFRESH_CRON", _cron, "give five fields, such as 0 13 * * *"),
    )
    if settings.min_w is not None and settings.max_w is not None and settings.min_w > settings.max_w:
        least, most = environ["RAPL_MIN_POWER"], environ["MAX_SOURCE"]
        raise SettingsError(f"RAPL_MIN_POWER = {least} is above MAX_SOURCE = {most}: make it less")
    return settings


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __call__(self, name: str, parse: Callable[[str], T], cure: str) -> T | None:
        text = self._environ.get(name, "").strip()
        if not text:
            return None
        try:
            if len(text) > MAX_TEXT:
                raise ValueError(f"{len(text)} characters are too many")
            return parse(text)
        except ValueError as error:
            raise SettingsError(f"{name} = {text[:100]!r}: {error}; {cure}") from error


def _node(text: str) -> str:
    if not NODE_NAME.fullmatch(text):
        raise ValueError("no name of a node")
    return text


def _seconds(text: str) -> float:
    """A number of seconds; as in the original, also what Go reads with an `s` behind it, such as 1m30."""
    total_s, place = 0.0, 0
    for found in DURATION.finditer(f"{text}s"):
        if found.start() != place:
            break
        total_s += float(found[1]) * UNITS_S[found[2]]
        place = found.end()
    if place != len(text) + 1:
        raise ValueError("no duration")
    if not PERIOD_S[0] <= total_s <= PERIOD_S[1]:
        raise ValueError(f"{total_s:g} s is not {PERIOD_S[0]:g} to {PERIOD_S[1]:g} s")
    return total_s


def _watts(text: str) -> float:
    microwatts = float(text)
    if not (math.isfinite(microwatts) and 0 < microwatts <= MAX_UW):
        raise ValueError("no power of a machine")
    return microwatts / UW_PER_W


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError; a folder is an OSError
        raise ValueError("no time zone that this computer knows") from error
    return text


def _mode(text: str) -> Reference:
    if text.lower() not in MODES:
        raise ValueError("no such mode")
    return MODES[text.lower()]


def _kind(text: str) -> str:
    if not KIND.fullmatch(text.lower()):
        raise ValueError("no name of a kind")
    return text.lower()


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[!-~]+", text):
        raise ValueError("no address")
    return text


def _cron(text: str) -> str:
    parse_cron(text)
    return text


def _params(text: str) -> Mapping[str, str]:
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
