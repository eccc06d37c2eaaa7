# SPDX-License-Identifier: Apache-2.0
"""Trends of power, temperature and humidity: the last hour, day and month in bounded space."""
