# SPDX-License-Identifier: Apache-2.0
"""Whether the role register of a supply may be written (safety rule 15): pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.psu.ranking import HIGHEST_ROLE

if TYPE_CHECKING:
    from agent.hardware.pmbus.quirks import Quirks
    from agent.hardware.pmbus.readings import SupplyIdentity
    from agent.profile.schema import SupplyTable


def wrong_model(table: SupplyTable, identity: SupplyIdentity | None, quirks: Quirks) -> str:
    """Why this supply is not the one that the profile means; "" when it is, or when nobody knows yet."""
    if identity is None:
        return ""
    if not quirks.role_register:
        return f"register D0h of {identity.mfr_id} {identity.mfr_model} is no role"
    told = (identity.mfr_id, identity.mfr_model)
    if identity.mfr_model:
        if identity.mfr_model == table.model_stated or told == (table.mfr_id, table.mfr_model):
            return ""
        return f"it is a {' '.join(told).strip()}, not a {table.mfr_id} {table.mfr_model}"
    return "" if table.model_stated else "it does not tell its model, and the profile does not state it"


def may_write_role(table: SupplyTable, identity: SupplyIdentity | None, quirks: Quirks, role_read: int) -> bool:
    """Only with the profile's leave, on the model that it names, and where the register reads as a role."""
    known = identity is not None
    return table.cold_redundancy and known and not wrong_model(table, identity, quirks) and role_read <= HIGHEST_ROLE
