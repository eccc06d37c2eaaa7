# SPDX-License-Identifier: Apache-2.0
"""The coordinator's program: its file, its parts, its local socket, what the service manager is told."""
