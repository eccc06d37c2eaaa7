# SPDX-License-Identifier: Apache-2.0
"""The policies of the power manager: literal defaults, limits in the types, and what a change of them may say."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]
Deadline = Annotated[float, msgspec.Meta(ge=0.1, le=3600)]


class _Policies(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class SafetyPolicies(_Policies, frozen=True):
    """What must hold before something is switched on."""

    thermal_check: bool = True
    """Nothing starts in a thermal zone that is hot or has lost a sensor."""
    health_check: bool = True
    """Nothing starts while no supply is healthy or its own sense of power is in doubt."""
    power_good_required: bool = True
    """What a domain needs must prove by a power-good input that it is on."""
    capacity_check: bool = True
    """What starts must fit into the ratings of the healthy supplies, beside the present load."""
    max_concurrent_operations: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    """So many domains may be switched on, cycled or reset at a time."""
    min_off_s: Seconds = 0.0
    """What went off stays off so long before it is switched on."""


class SequencingPolicies(_Policies, frozen=True):
    """How several domains are switched one after another."""

    stagger_s: Seconds = 1.0
    """Between two starts within one operation."""
    power_good_s: Deadline = 5.0
    """Power-good of a chassis or auxiliary domain must come so soon after its control was switched."""
    step_s: Deadline = 10.0
    """What a step waits for (needs stable, cooling running, capacity) must hold so soon."""
    attempts: Annotated[int, msgspec.Meta(ge=1, le=5)] = 3
    """Of maintained outputs and of adapters that report; a button is pressed once."""
    rollback: bool = False
    """After a failed start, lower the maintained outputs that it raised and that nothing runs on."""
    start_needs: bool = True
    """A host's start switches on what it needs; else it is refused until that is on."""
    force_after_soft: bool = False
    """A host that ignores the request to shut down is forced off when its deadline has passed."""


class OperationPolicies(_Policies, frozen=True):
    """How operations are admitted."""

    timeout_s: Deadline = 30.0
    """An operation that waits or makes no step for so long is ended; a shutdown has its own deadline on top."""
    conflict: Literal["refuse", "queue"] = "refuse"
    """What becomes of a request for a domain that is busy."""
    queue_length: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8


class EmergencyPolicies(_Policies, frozen=True):
    """What happens in an emergency."""

    thermal_shutdown: bool = True
    """Hot and critical trips of thermal zones switch hosts off."""
    override_s: Annotated[float, msgspec.Meta(ge=1, le=3600)] = 60.0
    """An override of safety policies ends after this, or sooner."""


class PowerPolicies(_Policies, frozen=True):
    """All of them."""

    safety: SafetyPolicies = SafetyPolicies()
    sequencing: SequencingPolicies = SequencingPolicies()
    operations: OperationPolicies = OperationPolicies()
    emergency: EmergencyPolicies = EmergencyPolicies()


class PolicyError(ValueError):
    """A change that is no valid set of policies; the text names the key and what it may be."""


def merged(policies: PowerPolicies, change: object) -> PowerPolicies:
    """The policies with some keys changed, valid as a whole. Raises PolicyError."""
    document = msgspec.to_builtins(policies)
    if not isinstance(change, dict):
        raise PolicyError("policies are an object of groups: safety, sequencing, operations, emergency")
    for group, values in change.items():
        if group not in document:
            raise PolicyError(f"{group}: no such group; there are {', '.join(document)}")
        if not isinstance(values, dict):
            raise PolicyError(f"{group}: is an object of settings")
        document[group] = {**document[group], **values}
    try:
        return msgspec.convert(document, PowerPolicies)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        raise PolicyError(f"{where.rstrip('`')}: {what}" if where else what) from error
