# SPDX-License-Identifier: Apache-2.0
"""The disk spool: what MQTT owes the broker, in files that survive a kill, a power cut and a full disk."""
