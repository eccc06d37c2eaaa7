# SPDX-License-Identifier: Apache-2.0
"""How fast processors may run, and what that costs: cpufreq, and the pure decisions above it."""
