# SPDX-License-Identifier: Apache-2.0
"""The MQTT face: state, events and telemetry out, commands in."""
