# SPDX-License-Identifier: Apache-2.0
"""Adapters to real devices: GPIO lines, I2C buses, PMBus supplies, sensors. Knows no face and no policy."""
