# SPDX-License-Identifier: Apache-2.0
"""What is published of the groups of a budget, for people, dashboards and Home Assistant."""
