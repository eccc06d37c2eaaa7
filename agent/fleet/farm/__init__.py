# SPDX-License-Identifier: Apache-2.0
"""Which machines of a segment should be awake, and why."""
