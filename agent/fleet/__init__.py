# SPDX-License-Identifier: Apache-2.0
"""Many machines together: who sleeps, who wakes, and how much power each may draw."""
