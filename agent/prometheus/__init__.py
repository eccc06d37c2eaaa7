# SPDX-License-Identifier: Apache-2.0
"""Metrics for Prometheus: the text format, and a small HTTP listener for it."""
