# SPDX-License-Identifier: Apache-2.0
"""What pgood and the service manager (systemd) say to each other. No library of theirs is needed."""
