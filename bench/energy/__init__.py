# SPDX-License-Identifier: Apache-2.0
"""A made-up year of quarter hours played through the real policies: what a cap saves, what it costs, how fast it is."""
