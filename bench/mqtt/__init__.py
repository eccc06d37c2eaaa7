# SPDX-License-Identifier: Apache-2.0
"""What the MQTT face costs beside a bare paho client, and what the spool costs in memory and flash."""
