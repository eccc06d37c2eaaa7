# SPDX-License-Identifier: Apache-2.0
"""Serial consoles of hosts: a serial device, a pseudo terminal, or a command."""
