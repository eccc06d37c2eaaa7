# SPDX-License-Identifier: Apache-2.0
"""A power domain: what is switched as one, and what it needs to be on before."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class DomainType(enum.Enum):
    """The value is the word of profiles and the first part of a domain's source."""

    CHASSIS = "chassis"
    HOST = "host"
    AUX = "aux"


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain of a board. Names are unique over all types."""

    name: str
    type: DomainType
    needs: tuple[str, ...] = ()
    """Names of domains that must be on before this one starts and as long as it is on."""
    start_delay_ms: int = 0
    """What needs this domain starts so long after it is on."""
    stop_delay_ms: int = 0
    """What this domain needs is switched off so long after it is off."""
    watts: float | None = None
    """What it draws at most, for the check of the supplies' capacity; None = not checked."""

    @property
    def source(self) -> str:
        """`host/0`, `chassis/main`, `aux/fans`: its name in events, operations and topics."""
        return f"{self.type.value}/{self.name}"
