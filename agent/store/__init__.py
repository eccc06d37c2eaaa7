# SPDX-License-Identifier: Apache-2.0
"""What survives a restart: settings, the system event log, the event record, hours."""
