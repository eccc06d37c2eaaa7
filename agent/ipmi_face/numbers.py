# SPDX-License-Identifier: Apache-2.0
"""Sensor numbers of the board, one table for the SDR repository and the SEL."""

POWER_UNIT_STATUS = 0x01
POWER_UNIT_REDUNDANCY = 0x02
SYSTEM_RESTART = 0x03
CRITICAL_INTERRUPT = 0x04
FIRST_TEMPERATURE = 0x20
FIRST_SUPPLY_STATUS = 0x50
FIRST_SUPPLY_ANALOG = 0x60
SUPPLY_ANALOG_STEP = 0x08
"""Each supply has so many numbers for its analog sensors."""
