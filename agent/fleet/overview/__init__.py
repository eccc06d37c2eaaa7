# SPDX-License-Identifier: Apache-2.0
"""What anybody on the broker can see of a fleet: nodes, targets, caps, groups."""
