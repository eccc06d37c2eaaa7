# SPDX-License-Identifier: Apache-2.0
"""One event of the board, immutable, with its identity and both clocks."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, datetime


class Severity(enum.Enum):
    """Severity in the words of Redfish."""

    OK = "OK"
    WARNING = "Warning"
    CRITICAL = "Critical"


class EventKind(enum.Enum):
    """Every kind of event, by its dotted name on the wire."""

    AGENT_STARTED = "agent.started"
    AGENT_STOPPED = "agent.stopped"
    AGENT_ARMED = "agent.armed"
    GUARD_LOST = "agent.guard_lost"
    LINES_RESYNC = "lines.resync"
    LINES_FAILED = "lines.failed"
    LINES_SLOW_WRITE = "lines.slow_write"
    LINES_LIMITED = "lines.limited"

    INTERLOCK_FIRED = "interlock.fired"
    INTERLOCK_SKIPPED = "interlock.skipped"
    INTERLOCK_FAILED = "interlock.failed"
    INTERLOCK_ENDED = "interlock.ended"
    INTERLOCK_RESET = "interlock.reset"
    SEQUENCE_COMPLETED = "sequence.completed"
    SEQUENCE_FAILED = "sequence.failed"
    POWER_GOOD_ROSE = "power_good.rose"
    POWER_GOOD_MISSING = "power_good.missing"
    POWER_GOOD_DIPPED = "power_good.dipped"
    POWER_GOOD_LOST = "power_good.lost"
    POWER_GOOD_RECOVERED = "power_good.recovered"

    HOST_ON = "host.on"
    HOST_OFF = "host.off"
    HOST_SLEEPING = "host.sleeping"
    HOST_RESET = "host.reset"
    HOST_NMI = "host.nmi"
    HOST_POWER_LOST = "host.power_lost"
    HOST_POWER_ON_FAILED = "host.power_on_failed"
    HOST_POWER_OFF_FAILED = "host.power_off_failed"
    HOST_SOFT_OFF_FAILED = "host.soft_off_failed"
    HOST_ACTION_FAILED = "host.action_failed"
    HOST_BUTTON_PRESSED = "host.button_pressed"
    HOST_BUTTON_MASKED = "host.button_masked"
    HOST_RESTORED = "host.restored"
    HOST_WATCHDOG = "host.watchdog"
    HOST_SENSE_LOST = "host.sense_lost"
    HOST_SENSE_BACK = "host.sense_back"

    DOMAIN_ON = "domain.on"
    DOMAIN_OFF = "domain.off"
    DOMAIN_POWER_LOST = "domain.power_lost"
    DOMAIN_RECOVERED = "domain.recovered"
    DOMAIN_FAILED = "domain.failed"
    POWER_EMERGENCY = "power.emergency"
    OPERATION_BLOCKED = "operation.blocked"
    OPERATION_INTERRUPTED = "operation.interrupted"
    OVERRIDE_BEGUN = "override.begun"
    OVERRIDE_ENDED = "override.ended"
    POLICIES_CHANGED = "policies.changed"
    CONFIG_CHANGED = "config.changed"

    PSU_INSERTED = "psu.inserted"
    PSU_REMOVED = "psu.removed"
    PSU_FAILED = "psu.failed"
    PSU_RECOVERED = "psu.recovered"
    PSU_POWER_LOST = "psu.power_lost"
    PSU_POWER_RESTORED = "psu.power_restored"
    PSU_UNREACHABLE = "psu.unreachable"
    PSU_REACHABLE = "psu.reachable"
    PSU_INPUT_OUT_OF_RANGE = "psu.input_out_of_range"
    PSU_INPUT_IN_RANGE = "psu.input_in_range"
    PSU_FAILURE_PREDICTED = "psu.failure_predicted"
    PSU_PREDICTED_RECOVERED = "psu.predicted_failure_recovered"
    PSU_FAN_FAILED = "psu.fan_failed"
    PSU_FAN_RECOVERED = "psu.fan_recovered"
    PSU_CONFIGURATION_ERROR = "psu.configuration_error"
    PSU_CONFIGURATION_FITS = "psu.configuration_error_recovered"
    PSU_FLAPPING = "psu.flapping"
    PSU_STEADY = "psu.steady"
    INPUT_LOST = "input.lost"
    INPUT_BROWN_OUT = "input.brown_out"
    INPUT_RESTORED = "input.restored"
    BUS_STUCK = "bus.stuck"
    BUS_RECOVERED = "bus.recovered"

    REDUNDANCY_REGAINED = "redundancy.regained"
    REDUNDANCY_LOST = "redundancy.lost"
    REDUNDANCY_DEGRADED = "redundancy.degraded"
    REDUNDANCY_SUFFICIENT = "redundancy.nonredundant_sufficient"
    REDUNDANCY_FROM_INSUFFICIENT = "redundancy.nonredundant_from_insufficient"
    REDUNDANCY_INSUFFICIENT = "redundancy.nonredundant_insufficient"
    REDUNDANCY_DEGRADED_FROM_REDUNDANT = "redundancy.degraded_from_redundant"
    REDUNDANCY_DEGRADED_FROM_NONREDUNDANT = "redundancy.degraded_from_nonredundant"
    REDUNDANCY_CONFIGURED = "redundancy.configured"
    REDUNDANCY_RANKED = "redundancy.ranked"
    REDUNDANCY_WRITE_FAILED = "redundancy.write_failed"
    REDUNDANCY_ORDER_DROPPED = "redundancy.order_dropped"
    REDUNDANCY_WIRING = "redundancy.wiring"
    REDUNDANCY_POWER_LIMIT = "redundancy.power_limit"
    REDUNDANCY_LIMIT_EXCEEDED = "redundancy.power_limit_exceeded"
    REDUNDANCY_LIMIT_KEPT = "redundancy.power_limit_kept"

    SENSOR_LOWER_CRITICAL = "sensor.lower_critical"
    SENSOR_LOWER_CRITICAL_CLEARED = "sensor.lower_critical_cleared"
    SENSOR_LOWER_WARNING = "sensor.lower_warning"
    SENSOR_LOWER_WARNING_CLEARED = "sensor.lower_warning_cleared"
    SENSOR_UPPER_WARNING = "sensor.upper_warning"
    SENSOR_UPPER_WARNING_CLEARED = "sensor.upper_warning_cleared"
    SENSOR_UPPER_CRITICAL = "sensor.upper_critical"
    SENSOR_UPPER_CRITICAL_CLEARED = "sensor.upper_critical_cleared"
    SENSOR_LOST = "sensor.lost"
    SENSOR_RECOVERED = "sensor.recovered"

    THERMAL_ACTIVE = "thermal.active"
    THERMAL_ACTIVE_CLEARED = "thermal.active_cleared"
    THERMAL_PASSIVE = "thermal.passive"
    THERMAL_PASSIVE_CLEARED = "thermal.passive_cleared"
    THERMAL_HOT = "thermal.hot"
    THERMAL_HOT_CLEARED = "thermal.hot_cleared"
    THERMAL_CRITICAL = "thermal.critical"
    THERMAL_CRITICAL_CLEARED = "thermal.critical_cleared"
    THERMAL_SENSOR_LOST = "thermal.sensor_lost"
    THERMAL_SENSOR_RECOVERED = "thermal.sensor_recovered"
    THERMAL_SOFT_OFF = "thermal.soft_off"
    THERMAL_EMERGENCY_OFF = "thermal.emergency_off"
    FAN_STALLED = "fan.stalled"
    FAN_TURNS = "fan.turns"
    FAN_FAILED = "fan.failed"
    FAN_WORKS = "fan.works"

    ENERGY_CAP = "energy.cap"
    ENERGY_CAP_FAILED = "energy.cap_failed"
    ENERGY_CAP_WORKS = "energy.cap_works"
    ENERGY_RECOVERED = "energy.recovered"
    ENERGY_NOT_RECOVERED = "energy.not_recovered"
    ENERGY_SIGNAL_STALE = "energy.signal_stale"
    ENERGY_SIGNAL_EXPIRED = "energy.signal_expired"
    ENERGY_SIGNAL_FRESH = "energy.signal_fresh"
    ENERGY_RESERVE = "energy.reserve"
    ENERGY_RESERVE_OVER = "energy.reserve_over"
    ENERGY_SURPLUS = "energy.surplus"
    ENERGY_SURPLUS_OVER = "energy.surplus_over"
    ENERGY_THROTTLED = "energy.throttled"
    ENERGY_NOT_THROTTLED = "energy.not_throttled"

    FLEET_NOT_ASLEEP = "fleet.not_asleep"
    FLEET_NOT_AWAKE = "fleet.not_awake"
    FLEET_NAME_TAKEN = "fleet.name_taken"
    FLEET_WAKE_FAILED = "fleet.wake_failed"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on the board.

    `id` is unique and ordered over restarts of the agent; `boot` names this run of the agent; `seq` counts in it.
    """

    id: str
    boot: str
    seq: int
    unix_ms: int
    mono_ns: int
    kind: EventKind
    source: str
    severity: Severity
    message_id: str
    message: str
    args: tuple[str, ...]

    def payload(self) -> dict[str, object]:
        """The event as published over MQTT and the local socket (schema: docs/mqtt.md)."""
        return {
            "id": self.id,
            "boot": self.boot,
            "seq": self.seq,
            "time": rfc3339_ms(self.unix_ms),
            "mono_ns": self.mono_ns,
            "kind": self.kind.value,
            "source": self.source,
            "severity": self.severity.value,
            "message_id": self.message_id,
            "message": self.message,
            "args": list(self.args),
        }


def rfc3339_ms(unix_ms: int) -> str:
    """RFC 3339 time in UTC with milliseconds, from milliseconds since 1970."""
    moment = datetime.fromtimestamp(unix_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{unix_ms % 1000:03d}Z"
