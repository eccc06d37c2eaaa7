# SPDX-License-Identifier: Apache-2.0
"""Command payloads, plain words and JSON, to typed commands or a typed refusal. Pure: no clock, no board."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

from agent.power.request import Action
from agent.requests.endpoint import readable

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_COMMAND_BYTES = 4096
MAX_ID_CHARACTERS = 128

HOST_WORDS: dict[str, Action] = {
    "ON": Action.ON,
    "OFF": Action.SOFT_OFF,  # safety rule 18: never a forced cut by a word that Home Assistant sends
    "SOFT_OFF": Action.SOFT_OFF,
    "FORCE_OFF": Action.FORCE_OFF,
    "RESET": Action.RESET,
    "CYCLE": Action.CYCLE,
    "NMI": Action.NMI,
}
SWITCH_WORDS: dict[str, bool] = {"ON": True, "OFF": False}

T = TypeVar("T")

TransactionId = str | int
"""As the client gave it; echoed unchanged."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a client says of its command."""

    transaction: TransactionId | None = None
    issued_at_s: float | None = None
    """Unix time."""


@dataclass(frozen=True, slots=True)
class HostCommand:
    action: Action
    force: bool = False
    stamp: Stamp = Stamp()


@dataclass(frozen=True, slots=True)
class RedundancyCommand:
    change: Mapping[str, object]
    """Some of `enabled`, `rotation`, `algorithm`, `ranks`, `period_s`; the values are the board's to judge."""
    stamp: Stamp = Stamp()


@dataclass(frozen=True, slots=True)
class ArgumentsCommand:
    """Arguments of a method; whether they fit is the method's to judge."""

    arguments: Mapping[str, object]
    stamp: Stamp = Stamp()


@dataclass(frozen=True, slots=True)
class Malformed:
    """No command; the reason is for the one who sent it."""

    reason: str
    transaction: TransactionId | None = None


_Id = (
    Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARACTERS)]
    | Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
)


class _Stamped(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    id: _Id | None = None
    transaction: _Id | None = None
    issued_at: str | int | float | None = None


class _HostJson(_Stamped, forbid_unknown_fields=True, kw_only=True):
    action: Annotated[str, msgspec.Meta(max_length=32)]
    force: bool = False


class _RedundancyJson(_Stamped, forbid_unknown_fields=True, kw_only=True):
    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    rotation: bool | msgspec.UnsetType = msgspec.UNSET
    algorithm: Annotated[str, msgspec.Meta(max_length=32)] | msgspec.UnsetType = msgspec.UNSET
    ranks: Annotated[list[int], msgspec.Meta(max_length=64)] | msgspec.UnsetType = msgspec.UNSET
    period_s: int | msgspec.UnsetType = msgspec.UNSET


REDUNDANCY_KEYS = ("enabled", "rotation", "algorithm", "ranks", "period_s")


def parse_host(payload: bytes) -> HostCommand | Malformed:
    """`ON` or `{"action": "on", "transaction": "7", "issued_at": "2026-11-21T10:00:00Z", "force": false}`."""
    try:
        text = _text(payload)
        if not text.startswith("{"):
            return HostCommand(_word(text, HOST_WORDS))
        given, transaction = _json(text)
    except ValueError as error:
        return Malformed(str(error))
    try:
        command = msgspec.convert(given, _HostJson)
        return HostCommand(_word(command.action, HOST_WORDS), command.force, _stamp(command))
    except (msgspec.ValidationError, ValueError) as error:
        return Malformed(readable(error), transaction)


def parse_redundancy(payload: bytes) -> RedundancyCommand | Malformed:
    """`ON`, `OFF` or `{"enabled": true, "rotation": true, "algorithm": "...", "ranks": [1, 2], "period_s": 86400}`."""
    try:
        text = _text(payload)
        if not text.startswith("{"):
            return RedundancyCommand({"enabled": _word(text, SWITCH_WORDS)})
        given, transaction = _json(text)
    except ValueError as error:
        return Malformed(str(error))
    try:
        command = msgspec.convert(given, _RedundancyJson)
        change = {key: getattr(command, key) for key in REDUNDANCY_KEYS if getattr(command, key) is not msgspec.UNSET}
        if not change:
            raise ValueError(f"nothing to change: give some of {', '.join(REDUNDANCY_KEYS)}")
        return RedundancyCommand(change, _stamp(command))
    except (msgspec.ValidationError, ValueError) as error:
        return Malformed(readable(error), transaction)


STAMP_KEYS = ("id", "transaction", "issued_at")


def parse_arguments(payload: bytes) -> ArgumentsCommand | Malformed:
    """Nothing at all, or `{"host": "0", "transaction": "7", "issued_at": ...}`: arguments beside the stamp."""
    try:
        text = _text(payload)
        if text and not text.startswith("{"):
            raise ValueError("a request is a JSON object, or empty")
        given, transaction = _json(text) if text else ({}, None)
    except ValueError as error:
        return Malformed(str(error))
    try:
        stamp = _stamp(msgspec.convert({key: given[key] for key in STAMP_KEYS if key in given}, _Stamped))
    except (msgspec.ValidationError, ValueError) as error:
        return Malformed(readable(error), transaction)
    return ArgumentsCommand({key: value for key, value in given.items() if key not in STAMP_KEYS}, stamp)


def _text(payload: bytes) -> str:
    if len(payload) > MAX_COMMAND_BYTES:
        raise ValueError(f"a command has at most {MAX_COMMAND_BYTES} bytes (not {len(payload)})")
    try:
        return payload.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise ValueError("a command is UTF-8 text: a plain word or a JSON object") from error


def _word(text: str, words: Mapping[str, T]) -> T:
    try:
        return words[text.upper().replace("-", "_")]
    except KeyError:
        raise ValueError(f"{_quoted(text)} is none of {', '.join(words)}, and no JSON object") from None


def _json(text: str) -> tuple[dict[str, Any], TransactionId | None]:
    """The object and its transaction, found before anything else is judged so that a refusal can name it."""
    try:
        given = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise ValueError(f"no JSON object: {error}") from error
    for key in ("transaction", "id"):
        try:
            return given, msgspec.convert(given.get(key), _Id)
        except msgspec.ValidationError:
            continue
    return given, None


def _stamp(command: _Stamped) -> Stamp:
    if command.id is not None and command.transaction is not None and command.id != command.transaction:
        raise ValueError("id and transaction are two names of one thing: give one of them")
    transaction = command.id if command.transaction is None else command.transaction
    return Stamp(transaction, None if command.issued_at is None else _unix_s(command.issued_at))


def _unix_s(issued_at: str | float) -> float:
    if isinstance(issued_at, str):
        try:
            moment = msgspec.convert(issued_at, datetime)
        except msgspec.ValidationError:
            raise ValueError(f"issued_at: {_quoted(issued_at)} is no RFC 3339 time, nor seconds since 1970") from None
        if moment.tzinfo is None:
            raise ValueError("issued_at: the time needs a zone, for example 2026-11-21T10:00:00Z")
        return moment.timestamp()
    if not 0 <= issued_at < 1e11 or not math.isfinite(issued_at):
        raise ValueError("issued_at: seconds since 1970 (not milliseconds), or an RFC 3339 time")
    return float(issued_at)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 32 else text[:32] + "...")
