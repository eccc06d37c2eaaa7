# SPDX-License-Identifier: Apache-2.0
"""IPMI-over-LAN server library: knows nothing of boards, GPIO or MQTT."""
