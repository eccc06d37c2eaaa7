# SPDX-License-Identifier: Apache-2.0
"""The catalogue: severity, message and system-event-log form of every kind of event, as literal data."""

from __future__ import annotations

from agent.events.catalog_energy import ENERGY
from agent.events.catalog_entry import (
    CRITICAL_INTERRUPT,
    OPENBMC,
    PGOOD,
    POWER_SUPPLY,
    POWER_UNIT,
    REDUNDANCY_READING,
    SENSOR_SPECIFIC,
    SYSTEM_BOOT,
    WATCHDOG,
    CatalogEntry,
    SelForm,
)
from agent.events.catalog_fleet import FLEET
from agent.events.catalog_heat import HEAT
from agent.events.event import EventKind, Severity

_OK, _WARNING, _CRITICAL = Severity.OK, Severity.WARNING, Severity.CRITICAL


def _unit(offset: int, deassert: bool = False) -> SelForm:
    return SelForm(POWER_UNIT, SENSOR_SPECIFIC, offset, deassert)


def _redundancy(offset: int) -> SelForm:
    return SelForm(POWER_UNIT, REDUNDANCY_READING, offset)


def _supply(offset: int, deassert: bool = False) -> SelForm:
    return SelForm(POWER_SUPPLY, SENSOR_SPECIFIC, offset, deassert)


CATALOG: dict[EventKind, CatalogEntry] = {
    EventKind.AGENT_STARTED: CatalogEntry(_OK, PGOOD + "AgentStarted", "pgood {1} started on board {0}."),
    EventKind.AGENT_STOPPED: CatalogEntry(_OK, PGOOD + "AgentStopped", "pgood stopped on board {0}."),
    EventKind.AGENT_ARMED: CatalogEntry(_OK, PGOOD + "AgentArmed", "Board {0} was armed: outputs may now be driven."),
    EventKind.GUARD_LOST: CatalogEntry(
        _WARNING, PGOOD + "GuardLost", "The guard process of board {0} ended: buttons are not released if pgood dies."
    ),
    EventKind.LINES_RESYNC: CatalogEntry(_WARNING, PGOOD + "LinesResync", "Line events were lost on {0}: {1}."),
    EventKind.LINES_FAILED: CatalogEntry(_CRITICAL, PGOOD + "LineFailed", "Line {0} cannot be used: {1}."),
    EventKind.LINES_SLOW_WRITE: CatalogEntry(
        _WARNING, PGOOD + "LineSlow", "Writing line {0} took {1} us: mark its chip as slow."
    ),
    EventKind.LINES_LIMITED: CatalogEntry(_WARNING, PGOOD + "LinesLimited", "Line engine of board {0}: {1}."),
    EventKind.INTERLOCK_FIRED: CatalogEntry(
        _CRITICAL, PGOOD + "InterlockFired", "Interlock {0} acted on {1}, {2} us after the edge."
    ),
    EventKind.INTERLOCK_SKIPPED: CatalogEntry(
        _WARNING, PGOOD + "InterlockSkipped", "Interlock {0} left {1} alone: {2}."
    ),
    EventKind.INTERLOCK_FAILED: CatalogEntry(
        _CRITICAL, PGOOD + "InterlockFailed", "Interlock {0} could not act on {1}: {2}."
    ),
    EventKind.INTERLOCK_ENDED: CatalogEntry(
        _OK, PGOOD + "InterlockEnded", "Interlock {0} let go of {1} after {2} ms: {3}."
    ),
    EventKind.INTERLOCK_RESET: CatalogEntry(_OK, PGOOD + "InterlockReset", "Interlock {0} was reset by {1}."),
    EventKind.SEQUENCE_COMPLETED: CatalogEntry(
        _OK, PGOOD + "SequenceCompleted", "Sequence {0} completed in {1} ms ({2})."
    ),
    EventKind.SEQUENCE_FAILED: CatalogEntry(_CRITICAL, PGOOD + "SequenceFailed", "Sequence {0} ended at {1}: {2}."),
    EventKind.POWER_GOOD_ROSE: CatalogEntry(
        _OK, PGOOD + "PowerGoodRose", "Power-good {0} rose {1} ms after the press."
    ),
    EventKind.POWER_GOOD_MISSING: CatalogEntry(
        _WARNING, PGOOD + "PowerGoodMissing", "Power-good {0} did not rise in time after the press."
    ),
    EventKind.POWER_GOOD_DIPPED: CatalogEntry(_WARNING, PGOOD + "PowerGoodDipped", "Power-good {0} dipped for {1} ms."),
    EventKind.POWER_GOOD_LOST: CatalogEntry(
        _WARNING, PGOOD + "PowerGoodLost", "Power-good {0} fell and stayed away for longer than its hold-off."
    ),
    EventKind.POWER_GOOD_RECOVERED: CatalogEntry(
        _OK, PGOOD + "PowerGoodRecovered", "Power-good {0} came back after {1} ms."
    ),
    EventKind.HOST_ON: CatalogEntry(_OK, OPENBMC + "DCPowerOn", "Host {0} is on.", _unit(0, deassert=True)),
    EventKind.HOST_OFF: CatalogEntry(_OK, OPENBMC + "DCPowerOff", "Host {0} is off.", _unit(0)),
    EventKind.HOST_SLEEPING: CatalogEntry(_OK, PGOOD + "HostSleeping", "Host {0} sleeps."),
    EventKind.HOST_RESET: CatalogEntry(
        _OK, PGOOD + "HostReset", "Host {0} was reset.", SelForm(SYSTEM_BOOT, SENSOR_SPECIFIC, 1)
    ),
    EventKind.HOST_NMI: CatalogEntry(
        _WARNING,
        PGOOD + "HostNmi",
        "Host {0} got a diagnostic interrupt.",
        SelForm(CRITICAL_INTERRUPT, SENSOR_SPECIFIC, 0),
    ),
    EventKind.HOST_POWER_LOST: CatalogEntry(
        _CRITICAL, OPENBMC + "SystemPowerLost", "Host {0} lost power without a request.", _unit(6)
    ),
    EventKind.HOST_POWER_ON_FAILED: CatalogEntry(
        _CRITICAL, OPENBMC + "SystemPowerOnFailed", "Host {0} did not power on: {1}.", _unit(5)
    ),
    EventKind.HOST_POWER_OFF_FAILED: CatalogEntry(
        _CRITICAL, OPENBMC + "SystemPowerOffFailed", "Host {0} did not power off: {1}.", _unit(5)
    ),
    EventKind.HOST_SOFT_OFF_FAILED: CatalogEntry(
        _WARNING, PGOOD + "HostSoftOffFailed", "Host {0} ignored the soft off: {1}.", _unit(5)
    ),
    EventKind.HOST_ACTION_FAILED: CatalogEntry(_WARNING, PGOOD + "HostActionFailed", "Host {0}: {1} failed: {2}."),
    EventKind.HOST_BUTTON_PRESSED: CatalogEntry(
        _OK, PGOOD + "FrontPanelButton", "The {1} button at host {0} was pressed for {2} ms."
    ),
    EventKind.HOST_BUTTON_MASKED: CatalogEntry(
        _OK, PGOOD + "FrontPanelButtonMasked", "The {1} button at host {0} was pressed for {2} ms and kept from it."
    ),
    EventKind.HOST_RESTORED: CatalogEntry(
        _OK, PGOOD + "HostRestored", "Mains is back: host {0} is switched on (restore policy {1})."
    ),
    EventKind.HOST_WATCHDOG: CatalogEntry(
        _CRITICAL,
        PGOOD + "HostWatchdog",
        "The watchdog of host {0} ran out: {1}.",
        SelForm(WATCHDOG, SENSOR_SPECIFIC, 0),
    ),
    EventKind.HOST_SENSE_LOST: CatalogEntry(
        _WARNING, PGOOD + "HostSenseLost", "Whether host {0} has power cannot be told: {1}."
    ),
    EventKind.HOST_SENSE_BACK: CatalogEntry(_OK, PGOOD + "HostSenseBack", "Host {0} can be sensed again: it is {1}."),
    EventKind.DOMAIN_ON: CatalogEntry(_OK, PGOOD + "DomainOn", "Power domain {0} is on."),
    EventKind.DOMAIN_OFF: CatalogEntry(_OK, PGOOD + "DomainOff", "Power domain {0} is off."),
    EventKind.DOMAIN_POWER_LOST: CatalogEntry(
        _CRITICAL, PGOOD + "DomainPowerLost", "Power domain {0} lost power-good while its control is on."
    ),
    EventKind.DOMAIN_RECOVERED: CatalogEntry(_OK, PGOOD + "DomainRecovered", "Power domain {0} has power-good again."),
    EventKind.DOMAIN_FAILED: CatalogEntry(_CRITICAL, PGOOD + "DomainFailed", "Power domain {0}: {1}."),
    EventKind.POWER_EMERGENCY: CatalogEntry(
        _CRITICAL, PGOOD + "EmergencyOff", "Emergency off of {0}, asked for by {1}: {2}."
    ),
    EventKind.OPERATION_BLOCKED: CatalogEntry(
        _WARNING, PGOOD + "OperationBlocked", "Operation {0} ({1}, asked for by {2}) came to nothing: {3}."
    ),
    EventKind.OPERATION_INTERRUPTED: CatalogEntry(
        _WARNING, PGOOD + "OperationInterrupted", "Operation {0} ({1}) was cut short by an end of the agent: {2}."
    ),
    EventKind.OVERRIDE_BEGUN: CatalogEntry(
        _WARNING, PGOOD + "OverrideBegun", "Safety policies overridden by {1} for {2} s: {0}; reason: {3}."
    ),
    EventKind.OVERRIDE_ENDED: CatalogEntry(_OK, PGOOD + "OverrideEnded", "Override of safety policies {0} ended: {1}."),
    EventKind.CONFIG_CHANGED: CatalogEntry(_OK, PGOOD + "ConfigChanged", "Configuration changed by {1}: {0}."),
    EventKind.POLICIES_CHANGED: CatalogEntry(_OK, PGOOD + "PoliciesChanged", "Policies changed by {1}: {0}."),
    EventKind.PSU_INSERTED: CatalogEntry(
        _OK, OPENBMC + "PowerSupplyInserted", "Power supply {0} inserted.", _supply(0)
    ),
    EventKind.PSU_REMOVED: CatalogEntry(
        _WARNING, OPENBMC + "PowerSupplyRemoved", "Power supply {0} removed.", _supply(0, deassert=True)
    ),
    EventKind.PSU_FAILED: CatalogEntry(
        _WARNING, OPENBMC + "PowerSupplyFailed", "Power supply {0} failed: {1}.", _supply(1)
    ),
    EventKind.PSU_RECOVERED: CatalogEntry(
        _OK, OPENBMC + "PowerSupplyRecovered", "Power supply {0} recovered.", _supply(1, deassert=True)
    ),
    EventKind.PSU_POWER_LOST: CatalogEntry(
        _WARNING, OPENBMC + "PowerSupplyPowerLost", "Power supply {0} power lost.", _supply(3)
    ),
    EventKind.PSU_POWER_RESTORED: CatalogEntry(
        _OK, OPENBMC + "PowerSupplyPowerRestored", "Power supply {0} power restored.", _supply(3, deassert=True)
    ),
    EventKind.PSU_UNREACHABLE: CatalogEntry(
        _WARNING, PGOOD + "PowerSupplyUnreachable", "Power supply {0} does not answer: {1}."
    ),
    EventKind.PSU_REACHABLE: CatalogEntry(_OK, PGOOD + "PowerSupplyReachable", "Power supply {0} answers again."),
    EventKind.PSU_INPUT_OUT_OF_RANGE: CatalogEntry(
        _WARNING, PGOOD + "PowerSupplyInputOutOfRange", "Power supply {0} input is out of range: {1}.", _supply(5)
    ),
    EventKind.PSU_INPUT_IN_RANGE: CatalogEntry(
        _OK, PGOOD + "PowerSupplyInputInRange", "Power supply {0} input is in range again.", _supply(5, deassert=True)
    ),
    EventKind.PSU_FAILURE_PREDICTED: CatalogEntry(
        _WARNING, OPENBMC + "PowerSupplyFailurePredicted", "Power supply {0} failure predicted: {1}.", _supply(2)
    ),
    EventKind.PSU_PREDICTED_RECOVERED: CatalogEntry(
        _OK,
        OPENBMC + "PowerSupplyPredictedFailureRecovered",
        "Power supply {0} predicted failure recovered.",
        _supply(2, deassert=True),
    ),
    EventKind.PSU_FAN_FAILED: CatalogEntry(
        _WARNING, OPENBMC + "PowerSupplyFanFailed", "Power supply {0} fan {1} failed.", _supply(2)
    ),
    EventKind.PSU_FAN_RECOVERED: CatalogEntry(
        _OK, OPENBMC + "PowerSupplyFanRecovered", "Power supply {0} fan {1} recovered.", _supply(2, deassert=True)
    ),
    EventKind.PSU_CONFIGURATION_ERROR: CatalogEntry(
        _WARNING,
        OPENBMC + "PowerSupplyConfigurationError",
        "Power supply {0} had configuration error: {1}.",
        _supply(6),
    ),
    EventKind.PSU_CONFIGURATION_FITS: CatalogEntry(
        _OK,
        OPENBMC + "PowerSupplyConfigurationErrorRecovered",
        "Power supply {0} configuration error recovered.",
        _supply(6, deassert=True),
    ),
    EventKind.PSU_FLAPPING: CatalogEntry(
        _WARNING,
        PGOOD + "PowerSupplyFlapping",
        "Power supply {0} changed more than {1} times in {2} s: it counts as failed until it is steady.",
        _supply(1),
    ),
    EventKind.PSU_STEADY: CatalogEntry(
        _OK,
        PGOOD + "PowerSupplySteady",
        "Power supply {0} is steady again ({1}); {2} changes were not told one by one.",
        _supply(1, deassert=True),
    ),
    EventKind.INPUT_LOST: CatalogEntry(
        _CRITICAL, PGOOD + "PowerInputLost", "All power supplies lost their input together.", _unit(4)
    ),
    EventKind.INPUT_BROWN_OUT: CatalogEntry(
        _CRITICAL, PGOOD + "PowerInputBrownOut", "Brown-out: the input of all power supplies is too low.", _unit(4)
    ),
    EventKind.INPUT_RESTORED: CatalogEntry(
        _OK, PGOOD + "PowerInputRestored", "The input of the power supplies is back.", _unit(4, deassert=True)
    ),
    EventKind.BUS_STUCK: CatalogEntry(
        _WARNING, PGOOD + "BusStuck", "I2C bus {0} does not work: {1}; its supplies are unavailable."
    ),
    EventKind.BUS_RECOVERED: CatalogEntry(_OK, PGOOD + "BusRecovered", "I2C bus {0} works again."),
    EventKind.REDUNDANCY_REGAINED: CatalogEntry(
        _OK, OPENBMC + "PowerUnitRedundancyRegained", "Power Unit Redundancy regained.", _redundancy(0)
    ),
    EventKind.REDUNDANCY_LOST: CatalogEntry(
        _WARNING, OPENBMC + "PowerUnitRedundancyLost", "Power Unit Redundancy lost.", _redundancy(1)
    ),
    EventKind.REDUNDANCY_DEGRADED: CatalogEntry(
        _WARNING, OPENBMC + "PowerUnitRedundancyDegraded", "Power Unit Redundancy degraded.", _redundancy(2)
    ),
    EventKind.REDUNDANCY_SUFFICIENT: CatalogEntry(
        _WARNING,
        OPENBMC + "PowerUnitNonRedundantSufficient",
        "Power Unit Nonredundant but has sufficient resource.",
        _redundancy(3),
    ),
    EventKind.REDUNDANCY_FROM_INSUFFICIENT: CatalogEntry(
        _WARNING,
        OPENBMC + "PowerUnitNonRedundantFromInsufficient",
        "Power Unit NonRedundant from insufficient to sufficient.",
        _redundancy(4),
    ),
    EventKind.REDUNDANCY_INSUFFICIENT: CatalogEntry(
        _CRITICAL,
        OPENBMC + "PowerUnitNonRedundantInsufficient",
        "Power Unit NonRedundant and has insufficient resource.",
        _redundancy(5),
    ),
    EventKind.REDUNDANCY_DEGRADED_FROM_REDUNDANT: CatalogEntry(
        _WARNING,
        OPENBMC + "PowerUnitDegradedFromRedundant",
        "Power Unit degraded from redundant.",
        _redundancy(6),
    ),
    EventKind.REDUNDANCY_DEGRADED_FROM_NONREDUNDANT: CatalogEntry(
        _WARNING,
        OPENBMC + "PowerUnitDegradedFromNonRedundant",
        "Power Unit degraded from nonredundant.",
        _redundancy(7),
    ),
    EventKind.REDUNDANCY_CONFIGURED: CatalogEntry(
        _OK, PGOOD + "RedundancyConfigured", "Cold redundancy was configured by {1}: {2}."
    ),
    EventKind.REDUNDANCY_RANKED: CatalogEntry(_OK, PGOOD + "RedundancyRanked", "Supply ranks in force: {1} ({2})."),
    EventKind.REDUNDANCY_WRITE_FAILED: CatalogEntry(
        _WARNING, PGOOD + "RedundancyWriteFailed", "Supply roles could not be set, all supplies stay active: {1}."
    ),
    EventKind.REDUNDANCY_ORDER_DROPPED: CatalogEntry(
        _WARNING,
        PGOOD + "RedundancyOrderDropped",
        "The user's rank order {1} was dropped, the board orders the supplies: {2}.",
    ),
    EventKind.REDUNDANCY_WIRING: CatalogEntry(
        _CRITICAL,
        PGOOD + "RedundancyWiring",
        "Supply power does not follow the roles, all supplies stay active: {1}. Check the CR_BUS and load-share wires.",
    ),
    EventKind.REDUNDANCY_POWER_LIMIT: CatalogEntry(
        _OK, PGOOD + "PowerLimitSet", "The power limit of the supplies was set by {1}: {2}."
    ),
    EventKind.REDUNDANCY_LIMIT_EXCEEDED: CatalogEntry(
        _WARNING, PGOOD + "PowerLimitExceeded", "The supplies deliver {1}, more than the limit of {2}."
    ),
    EventKind.REDUNDANCY_LIMIT_KEPT: CatalogEntry(
        _OK, PGOOD + "PowerLimitKept", "The supplies deliver {1}, within the limit of {2} again."
    ),
    **HEAT,
    **ENERGY,
    **FLEET,
}
